"""Sort keys: the meaning of "leftmost", "biggest" or "bottom left corner" for a list of patches.

A key is a Python expression over one patch; the patch with the smallest value comes first. Keys are in
the program's frame: y grows upwards, and `image_patch` is the whole image.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import MappingProxyType

from viper.generate.grammar.vocabulary.word_table import word_table

__all__ = ["KEYS", "SIZES", "clock_key", "corner_key"]

KEYS = MappingProxyType(
    {
        "left": "{a}.horizontal_center",
        "right": "-{a}.horizontal_center",
        "top": "-{a}.vertical_center",
        "bottom": "{a}.vertical_center",
        "far_left": "{a}.left",
        "far_right": "-{a}.right",
        "far_top": "-{a}.upper",
        "far_bottom": "{a}.lower",
        "middle": "abs({a}.horizontal_center - image_patch.horizontal_center)",
        "outer": "-abs({a}.horizontal_center - image_patch.horizontal_center)",
        "corner": "-abs({a}.horizontal_center - image_patch.horizontal_center) / image_patch.width"
        " - abs({a}.vertical_center - image_patch.vertical_center) / image_patch.height",
        "border": "min({a}.left, {a}.lower, image_patch.width - {a}.right, "
        "image_patch.height - {a}.upper)",
        "big": "-{a}.width * {a}.height",
        "small": "{a}.width * {a}.height",
        "tall": "-{a}.height",
        "short": "{a}.height",
        "wide": "-{a}.width",
        "narrow": "{a}.width",
        "near": "({a}.lower, -{a}.height)",
        "far": "(-{a}.lower, {a}.height)",
    }
)
"""`Pick.by` → sort key of a patch `a`; a depth model replaces the last two where it is served."""

SIZES = word_table(
    """
    big: big large huge giant main
    small: small little tiny
    tall: tall
    short: short
    wide: wide fat
    narrow: thin skinny
    """
)
"""Adjective of size → `Pick.by`, for candidates that are compared with each other."""

_CORNER_KEYS = KEYS | {"near": "{a}.lower", "far": "-{a}.lower"}
_UPRIGHT = frozenset({"top", "bottom", "far_top", "far_bottom", "near", "far"})


def corner_key(places: Iterable[str], item: str) -> str:
    """Return the key of nearness to a corner: each axis as a share of the image.

    Args:
        places: Values of `Pick.by`, such as "bottom" and "far_left".
        item: Variable that holds the patch.
    """
    return " + ".join(
        f"{_CORNER_KEYS[place].format(a=item)} / image_patch.{'height' if place in _UPRIGHT else 'width'}"
        for place in places
    )


def clock_key(hour: int, item: str) -> str:
    """Return the key of how far a patch lies in the direction of a clock's hour hand."""
    angle = hour * math.pi / 6
    return " + ".join(
        f"{share:.2g} * ({item}.{axis} - image_patch.{axis})"
        for share, axis in (
            (-math.sin(angle), "horizontal_center"),
            (-math.cos(angle), "vertical_center"),
        )
        if abs(share) > 1e-6  # an axis across the hand does not count
    )
