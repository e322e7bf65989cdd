"""The vocabulary of the built-in models, and the tokenizer of their text encoder.

Every word is one token; several words may mean the same ("ball", "sphere"), which the text encoder
learns. The built-in models refuse all other words.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from viper.methods.doubts import SMALL_DETECTOR

__all__ = ["MAX_WORDS", "PHOTOGRAPHS", "SPELLINGS", "VOCABULARY", "encode", "refusal"]

PHOTOGRAPHS = (
    f"For photographs, {SMALL_DETECTOR}, or run viper models pull small (1.8 GB) and ask with "
    "--models small."
)
"""Advice for photographs: a detector of 80 kinds of things, or models for every role that know any word."""

_ROWS = """
gray grey
red
blue
green
brown
purple violet
cyan turquoise
yellow
cube block box cubes blocks
sphere ball spheres balls
cylinder cylinders
rubber matte
metal metallic shiny
small tiny little
large big
thing object item things objects
"""

SPELLINGS = MappingProxyType(
    {words[0]: words for row in _ROWS.strip().splitlines() for words in [tuple(row.split())]}
)
"""Meaning → its words, the usual one first."""

_FILLERS = "a an the that is it of colored made shape picture and".split()

PAD, UNKNOWN = 0, 1
VOCABULARY: tuple[str, ...] = (
    "<pad>",
    "<unknown>",
    *(word for words in SPELLINGS.values() for word in words),
    *_FILLERS,
)
MAX_WORDS = 16
_INDEX = {word: index for index, word in enumerate(VOCABULARY)}


def refusal(text: str) -> str | None:
    """Return why a text means nothing to the built-in models; None if they know all its words."""
    unknown = dict.fromkeys(repr(word) for word in _words(text) if word not in _INDEX)
    if not unknown:
        return None
    listed = ", ".join(unknown)
    return (
        f"The built-in models do not know {listed}: they know cubes, spheres and cylinders only, in gray, "
        f"red, blue, green, brown, purple, cyan and yellow, of metal or rubber, small or large. {PHOTOGRAPHS}"
    )


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
