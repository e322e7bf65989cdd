"""The words that the built-in models know, and how they are told apart.

Every word is one token; several words may mean the same ("ball", "sphere"), which the text encoder
learns. What is not here cannot be asked of the built-in models.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_WORDS", "SPELLINGS", "VOCABULARY", "encode", "unknown_words"]

SPELLINGS = MappingProxyType(
    {
        "gray": ("gray", "grey"),
        "red": ("red",),
        "blue": ("blue",),
        "green": ("green",),
        "brown": ("brown",),
        "purple": ("purple", "violet"),
        "cyan": ("cyan", "turquoise"),
        "yellow": ("yellow",),
        "cube": ("cube", "block", "box", "cubes", "blocks"),
        "sphere": ("sphere", "ball", "spheres", "balls"),
        "cylinder": ("cylinder", "cylinders"),
        "rubber": ("rubber", "matte"),
        "metal": ("metal", "metallic", "shiny"),
        "small": ("small", "tiny", "little"),
        "large": ("large", "big"),
        "thing": ("thing", "object", "item", "things", "objects"),
    }
)
"""Meaning → the words for it, the usual one first."""

_FILLERS = (
    "a",
    "an",
    "the",
    "that",
    "is",
    "it",
    "of",
    "colored",
    "made",
    "shape",
    "picture",
    "and",
)

PAD, UNKNOWN = 0, 1
VOCABULARY: tuple[str, ...] = (
    "<pad>",
    "<unknown>",
    *(word for words in SPELLINGS.values() for word in words),
    *_FILLERS,
)
MAX_WORDS = 16
_INDEX = {word: index for index, word in enumerate(VOCABULARY)}


def unknown_words(text: str) -> list[str]:
    """Return the words of a text that the models do not know."""
    return [word for word in _words(text) if word not in _INDEX]


def encode(texts: list[str]) -> NDArray[np.int64]:
    """Return token ids, shape (len(texts), MAX_WORDS), padded with 0; longer texts are cut."""
    ids = np.full((len(texts), MAX_WORDS), PAD, np.int64)
    for row, text in enumerate(texts):
        for column, word in enumerate(_words(text)[:MAX_WORDS]):
            ids[row, column] = _INDEX.get(word, UNKNOWN)
    return ids


def _words(text: str) -> list[str]:
    cleaned = "".join(c if c.isalnum() else " " for c in text.lower())
    return cleaned.split()
