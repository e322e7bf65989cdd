"""The functions that a program of the grammar may hold, as text, so that its reader sees each rule.

They use the program's frame: y grows upwards, `lower < upper`. Sizes are relative to the objects, so that the
same rule holds for large and small images. `is_…` decides by a threshold, `is_clearly_…` holds beyond doubt,
and `decide_…` ends the program where boxes leave it open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["HELPERS", "called_helpers"]

_SOURCES = """
def rows_of(patches):
    # Rows from the lowest: who is higher than half of the first in a row begins the next.
    rows = []
    for patch in sorted(patches, key=lambda patch: patch.vertical_center):
        first = rows[-1][0] if rows else patch
        if not rows or patch.vertical_center > first.vertical_center + first.height / 2:
            rows.append([])
        rows[-1].append(patch)
    return rows

def shared_width(a, b):
    # Width that both cover, as a share of the narrower one.
    shared = min(a.right, b.right) - max(a.left, b.left)
    return max(shared, 0) / min(a.width, b.width)

def share_inside(a, b):
    # Share of the area of a that lies in b.
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.upper, b.upper) - max(a.lower, b.lower)
    return max(width, 0) * max(height, 0) / (a.width * a.height)

def gap(a, b):
    # Distance between the edges, in sizes of the smaller one.
    size = min(max(a.width, a.height), max(b.width, b.height))
    return max(distance(a, b), 0) / size

def is_on(a, b):
    # The foot of a lies on b: not below its foot, not above its top.
    slack = 0.1 * min(a.height, b.height)
    return shared_width(a, b) > 0.4 and b.lower - slack < a.lower < b.upper + slack

def is_under(a, b):
    return is_on(b, a) or (shared_width(a, b) > 0.3 and a.vertical_center < b.vertical_center)

def is_above(a, b):
    return is_on(a, b) or (shared_width(a, b) > 0.1 and a.vertical_center > b.vertical_center)

def place_in(picture, a):
    # Its third of the picture, in each direction.
    x, y = a.horizontal_center / picture.width, a.vertical_center / picture.height
    column = 'left' if x < 1 / 3 else 'right' if x > 2 / 3 else 'center'
    row = 'bottom' if y < 1 / 3 else 'top' if y > 2 / 3 else 'center'
    return ' '.join(part for part in (row, column) if part != 'center') or 'center'

def surroundings(picture, a):
    # The patch and as much again on each side of it.
    left, right = a.left - a.width, a.right + a.width
    return picture.crop(left, a.lower - a.height, right, a.upper + a.height)

def is_touching(a, b):
    # Boxes of things in contact overlap, as a rule by a good part of the smaller one.
    return max(share_inside(a, b), share_inside(b, a)) > 0.2

def is_left_of(a, b):
    # Of two that lie within each other, only clearly different centres count.
    within = max(share_inside(a, b), share_inside(b, a)) > 0.5
    least = 0.25 * min(a.width, b.width) if within else 0
    return b.horizontal_center - a.horizontal_center > least

def is_clearly_left_of(a, b):
    # Both its edges lie further left, and its centre by half of the narrower one's width.
    apart = b.horizontal_center - a.horizontal_center
    return a.left < b.left and a.right < b.right and apart >= 0.5 * min(a.width, b.width)

def is_across(a, b):
    # All the width of b: b is in front of it, above or below, and neither left nor right.
    return a.left <= b.left and b.right <= a.right

def decide_left_of(a, b):
    is_left = is_clearly_left_of(a, b)
    if not (is_left or is_clearly_left_of(b, a) or is_across(a, b) or is_across(b, a)):
        OPEN
    return is_left

def is_clearly_higher(a, b):
    # Both its edges lie higher, and its centre by half of the lower one's height.
    apart = a.vertical_center - b.vertical_center
    return a.lower > b.lower and a.upper > b.upper and apart >= 0.5 * min(a.height, b.height)

def is_clearly_above(a, b):
    return is_clearly_higher(a, b) and shared_width(a, b) > 0.1

def decide_above(a, b):
    is_higher, is_beside = is_clearly_higher(a, b), shared_width(a, b) <= 0.1
    if is_clearly_higher(b, a) or (is_beside and not is_higher):
        return False
    if is_beside or not is_higher:
        OPEN
    return True

def is_clearly_between(a, b, c):
    # In the gap of the two, from left to right or from top to bottom.
    beside = is_clearly_left_of(b, a) and is_clearly_left_of(a, c)
    beside = beside or (is_clearly_left_of(c, a) and is_clearly_left_of(a, b))
    above = is_clearly_higher(b, a) and is_clearly_higher(a, c)
    return beside or above or (is_clearly_higher(c, a) and is_clearly_higher(a, b))

def is_outside(a, b, c):
    # Clearly on the same side of both.
    beside = is_clearly_left_of(a, b) and is_clearly_left_of(a, c)
    beside = beside or (is_clearly_left_of(b, a) and is_clearly_left_of(c, a))
    above = is_clearly_higher(a, b) and is_clearly_higher(a, c)
    return beside or above or (is_clearly_higher(b, a) and is_clearly_higher(c, a))

def decide_between(a, b, c):
    is_between_them = is_clearly_between(a, b, c)
    if not is_between_them and not is_outside(a, b, c):
        OPEN
    return is_between_them

def share_in_half(picture, half, a):
    # Share of the patch that lies in the left, right, top or bottom half of the picture.
    left = (picture.horizontal_center - a.left) / a.width
    bottom = (picture.vertical_center - a.lower) / a.height
    share = {'left': left, 'right': 1 - left, 'bottom': bottom, 'top': 1 - bottom}[half]
    return min(max(share, 0), 1)

def is_clearly_in_half(picture, half, a):
    return share_in_half(picture, half, a) >= 0.75

def decide_half(picture, half, a):
    share = share_in_half(picture, half, a)
    if 0.25 < share < 0.75:
        OPEN
    return share >= 0.75

def is_near(a, b):
    return gap(a, b) < 1

def is_beside(a, b):
    # Near each other, and at the same height of the picture.
    level = min(a.upper, b.upper) > max(a.lower, b.lower)
    return level and gap(a, b) < 1

def is_inside(a, b):
    return share_inside(a, b) > 0.7 and a.width * a.height < b.width * b.height

def is_part_of(a, b):
    return share_inside(a, b) > 0.5

def is_amid(a, b):
    beside = abs(a.horizontal_center - b.horizontal_center)
    return beside < b.width / 4 and share_inside(a, b) > 0.3

def is_between(a, b, c):
    # Between the centres of b and c, along the axis on which these lie further apart.
    beside = abs(b.horizontal_center - c.horizontal_center)
    above = abs(b.vertical_center - c.vertical_center)
    if beside >= above:
        ends = sorted([b.horizontal_center, c.horizontal_center])
        return ends[0] < a.horizontal_center < ends[1]
    ends = sorted([b.vertical_center, c.vertical_center])
    return ends[0] < a.vertical_center < ends[1]
"""


class _Open(NamedTuple):
    """What a `decide_…` function does where boxes leave it open: the line OPEN of its source."""

    why: str
    """For `unsure`, which ends the program."""
    missing: str
    """For `absent`, which notes a doubt under best effort: the program goes on."""
    rule: str
    """What decides then."""

    def lines(self, *, best_effort: bool) -> str:
        if best_effort:
            return f"absent({self.missing!r})\n        return {self.rule}"
        return f"unsure({self.why!r})"


_OPEN = {
    "decide_left_of": _Open(
        "One overlaps the other: neither is clearly left or right.",
        "clear left or right",
        "is_left_of(a, b)",
    ),
    "decide_above": _Open(
        "The boxes do not show which of the two is above the other.",
        "clear above or below",
        "is_above(a, b)",
    ),
    "decide_between": _Open(
        "The boxes do not show whether it is between the two.",
        "clear place between the two",
        "is_between(a, b, c)",
    ),
    "decide_half": _Open(
        "What is asked about lies in both halves of the picture.",
        "clear half of the picture",
        "share > 0.5",
    ),
}


def _sources(*, best_effort: bool) -> Mapping[str, str]:
    functions = {}
    for source in _SOURCES.strip().split("\n\n"):
        name = source.removeprefix("def ").partition("(")[0]
        lines = _OPEN[name].lines(best_effort=best_effort) if name in _OPEN else ""
        functions[name] = source.replace("OPEN", lines)
    return MappingProxyType(functions)


HELPERS = _sources(best_effort=False)
"""Name → source."""
_BEST_EFFORT = _sources(best_effort=True)
_CALL = re.compile(r"\b(\w+)(?=\()")


def called_helpers(body: str, *, best_effort: bool) -> list[str]:
    """Return the lines of the helpers that a program's body calls, each once, callees first."""
    sources = _BEST_EFFORT if best_effort else HELPERS
    lines: dict[str, list[str]] = {}

    def add(text: str, caller: str = "") -> None:
        for name in _CALL.findall(text):
            if name in sources and name not in (caller, *lines):
                add(sources[name], name)
                lines[name] = [*sources[name].splitlines(), ""]

    add(body)
    return [line for source in lines.values() for line in source]
