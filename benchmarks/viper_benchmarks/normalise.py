"""Normalizes textual answers by the rules of the VQA evaluation.

    normalised("The Two  T-shirts!")   →  "2 t shirts"

Both sides of a comparison are normalized. The rules are those of the official evaluation of VQA
(https://visualqa.org/evaluation.html): punctuation, case, number words, articles, missing
apostrophes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["ARTICLES", "NUMBERS", "normalised", "soft_accuracy", "without_punctuation"]

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


def normalised(text: str) -> str:
    """Return the normalized form of an answer."""
    words = []
    for word in without_punctuation(text).casefold().split():
        bare = word.replace("'", "").replace("\u2019", "")
        plain = NUMBERS.get(word, bare if bare in _CONTRACTIONS else word)
        if plain not in ARTICLES:
            words.append(plain)
    # An answer of articles alone, such as "The A", is kept.
    return " ".join(words) or text.strip().casefold()


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

    The mean over all ways to omit one annotator: min(1, number of the others with this answer / 3).

    Args:
        answer: Normalized.
        annotated: The annotators' answers, normalized.
    """
    agreeing = Counter(annotated)[answer]
    others = len(annotated) - agreeing
    if not annotated:
        return 0.0
    total = agreeing * min(1.0, (agreeing - 1) / 3) + others * min(1.0, agreeing / 3)
    return total / len(annotated)
