"""Kinds of attributes, so that a property is compared with its own alternatives.

"red" is checked against the other colours, "wooden" against other materials; an attribute never
stands among its own contrasts, and near-synonyms of it are left out too.
"""

from __future__ import annotations

import functools

__all__ = ["KINDS", "contrasts", "kind_of"]

KINDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "colour": (
        ("red",),
        ("orange",),
        ("yellow", "golden", "gold"),
        ("green",),
        ("blue",),
        ("cyan", "turquoise", "teal"),
        ("purple", "violet"),
        ("pink",),
        ("brown", "tan", "beige"),
        ("black", "dark"),
        ("white", "light"),
        ("gray", "grey", "silver"),
    ),
    "material": (
        ("wooden", "wood"),
        ("metal", "metallic"),
        ("plastic",),
        ("glass",),
        ("leather",),
        ("paper",),
        ("stone", "concrete"),
        ("brick",),
        ("cloth", "fabric", "cotton"),
        ("rubber",),
        ("ceramic", "porcelain"),
    ),
    "size": (("large", "big", "huge"), ("small", "little", "tiny")),
    "length": (("long",), ("short",)),
    "height": (("tall", "high"), ("short", "low")),
    "age": (("young",), ("old", "elderly")),
    "shape": (("round", "circular"), ("square",), ("rectangular",), ("triangular",), ("oval",)),
    "pattern": (("striped",), ("plaid", "checkered"), ("spotted", "dotted"), ("plain",)),
    "state": (("open",), ("closed", "shut")),
    "fullness": (("full",), ("empty",)),
    "cleanliness": (("clean",), ("dirty",)),
    "wetness": (("wet",), ("dry",)),
    "light": (("on", "lit"), ("off", "unlit")),
    "posture": (
        ("sitting", "seated"),
        ("standing",),
        ("lying", "lying down"),
        ("walking",),
        ("running",),
        ("jumping",),
    ),
    "weather": (("sunny", "clear"), ("cloudy", "overcast"), ("rainy",), ("snowy",), ("foggy",)),
    "ripeness": (("ripe",), ("unripe",)),
    "texture": (("shiny", "glossy"), ("matte",)),
    "gender": (("male",), ("female",)),
}
"""Groups of near-synonyms, by kind; the first word of a group stands for it."""


@functools.cache
def _groups() -> dict[str, tuple[str, int]]:
    table: dict[str, tuple[str, int]] = {}
    for kind, groups in KINDS.items():
        for index, words in enumerate(groups):
            for word in words:
                table.setdefault(word, (kind, index))
    return table


def kind_of(attribute: str) -> str | None:
    """Return the kind of an attribute, such as "colour" of "red"; None for an unknown one."""
    found = _groups().get(attribute.strip().lower())
    return None if found is None else found[0]


def contrasts(attribute: str) -> tuple[str, ...]:
    """Return the alternatives of an attribute, one word per group; empty for an unknown one."""
    found = _groups().get(attribute.strip().lower())
    if found is None:
        return ()
    kind, own = found
    return tuple(words[0] for index, words in enumerate(KINDS[kind]) if index != own)
