"""The tokenizer: splits a question into words and normalizes their spelling.

Spelling variants are settled here, so that the rules see one form: "w/" becomes "with", "isn't" "is
not", "grey" "gray", "top most" "topmost", "2nd" "second"; a misspelt word becomes the known word
nearest to it. Phrases without content ("in this image", "please") are removed. Each token keeps
the text that the user wrote, for error messages.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from viper.errors import GenerationError
from viper.generate.grammar.vocabulary.spelling import correction, is_named, split
from viper.generate.grammar.vocabulary.word_table import word_table
from viper.generate.grammar.vocabulary.words import in_dictionary, singular
from viper.texts.places import quoted

__all__ = ["MAX_CHARACTERS", "MAX_WORDS", "Token", "is_word", "tokenize"]

MAX_CHARACTERS = 1000
"""Longest question that is parsed; the longest of GQA and CLEVR have about 230 characters."""
MAX_WORDS = 120
# Correcting one takes some milliseconds; a question with more of them is no English.
_MOST_CORRECTED = 16


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the question."""

    text: str
    """Lower case, in the grammar's own spelling; "," and "." stand for punctuation."""
    source: str
    """The user's own spelling."""
    corrected: bool = False
    """True where `text` is the correction of a word that no dictionary has."""

    def __str__(self) -> str:
        return self.text


_SPELLINGS = word_table(
    """
    with: w w/
    without: w/o w/out
    number: #
    color: colour
    colors: colours
    colored: coloured
    gray: grey
    center: centre
    middle: centermost middlemost mid
    picture: pic pics
    photo: photograph
    are: r 're
    have: 've
    am: 'm
    will: 'll
    and: n &
    in front: infront
    on top: ontop
    nearest: nearst
    left: lft
    right: rt rite
    bottom: btm
    behind: behinde
    between: beetween inbetween btwn
    can not: cannot
    do not: dont
    does not: doesnt
    is not: isnt
    are not: arent
    what is: whats
    where is: wheres
    who is: whos
    that is: thats
    there is: theres
    towards: toward
    among: amongst
    right hand: righthand
    left hand: lefthand
    farthest: furthest
    farther: further
    white: wht whit
    black: blk
    green: grn
    t-shirt: tshirt
    people: ppl
    through: thru
    background: bg
    black white: bw b/w
    upside-down: upsidedown
    first: 1st
    second: 2nd
    third: 3rd
    fourth: 4th
    fifth: 5th
    sixth: 6th
    seventh: 7th
    eighth: 8th
    ninth: 9th
    tenth: 10th
    """
)
# "it's red" is "it is red", while "the man's hat" is a possessive.
_IS_AFTER = frozenset("it that what who how there here he she where this which".split())

_COMPOUNDS = word_table(
    """
    topmost: top most|upper most
    leftmost: left most
    rightmost: right most
    bottommost: bottom most|lower most
    frontmost: front most
    t-shirt: t shirt|tee shirt
    multicolored: multi colored|multi color
    hot-dog: hot dog
    hot-dogs: hot dogs
    nobody: no one
    anyone: any one
    northwest: north west
    short-sleeved: short sleeved
    long-sleeved: long sleeved
    turned-on: turned on
    turned-off: turned off
    old-fashioned: old fashioned
    partly-cloudy: partly cloudy
    """,
    "|",
)

_IMAGE_NOUNS = frozenset("image picture photo scene shot photos images frame snapshot view".split())
_IMAGE_LEADS = frozenset("in of on at from within inside throughout".split())
_POLITE = (
    "please|can you tell me|could you tell me|tell me|i want to know|do you think|would you say|"
    "in your opinion|maybe|just|really|actually|exactly|currently|today|right now|hey|hello|hi"
)
_PHRASES = tuple(tuple(phrase.split()) for phrase in _POLITE.split("|"))

# Typographic quotation marks, by number because they look alike.
_QUOTATION_MARKS = str.maketrans("\u2019\u2018`\u201c\u201d", "'''\"\"")

_NAME = re.compile(r"(?<=\S )[A-Z][A-Za-z]+|\b[A-Z]{2,}\b")
_WORD = re.compile(
    r"w/out\b|w/o\b|w/|b/w|[0-9]+:[0-9]+|[0-9]+(?:st|nd|rd|th)?|[a-z]++(?:-[a-z]++)*+|'[a-z]+|'|[,;:]|[.?!]+|\S"
)


def tokenize(question: str) -> list[Token]:
    """Split a question into tokens.

    Args:
        question: Any text.

    Returns:
        At most `MAX_WORDS` tokens; the question mark or full stop at the end is dropped, one before
        the end is a token ".".

    Raises:
        GenerationError: The text is empty, too long, or not written in English letters.
    """
    if not question.strip():
        raise GenerationError("The question is empty. Write what you want to know about the image.")
    if len(question) > MAX_CHARACTERS:
        raise GenerationError(
            f"The question has {len(question)} characters; the grammar reads at most "
            f"{MAX_CHARACTERS}. Shorten it, or use a language model: --generator openai:MODEL"
        )
    text = _plain_letters(question)
    tokens = [_normalized(token) for token in _split_words(text, question)]
    spelled = _corrected([token for group in tokens for token in group], question)
    flat = _possessives(spelled)
    flat = _without_phrases(_joined_compounds(flat))
    while flat and flat[-1].text in (".", ",", '"'):
        flat.pop()
    if not any(token.text[0].isalnum() for token in flat):
        raise GenerationError(
            f"The question {quoted(question, 80)} holds no words. Write what you want to know."
        )
    if len(flat) > MAX_WORDS:
        raise GenerationError(
            f"The question has {len(flat)} words; the grammar reads at most {MAX_WORDS}. Shorten "
            f"it, or use a language model: --generator openai:MODEL"
        )
    return flat


def _plain_letters(question: str) -> str:
    text = unicodedata.normalize("NFKC", question).lower().translate(_QUOTATION_MARKS)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    foreign = sorted({c for c in text if not c.isascii() and c.isalpha()})
    if foreign:
        raise GenerationError(
            f"The grammar reads English only; it did not understand {''.join(foreign[:10])!r}. "
            f"Rephrase the question, or use a language model: --generator openai:MODEL"
        )
    return text


def _split_words(text: str, question: str) -> list[str]:
    text = re.sub(r"(?<!\s)\s+'\s+s\b", "'s", text)  # "man ' s", as tokenized corpora write it
    text = re.sub(r"\b([a-z]+) - ([a-z]+)\b", r"\1-\2", text)
    text = re.sub(r"\b(?:no|nr)\.\s*(?=[0-9])", "number ", text)
    text = re.sub(r"\bcan't\b", "can not", text)
    text = re.sub(r"\bwon't\b", "will not", text)
    text = re.sub(r"n't\b", " not", text)
    words: list[str] = _WORD.findall(text)
    unsupported = next(
        (w for w in words if not (w[0].isalnum() or w[0] in "'\",.;:?!&()/-#")), None
    )
    if unsupported is not None:
        raise GenerationError(
            f"The grammar did not understand {quoted(unsupported)} in {quoted(question)}. Rephrase it, or "
            f"use a language model: --generator openai:MODEL"
        )
    return words


def _normalized(word: str) -> list[Token]:
    if word[0] in ".?!":
        return [Token(".", word)]
    if word[0] in ",;:":
        return [Token(",", word)]
    if word in "()\"'-/":
        return []
    return [Token(part, word) for part in _SPELLINGS.get(word, word).split()]


def _corrected(tokens: list[Token], question: str) -> list[Token]:
    """Replace misspelt words; a word with a capital inside the question is a name and stays."""
    names = {word.lower() for word in _NAME.findall(question)}
    words = [token.text for token in tokens if token.text.isalpha()]
    unknown = {word for word in words if word not in names and not is_word(word)}
    if len(unknown) > _MOST_CORRECTED:
        return tokens
    meant = {word: split(word) or tuple(filter(None, [correction(word)])) for word in unknown}
    if not all(meant.values()) and len(unknown) > len(words) / 2:
        return tokens  # probably another language
    result: list[Token] = []
    for token in tokens:
        parts = meant.get(token.text, ())
        result += [Token(part, token.source, corrected=True) for part in parts] or [token]
    return result


def is_word(word: str) -> bool:
    """Return whether a word is English, a name of the visual world, or a number."""
    return in_dictionary(word) or in_dictionary(singular(word)) or is_named(word) or word.isdigit()


def _possessives(tokens: list[Token]) -> list[Token]:
    return [
        Token("is", token.source)
        if token.text == "'s" and before is not None and before.text in _IS_AFTER
        else token
        for before, token in zip([None, *tokens], tokens, strict=False)
    ]


def _joined_compounds(tokens: list[Token]) -> list[Token]:
    result: list[Token] = []
    for token in tokens:
        compound = _COMPOUNDS.get(f"{result[-1].text} {token.text}") if result else None
        if compound is not None:
            result[-1] = Token(compound, f"{result[-1].source} {token.source}")
        else:
            result.append(token)
    return _sides(result)


def _sides(tokens: list[Token]) -> list[Token]:
    """Drop "hand" from "left hand side"."""
    texts = ["", *(token.text for token in tokens), ""]
    return [
        token
        for token, before, following in zip(tokens, texts, texts[2:], strict=False)
        if token.text != "hand"
        or before not in ("left", "right")
        or following not in ("side", "corner", "edge", "part")
    ]


def _without_phrases(tokens: list[Token]) -> list[Token]:
    """Remove polite words, and phrases such as "in this picture"."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        texts = [token.text for token in tokens[index : index + 4]]
        polite = next((p for p in _PHRASES if tuple(texts[: len(p)]) == p), None)
        # "Do you think" needs a clause after it, not the end.
        if polite is not None and index + len(polite) < len(tokens) + (polite == ("please",)):
            index += len(polite)
        elif (skip := _image_phrase(texts)) and result and not _in_front(result):
            index += skip
        else:
            result.append(tokens[index])
            index += 1
    return result


def _in_front(before: list[Token]) -> bool:
    """Return whether "in front" stands before "of the picture", which then is an object."""
    return [token.text for token in before[-2:]] == ["in", "front"]


def _image_phrase(texts: list[str]) -> int:
    """Return the number of words of "in the picture" at the start of `texts`, 0 if absent."""
    if len(texts) < 2 or texts[0] not in _IMAGE_LEADS:
        return 0
    if len(texts) > 2 and texts[1] in ("the", "this", "that", "your", "our"):
        return 3 if texts[2] in _IMAGE_NOUNS else 0
    return 2 if texts[1] in ("picture", "photo", "image", "pic") else 0
