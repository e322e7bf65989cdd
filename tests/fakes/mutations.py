"""JSON values that are changed in one place."""

from __future__ import annotations

import copy
import string


def _places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*path, index))


def mutated(value, dice):
    """Change a trace in one place."""
    value = copy.deepcopy(value)
    places = [place for place in _places(value) if place]
    *path, last = dice.choice(places)
    holder = value
    for key in path:
        holder = holder[key]
    act = dice.randrange(4)
    other = dice.choice(
        [None, True, -1, 0, 7, 0.5, "", "check", "vqa", [], {}, ["a"], [1, 2, 3, 4], [1, 2, 3, "x"]]
    )
    if act == 0 and isinstance(holder, dict):
        del holder[last]
    elif act == 1 and isinstance(holder, dict):
        holder["".join(dice.choices(string.ascii_lowercase, k=3))] = other
    else:
        holder[last] = other
    return value
