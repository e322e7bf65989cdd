"""Geometric rules: how relations between objects are decided from their boxes.

A program holds the functions that it needs as text, so that its reader sees the rule. They use the
program's frame: y grows upwards, `lower < upper`. Sizes in the rules are relative to the objects,
so that the same rule holds for large and small images.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

__all__ = ["HELPERS", "RULES", "Rule", "helper_source"]


class Rule(NamedTuple):
    """The predicate of one relation between a patch `a` and a patch `b`."""

    predicate: str
    """Python expression with `{a}` and `{b}`."""
    helpers: tuple[str, ...] = ()
    """Functions that the expression calls."""
    estimate: bool = True
    """False where boxes are reliable, as for left and right."""
    note: str = ""
    """What boxes only approximate, such as "depth"; empty where they are the definition."""


HELPERS = MappingProxyType(
    {
        "rows_of": (
            (),
            """
def rows_of(patches):
    # Rows from the lowest: who is higher than half of the first in a row begins the next.
    rows = []
    for patch in sorted(patches, key=lambda patch: patch.vertical_center):
        first = rows[-1][0] if rows else patch
        if not rows or patch.vertical_center > first.vertical_center + first.height / 2:
            rows.append([])
        rows[-1].append(patch)
    return rows
""",
        ),
        "shared_width": (
            (),
            """
def shared_width(a, b):
    # Width that both cover, as a share of the narrower one.
    shared = min(a.right, b.right) - max(a.left, b.left)
    return max(shared, 0) / min(a.width, b.width)
""",
        ),
        "share_inside": (
            (),
            """
def share_inside(a, b):
    # Share of the area of a that lies in b.
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.upper, b.upper) - max(a.lower, b.lower)
    return max(width, 0) * max(height, 0) / (a.width * a.height)
""",
        ),
        "gap": (
            (),
            """
def gap(a, b):
    # Distance between the edges, in sizes of the smaller one.
    size = min(max(a.width, a.height), max(b.width, b.height))
    return max(distance(a, b), 0) / size
""",
        ),
        "is_on": (
            ("shared_width",),
            """
def is_on(a, b):
    # The foot of a lies on b: not below its foot, not above its top.
    slack = 0.1 * min(a.height, b.height)
    return shared_width(a, b) > 0.4 and b.lower - slack < a.lower < b.upper + slack
""",
        ),
        "is_under": (
            ("is_on",),
            """
def is_under(a, b):
    return is_on(b, a) or (shared_width(a, b) > 0.3 and a.vertical_center < b.vertical_center)
""",
        ),
        "is_above": (
            ("is_on",),
            """
def is_above(a, b):
    return is_on(a, b) or (shared_width(a, b) > 0.1 and a.vertical_center > b.vertical_center)
""",
        ),
        "surroundings": (
            (),
            """
def surroundings(picture, a):
    # The patch and as much again on each side of it.
    left, right = a.left - a.width, a.right + a.width
    return picture.crop(left, a.lower - a.height, right, a.upper + a.height)
""",
        ),
        "is_touching": (
            ("share_inside",),
            """
def is_touching(a, b):
    # Boxes of things in contact overlap, as a rule by a good part of the smaller one.
    return max(share_inside(a, b), share_inside(b, a)) > 0.2
""",
        ),
        "is_left_of": (
            ("share_inside",),
            """
def is_left_of(a, b):
    # Of two that lie within each other, only clearly different centres count.
    within = max(share_inside(a, b), share_inside(b, a)) > 0.5
    least = 0.25 * min(a.width, b.width) if within else 0
    return b.horizontal_center - a.horizontal_center > least
""",
        ),
        "is_near": (
            ("gap",),
            """
def is_near(a, b):
    return gap(a, b) < 1
""",
        ),
        "is_beside": (
            ("gap",),
            """
def is_beside(a, b):
    # Near each other, and at the same height of the picture.
    level = min(a.upper, b.upper) > max(a.lower, b.lower)
    return level and gap(a, b) < 1
""",
        ),
        "is_inside": (
            ("share_inside",),
            """
def is_inside(a, b):
    return share_inside(a, b) > 0.7 and a.width * a.height < b.width * b.height
""",
        ),
        "is_part_of": (
            ("share_inside",),
            """
def is_part_of(a, b):
    return share_inside(a, b) > 0.5
""",
        ),
        "is_amid": (
            ("share_inside",),
            """
def is_amid(a, b):
    beside = abs(a.horizontal_center - b.horizontal_center)
    return beside < b.width / 4 and share_inside(a, b) > 0.3
""",
        ),
        "is_between": (
            (),
            """
def is_between(a, b, c):
    # Between the centres of b and c, along the axis on which these lie further apart.
    beside = abs(b.horizontal_center - c.horizontal_center)
    above = abs(b.vertical_center - c.vertical_center)
    if beside >= above:
        ends = sorted([b.horizontal_center, c.horizontal_center])
        return ends[0] < a.horizontal_center < ends[1]
    ends = sorted([b.vertical_center, c.vertical_center])
    return ends[0] < a.vertical_center < ends[1]
""",
        ),
    }
)
"""Name → (helpers that it calls, source)."""


def _box_rule(name: str, note: str = "") -> Rule:
    return Rule(f"{name}({{a}}, {{b}})", (name,), note=note)


_NEAR = _box_rule("is_near")
_BESIDE = _box_rule("is_beside")
_TOUCHING = _box_rule("is_touching")

RULES = MappingProxyType(
    {
        "left_of": Rule("is_left_of({a}, {b})", ("is_left_of",), estimate=False),
        "right_of": Rule("is_left_of({b}, {a})", ("is_left_of",), estimate=False),
        "above": _box_rule("is_above"),
        "below": _box_rule("is_under"),
        "on": _box_rule("is_on"),
        "under": _box_rule("is_under"),
        "in_front_of": Rule("({a}.lower, {a}.upper) < ({b}.lower, {b}.upper)", note="depth"),
        "behind": Rule("({a}.lower, {a}.upper) > ({b}.lower, {b}.upper)", note="depth"),
        "next_to": _BESIDE,
        "near": _NEAR,
        "far_from": Rule("not is_near({a}, {b})", ("is_near",)),
        "touching": _TOUCHING,
        "inside": _box_rule("is_inside"),
        "containing": Rule("is_inside({b}, {a})", ("is_inside",)),
        "covering": Rule("share_inside({b}, {a}) > 0.5", ("share_inside",)),
        "covered_by": Rule("share_inside({a}, {b}) > 0.3", ("share_inside",)),
        "around": Rule("share_inside({b}, {a}) > 0.5", ("share_inside",)),
        "outside": Rule("share_inside({a}, {b}) < 0.3", ("share_inside",)),
        "opposite": Rule("gap({a}, {b}) < 3", ("gap",)),
        "middle_of": _box_rule("is_amid"),
        "edge_of": _BESIDE,
        "part_of": _box_rule("is_part_of"),
        "has_part": Rule("is_part_of({b}, {a})", ("is_part_of",)),
        # What one is heading for may be some way off.
        "towards": Rule("gap({a}, {b}) < 3", ("gap",), note="direction"),
        "facing": _NEAR._replace(note="direction"),
        "facing_away": _NEAR._replace(note="direction"),
        "parallel": _NEAR._replace(note="direction"),
        "perpendicular": _NEAR._replace(note="direction"),
        "with": Rule("gap({a}, {b}) < 0.2", ("gap",)),
        "holding": Rule("gap({a}, {b}) < 0.1", ("gap",), note="action"),
        "acting_on": Rule("gap({a}, {b}) < 0.3", ("gap",), note="action"),
        "wearing": Rule("share_inside({b}, {a}) > 0.6", ("share_inside",), note="action"),
        "riding": Rule("is_on({a}, {b})", ("is_on",), note="action"),
        "bigger_than": Rule("{a}.width * {a}.height > {b}.width * {b}.height"),
        "smaller_than": Rule("{a}.width * {a}.height < {b}.width * {b}.height"),
        "taller_than": Rule("{a}.height > {b}.height"),
        "shorter_than": Rule("{a}.height < {b}.height"),
        "wider_than": Rule("{a}.width > {b}.width"),
        "narrower_than": Rule("{a}.width < {b}.width"),
    }
)
"""Relation → its rule; "between" takes two others and has `is_between` of its own."""


def helper_source(names: list[str]) -> list[str]:
    """Return the lines of the helpers and of those that they call, each once, callees first."""
    lines: list[str] = []
    done: set[str] = set()

    def add(name: str) -> None:
        if name in done:
            return
        done.add(name)
        needs, source = HELPERS[name]
        for needed in needs:
            add(needed)
        lines.extend([*source.strip().splitlines(), ""])

    for name in names:
        add(name)
    return lines
