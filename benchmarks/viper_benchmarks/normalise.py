"""Normalizes textual answers by the rules of the VQA evaluation.

    normalised("The Two  T-shirts!")   →  "2 t shirts"

Both sides of a comparison are normalized. The rules are those of the official evaluation of VQA
(https://visualqa.org/evaluation.html): punctuation, case, number words, articles, missing
apostrophes. Before them, letters are composed: "é" is the same answer as "e" with an accent.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

__all__ = ["ARTICLES", "NUMBERS", "composed", "highest_soft_accuracy", "normalised"]
__all__ += ["soft_accuracy", "without_punctuation"]

_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_COMMA_IN_NUMBER = re.compile(r"\d,\d")
_FULL_STOP = re.compile(r"\.(?!\d)")
ARTICLES = frozenset(("a", "an", "the"))
NUMBERS = {"none": "0"} | {
    word: str(number)
    for number, word in enumerate("zero one two three four five six seven eight nine ten".split())
}

_SHORTENED = {
    "nt": "ai are ca could did does do had has have is might must need ought sha should was were wo would",
    "ve": "could i might must not should they we what where who would you",
    "re": "there they what why you",
    "ll": "how it somebody someone something they what who why you",
    "d": "how it somebody someone something there they where who you",
    "s": "he how somebody someone that there what when where who why",
    "": "im lets maam oclock twas yall",
}
_CONTRACTIONS = {word + end for end, words in _SHORTENED.items() for word in words.split()}
"""Contractions without apostrophe that are not other words (unlike "were" and "its")."""


def composed(text: str) -> str:
    """Return a text with composed letters (Unicode's form NFC), in which equal texts are equal codes."""
    return unicodedata.normalize("NFC", text)


def normalised(text: str) -> str:
    """Return the normalized form of an answer."""
    text = composed(text)
    words = []
    # Folding may take a letter apart again.
    for word in composed(without_punctuation(text).casefold()).split():
        bare = word.replace("'", "").replace("\u2019", "")
        plain = NUMBERS.get(word, bare if bare in _CONTRACTIONS else word)
        if plain not in ARTICLES:
            words.append(plain)
    # An answer of articles alone, such as "The A", is kept.
    return " ".join(words) or composed(text.strip().casefold())


def without_punctuation(text: str) -> str:
    """Return a text without punctuation, by the rule of the VQA evaluation.

    A mark beside a space is dropped, any other becomes a space; all are dropped where the text holds a
    number with a comma; full stops stay before digits only. Apostrophes stay.
    """
    flat = text.replace("\n", " ").replace("\t", " ").strip()
    number = _COMMA_IN_NUMBER.search(flat) is not None
    plain = flat
    for mark in _MARKS:
        if mark in flat:
            beside_space = f"{mark} " in flat or f" {mark}" in flat
            plain = plain.replace(mark, "" if number or beside_space else " ")
    return _FULL_STOP.sub("", plain)


def soft_accuracy(answer: str, annotated: Sequence[str]) -> float:
    """Return the VQA accuracy of an answer, 0 … 1 (https://visualqa.org/evaluation.html).

    The mean over all ways to omit one annotator: min(1, number of the others with this answer / 3). That is
    the official formula for ten annotators, and here the formula for any number n of them. Three who agree
    are needed for 1, so the highest value is (n - 1) / 3 for n < 4: 0 for one annotator, 1/3 for two, 2/3
    for three.

    Args:
        answer: Normalized.
        annotated: The annotators' answers, normalized.
    """
    agreeing = Counter(annotated)[answer]
    others = len(annotated) - agreeing
    if not annotated:
        return 0.0
    # An omitted annotator who agrees is missing among those counted.
    total = agreeing * min(1.0, (agreeing - 1) / 3) + others * min(1.0, agreeing / 3)
    return total / len(annotated)


def highest_soft_accuracy(annotators: int) -> float:
    """Return the VQA accuracy of an answer that all annotators gave."""
    return min(1.0, max(0, annotators - 1) / 3)
