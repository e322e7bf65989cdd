"""Attributes with two ends: the attribute that "how large" or "how old" asks for, and its two values.

Data only. A matcher chooses between the two values; an answerer gets the question itself.
"""

from __future__ import annotations

from viper.generate.grammar.vocabulary.word_table import word_groups

__all__ = ["ENDS", "SCALES"]

_SCALES = word_groups(
    """
    size/large/small: big large small huge tiny little
    length/long/short: long short
    height/tall/short: tall high low
    width/wide/narrow: wide broad narrow
    thickness/thick/thin: thick thin
    depth/deep/shallow: deep shallow
    weight/heavy/light: heavy light
    build/fat/thin: fat skinny slim
    age/old/young: old young
    cleanliness/clean/dirty: clean dirty
    hardness/hard/soft: hard soft firm
    fullness/full/empty: full empty
    health/healthy/unhealthy: healthy
    temperature/hot/cold: hot cold warm
    wetness/wet/dry: wet dry
    brightness/bright/dark: bright dark
    density/dense/sparse: dense sparse crowded
    sharpness/sharp/dull: sharp dull
    ripeness/ripe/unripe: ripe
    freshness/fresh/stale: fresh
    order/tidy/messy: tidy messy neat
    calmness/calm/choppy: calm rough choppy
    modernity/modern/old: modern
    mood/happy/sad: happy sad
    speed/fast/slow: fast slow
    steepness/steep/flat: steep
    """
)

SCALES = {word: name.split("/")[0] for name, words in _SCALES.items() for word in words}
"""Adjective after "how" → the attribute that it asks for."""

ENDS = {respect: tuple(ends) for respect, *ends in (name.split("/") for name in _SCALES)}
"""Attribute → its two values."""
