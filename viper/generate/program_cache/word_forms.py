"""Word classes and inflected forms: which words of a question may replace each other, and how.

Words that determine what a program does have no class: articles, prepositions, numbers, directions,
superlatives, categories ("animal", "furniture"), names of properties ("color"). They are never replaced,
and neither are words that no dictionary lists.
"""

from __future__ import annotations

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
from viper.vocabulary.lemmas import inflections
from viper.vocabulary.text_cache import cached_by_text

__all__ = ["Form", "Piece", "form_of", "in_form", "is_content", "lemma", "pieces"]
__all__ += ["word_class"]

_PIECE = re.compile(
    r"['’]s\b"  # the dog's tail
    r"|[^\W\d_]++(?:-[^\W\d_]++|['’](?!s\b)[^\W\d_]++)*+"  # a polka-dotted dog that isn't here
    r"|\d++(?:[.,:]\d++)*+"
    r"|\S"
)

# A program for a category may list its members, and another category has others.
_CATEGORIES = frozenset(
    "animal pet mammal insect vehicle transportation fruit vegetable food meal dessert beverage drink "
    "furniture appliance device electronics utensil silverware cutlery tableware dishware container "
    "clothing clothes garment outfit footwear accessory toy tool instrument equipment plant weather "
    "room place building sport game activity job occupation season holiday event country language".split()
)
_CLOSED = FUNCTION_WORDS.union(
    ARTICLES,
    NUMBERS,
    ORDINALS,
    PLACES,
    SUPERLATIVES,
    COMPARATIVES,
    RESPECTS,
    VAGUE_NOUNS,
    PERSON_PRONOUNS,
    PARTITIVES,
    "colour colours coloured colored many much yes none unknown true false".split(),
    "image picture photo photograph scene".split(),
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
    """Form in which a literal of the program contains a word of the question."""

    SAME = "same"
    LEMMA = "lemma"
    PLURAL = "plural"
    GERUND = "gerund"


def pieces(text: str) -> list[Piece]:
    """Split a text into words, numbers and punctuation marks."""
    return [Piece(found[0], found.start(), found.end()) for found in _PIECE.finditer(text)]


@cached_by_text(8_192)
def word_class(word: str) -> str | None:
    """Return the class of a word, such as "noun plural" or "color"; None if it must not be replaced."""
    word = word.casefold()
    if not is_content(word) or singular(word) in _CATEGORIES:
        return None
    if is_gerund(word):
        return "verb -ing" if verb_lemma(word) else None
    attribute = ATTRIBUTE_KIND.get(word)
    if attribute is not None:
        return attribute
    parts_of_speech = kinds(word)
    if "NOUN" in parts_of_speech:
        # "Is this a kitchen?" asks about the scene and "Is this a dog?" about an object in it.
        name = "place" if singular(word) in SCENE_PLACES else "noun"
        return name if singular(word) == word else f"{name} plural"
    if "VERB" in parts_of_speech:
        if word.endswith(("ed", "en")):
            return "verb past"
        return "verb -s" if word.endswith("s") and verb_lemma(word) != word else "verb"
    if "ADJ" in parts_of_speech and positive(word) == word:
        return "adjective"
    return None


def is_content(word: str) -> bool:
    """Return whether a word describes objects: all words but closed classes and numbers."""
    word = word.casefold()
    return word not in _CLOSED and word[:1].isalpha()


@cached_by_text(8_192)
def lemma(word: str) -> str:
    """Return the base form of a word."""
    word = word.casefold()
    found = word_class(word)
    if found is not None and found.startswith("verb"):
        return verb_lemma(word) or word
    return singular(word) if is_content(word) else word


def form_of(written: str, word: str) -> Form | None:
    """Return the form in which a program contains a word of the question.

    Args:
        written: The word in the program.
        word: The word in the question.

    Returns:
        None if it is not a form of the word that `in_form` can make.
    """
    # SAME comes first: if the word is its own base form, so is its replacement.
    return next((form for form in Form if in_form(word, form) == written), None)


def in_form(word: str, form: Form) -> str:
    """Return a word of a question in a form, lower case."""
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
            return gerund(base) if (word_class(word) or "").startswith("verb") else word


@cached_by_text(4_096)
def _plural(base: str) -> str:
    forms = inflections(base, "NNS")
    return str(forms[0]) if forms else base
