"""Geometric rules: how relations between objects are decided from their boxes.

A predicate may call the functions of `helpers`, which a program then holds as text.

Some relations are open where boxes overlap, as left and right of two wide ones. Their `decided` rule ends the
program there (under best effort it notes a doubt), and `clear` is what holds beyond doubt.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["RULES", "Rule", "clear", "opposite", "with_tolerance"]


class Rule(NamedTuple):
    """The predicate of one relation between a patch `a` and a patch `b`."""

    predicate: str
    """Python expression with `{a}` and `{b}`; it may call `helpers.HELPERS`."""
    estimate: bool = True
    """False where boxes are reliable, as for left and right."""
    note: str = ""
    """What boxes only approximate, such as "depth"; empty where they are the definition."""
    decided: str = ""
    """The predicate that ends the program where boxes leave it open; empty where they never do."""


_CLEAR = MappingProxyType(
    {
        "decide_left_of": "is_clearly_left_of",
        "decide_above": "is_clearly_above",
        "decide_between": "is_clearly_between",
        "decide_half": "is_clearly_in_half",
    }
)
_CLEAR_PAIR = re.compile(r"\b(is_clearly_(?:left_of|above))\((\w+), (\w+)\)")
_CLEAR_HALF = re.compile(r"\b(is_clearly_in_half\(image_patch, )'(\w+)'")
_OPPOSITE_HALVES = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
_DECIDES = re.compile(r"\bdecide_(?:left_of|above|between|half)(?=\()")


RULES = MappingProxyType(
    {
        "left_of": Rule("is_left_of({a}, {b})", estimate=False, decided="decide_left_of({a}, {b})"),
        "right_of": Rule(
            "is_left_of({b}, {a})", estimate=False, decided="decide_left_of({b}, {a})"
        ),
        "above": Rule("is_above({a}, {b})", decided="decide_above({a}, {b})"),
        "below": Rule("is_under({a}, {b})", decided="decide_above({b}, {a})"),
        "on": Rule("is_on({a}, {b})"),
        "under": Rule("is_under({a}, {b})", decided="decide_above({b}, {a})"),
        "in_front_of": Rule("({a}.lower, {a}.upper) < ({b}.lower, {b}.upper)", note="depth"),
        "behind": Rule("({a}.lower, {a}.upper) > ({b}.lower, {b}.upper)", note="depth"),
        "next_to": Rule("is_beside({a}, {b})"),
        "near": Rule("is_near({a}, {b})"),
        "far_from": Rule("not is_near({a}, {b})"),
        "touching": Rule("is_touching({a}, {b})"),
        "inside": Rule("is_inside({a}, {b})"),
        "containing": Rule("is_inside({b}, {a})"),
        "covering": Rule("share_inside({b}, {a}) > 0.5"),
        "covered_by": Rule("share_inside({a}, {b}) > 0.3"),
        "around": Rule("share_inside({b}, {a}) > 0.5"),
        "outside": Rule("share_inside({a}, {b}) < 0.3"),
        "opposite": Rule("gap({a}, {b}) < 3"),
        "middle_of": Rule("is_amid({a}, {b})"),
        "edge_of": Rule("is_beside({a}, {b})"),
        "part_of": Rule("is_part_of({a}, {b})"),
        "has_part": Rule("is_part_of({b}, {a})"),
        # What one is heading for may be some way off.
        "towards": Rule("gap({a}, {b}) < 3", note="direction"),
        "facing": Rule("is_near({a}, {b})", note="direction"),
        "facing_away": Rule("is_near({a}, {b})", note="direction"),
        "parallel": Rule("is_near({a}, {b})", note="direction"),
        "perpendicular": Rule("is_near({a}, {b})", note="direction"),
        "with": Rule("gap({a}, {b}) < 0.2"),
        "holding": Rule("gap({a}, {b}) < 0.1", note="action"),
        "acting_on": Rule("gap({a}, {b}) < 0.3", note="action"),
        "wearing": Rule("share_inside({b}, {a}) > 0.6", note="action"),
        "riding": Rule("is_on({a}, {b})", note="action"),
        "bigger_than": Rule("{a}.width * {a}.height > {b}.width * {b}.height"),
        "smaller_than": Rule("{a}.width * {a}.height < {b}.width * {b}.height"),
        "taller_than": Rule("{a}.height > {b}.height"),
        "shorter_than": Rule("{a}.height < {b}.height"),
        "wider_than": Rule("{a}.width > {b}.width"),
        "narrower_than": Rule("{a}.width < {b}.width"),
    }
)
"""Relation → its rule; "between" takes two others and has its own helper, `is_between`."""


def with_tolerance(predicate: str) -> str:
    """Return a predicate in which left and right hold even where the centres are slightly off."""
    sides = r"\1.horizontal_center - \1.width / 4 < \2.horizontal_center"
    return re.sub(r"(?:is|decide)_left_of\((\w+), (\w+)\)", sides, predicate)


def clear(predicate: str) -> str | None:
    """Return what of a `decided` predicate holds beyond doubt, None if it decides nothing or denies it."""
    beyond_doubt = _DECIDES.sub(lambda call: _CLEAR[call.group()], predicate)
    return None if beyond_doubt == predicate or "not " in predicate else beyond_doubt


def opposite(beyond_doubt: str) -> str | None:
    """Return the opposite of what `clear` returned, as right is of left; None if there is none."""
    swapped = _CLEAR_PAIR.sub(r"\1(\3, \2)", beyond_doubt)
    swapped = _CLEAR_HALF.sub(lambda call: f"{call[1]}{_OPPOSITE_HALVES[call[2]]!r}", swapped)
    return None if swapped == beyond_doubt else swapped
