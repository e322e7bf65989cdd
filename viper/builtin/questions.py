"""The questions that the built-in answerer was trained for, and the words of its language model.

A question of another form, or with other words, is refused: the answer of the language model would be
meaningless.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from viper.builtin.words import SPELLINGS

__all__ = ["CAN", "KINDS", "QUESTION_WORDS", "Kind", "as_trained", "kind_of_question", "plain"]

Kind = Literal["name", "color", "shape", "material", "size", "count"]
KINDS: tuple[Kind, ...] = get_args(Kind)

CAN = (
    "The built-in answerer can be asked: what is this; what color, shape, material or size is it; how many "
    "red cubes are there."
)

_WORD = "|".join(sorted({word for words in SPELLINGS.values() for word in words}, key=len)[::-1])
# A phrase has a few words; each of a million would take memory.
_SOME = rf"(?:(?:{_WORD}) ){{0,999}}(?:{_WORD})"
_THIS = rf"(?:it|this|that|(?:the|this|that) {_SOME})"
_IS = rf"(?:is|are) {_THIS}"

_FORMS: Mapping[Kind, str] = MappingProxyType(
    {
        "color": rf"what colou?r {_IS}|what is the colou?r of {_THIS}",
        "shape": rf"what shape {_IS}|what is the shape of {_THIS}",
        "material": rf"what {_IS} made of|what material {_IS}(?: made of)?|"
        rf"what is the material of {_THIS}",
        "size": rf"what size {_IS}|how (?:big|large|small) {_IS}|what is the size of {_THIS}",
        "count": rf"how many {_SOME}(?: (?:are there|are visible|do you see))?(?: in the picture)?",
        "name": rf"what {_IS}|what is in the picture|what (?:kind|type|sort) of {_SOME} {_IS}",
    }
)
"""Kind → its questions, as a regular expression on `plain` text."""

# Longer than any question of the training. The time of the language model grows with the square of it.
_MOST_CHARACTERS = 200

QUESTION_WORDS: tuple[str, ...] = tuple(
    "what which how many is are it this that the a an of made in picture there visible do you see "
    "color colour shape material size big large small question answer and".split()
)
"""Words of questions and of the prompt that are not in `SPELLINGS`."""


def plain(question: str) -> str:
    """Return a question in lower case without punctuation, as the language model gets it."""
    text = question.lower().replace("'s ", " is ")
    return " ".join("".join(c if c.isalnum() else " " for c in text).split())


def as_trained(question: str) -> str:
    """Return a question that has a kind, in words that the language model was trained on."""
    return "what is it" if kind_of_question(question) == "name" else plain(question)


def kind_of_question(question: str) -> Kind | None:
    """Return the kind of a question; None for a question that the answerer was not trained for."""
    if len(question) > _MOST_CHARACTERS:
        return None
    text = plain(question)
    for kind, form in _FORMS.items():
        if re.fullmatch(form, text):
            return kind
    return None
