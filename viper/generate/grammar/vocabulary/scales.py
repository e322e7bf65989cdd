"""Properties with two ends: what "how large", "how clean" and "how old" ask for, and the answers.

Data only. The ends are what a matcher chooses between; an answerer is asked the question itself.
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["ENDS", "SCALES"]

_SCALES = {
    "size": ("big large small huge tiny little", ("large", "small")),
    "length": ("long short", ("long", "short")),
    "height": ("tall high low", ("tall", "short")),
    "width": ("wide broad narrow", ("wide", "narrow")),
    "thickness": ("thick thin", ("thick", "thin")),
    "depth": ("deep shallow", ("deep", "shallow")),
    "weight": ("heavy light", ("heavy", "light")),
    "build": ("fat skinny slim", ("fat", "thin")),
    "age": ("old young", ("old", "young")),
    "cleanliness": ("clean dirty", ("clean", "dirty")),
    "hardness": ("hard soft firm", ("hard", "soft")),
    "fullness": ("full empty", ("full", "empty")),
    "health": ("healthy", ("healthy", "unhealthy")),
    "temperature": ("hot cold warm", ("hot", "cold")),
    "wetness": ("wet dry", ("wet", "dry")),
    "brightness": ("bright dark", ("bright", "dark")),
    "density": ("dense sparse crowded", ("dense", "sparse")),
    "sharpness": ("sharp dull", ("sharp", "dull")),
    "ripeness": ("ripe", ("ripe", "unripe")),
    "freshness": ("fresh", ("fresh", "stale")),
    "order": ("tidy messy neat", ("tidy", "messy")),
    "calmness": ("calm rough choppy", ("calm", "choppy")),
    "modernity": ("modern", ("modern", "old")),
    "mood": ("happy sad", ("happy", "sad")),
    "speed": ("fast slow", ("fast", "slow")),
    "steepness": ("steep", ("steep", "flat")),
}

SCALES = MappingProxyType(
    {word: respect for respect, (words, _) in _SCALES.items() for word in words.split()}
)
"""Adjective behind "how" → the property that it asks for."""

ENDS = MappingProxyType({respect: ends for respect, (_, ends) in _SCALES.items()})
"""Property → its two ends, as an answer names them."""
