"""What kind of word a word is, so that another of the same kind may stand in its place.

Words that decide what a program does have no kind: articles, prepositions, numbers, places,
superlatives, kinds of things ("animal", "furniture"), names of properties ("color"). They stay as they
are, and so does what no dictionary knows.
"""

from __future__ import annotations

import functools
import re
from enum import StrEnum
from typing import NamedTuple

from viper.generate.grammar.vocabulary.lexicon import (
    ARTICLES,
    ATTRIBUTE_KIND,
    COMPARATIVES,
    FUNCTION_WORDS,
    NUMBERS,
    ORDINALS,
    PARTITIVES,
    PERSON_PRONOUNS,
    PLACES,
    RESPECTS,
    SCENE_PLACES,
    SUPERLATIVES,
    VAGUE_NOUNS,
)
from viper.generate.grammar.vocabulary.words import (
    gerund,
    is_gerund,
    kinds,
    positive,
    singular,
    verb_lemma,
)

__all__ = ["Form", "Piece", "form_of", "in_form", "is_content", "kind", "lemma", "pieces"]

_PIECE = re.compile(
    r"['’]s\b"  # the dog's tail
    r"|[^\W\d_]+(?:-[^\W\d_]+|['’](?!s\b)[^\W\d_]+)*"  # a polka-dotted dog that isn't here
    r"|\d+(?:[.,:]\d+)*"
    r"|\S"
)

# Words for many kinds of things: a program may name the kinds, and those of another word are others.
_CATEGORIES = frozenset(
    "animal pet mammal insect vehicle transportation fruit vegetable food meal dessert beverage drink "
    "furniture appliance device electronics utensil silverware cutlery tableware dishware container "
    "clothing clothes garment outfit footwear accessory toy tool instrument equipment plant weather "
    "room place building sport game activity job occupation season holiday event country language".split()
)
_CLOSED = (
    FUNCTION_WORDS
    | ARTICLES
    | NUMBERS.keys()
    | ORDINALS.keys()
    | PLACES.keys()
    | SUPERLATIVES.keys()
    | COMPARATIVES.keys()
    | RESPECTS.keys()
    | VAGUE_NOUNS
    | PERSON_PRONOUNS
    | PARTITIVES
    | frozenset("colour colours coloured colored many much yes none unknown true false".split())
    | frozenset("image picture photo photograph scene".split())
)


class Piece(NamedTuple):
    """A word, number or punctuation mark of a text."""

    text: str
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        """False for punctuation."""
        return self.text[0].isalnum()


class Form(StrEnum):
    """How a text of the program writes a word of the question."""

    SAME = "same"
    LEMMA = "lemma"
    PLURAL = "plural"
    GERUND = "gerund"


def pieces(text: str) -> list[Piece]:
    """Cut a text into words, numbers and punctuation marks."""
    return [Piece(found[0], found.start(), found.end()) for found in _PIECE.finditer(text)]


@functools.lru_cache(maxsize=8192)
def kind(word: str) -> str | None:
    """Return what may stand in a word's place, such as "noun plural" or "color"; None for nothing."""
    word = word.casefold()
    if not is_content(word) or singular(word) in _CATEGORIES:
        return None
    if is_gerund(word):
        return "verb -ing" if verb_lemma(word) else None
    attribute = ATTRIBUTE_KIND.get(word)
    if attribute is not None:
        return attribute
    known = kinds(word)
    if "NOUN" in known:
        # A picture is taken in a place and shows a thing, so questions of one form ask two things.
        what = "place" if singular(word) in SCENE_PLACES else "noun"
        return what if singular(word) == word else f"{what} plural"
    if "VERB" in known:
        if word.endswith(("ed", "en")):
            return "verb past"
        return "verb -s" if word.endswith("s") and verb_lemma(word) != word else "verb"
    if "ADJ" in known and positive(word) == word:
        return "adjective"
    return None


def is_content(word: str) -> bool:
    """Tell whether a word says something about things: all but closed classes and numbers."""
    word = word.casefold()
    return word not in _CLOSED and word[:1].isalpha()


@functools.lru_cache(maxsize=8192)
def lemma(word: str) -> str:
    """Return what forms of one word have in common."""
    word = word.casefold()
    found = kind(word)
    if found is not None and found.startswith("verb"):
        return verb_lemma(word) or word
    return singular(word) if is_content(word) else word


def form_of(written: str, word: str) -> Form | None:
    """Say how a program writes a word of the question.

    Args:
        written: The word in the program.
        word: The word in the question.

    Returns:
        None where it is neither the word nor a form of it that `in_form` can make.
    """
    # The word as it stands goes first: where it is its own base form, so is what will replace it.
    return next((form for form in Form if in_form(word, form) == written), None)


def in_form(word: str, form: Form) -> str:
    """Return a word of a question as a program that uses a form would write it; lower case."""
    word = word.casefold()
    base = lemma(word)
    match form:
        case Form.SAME:
            return word
        case Form.LEMMA:
            return base
        case Form.PLURAL:
            return _plural(base)
        case Form.GERUND:
            return gerund(base) if (kind(word) or "").startswith("verb") else word


@functools.lru_cache(maxsize=4096)
def _plural(base: str) -> str:
    from lemminflect import getInflection

    forms = getInflection(base, "NNS")
    return str(forms[0]) if forms else base
