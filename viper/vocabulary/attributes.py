"""Kinds of attributes, so that an attribute is compared with its alternatives.

"red" is checked against the other colors, "wooden" against the other materials. The contrasts of an attribute
include neither itself nor its near-synonyms.
"""

from __future__ import annotations

import re

__all__ = ["BASIC_COLORS", "KINDS", "contrasts", "kind_of", "named_colors"]

# Each row is one kind; bars separate groups of near-synonyms.
_ROWS = """
color: red | orange | yellow golden gold | green | blue | cyan turquoise teal | purple violet | pink | \
brown tan beige | black dark | white light | gray grey silver
material: wooden wood | metal metallic | plastic | glass | leather | paper | stone concrete | brick | \
cloth fabric cotton | rubber | ceramic porcelain
size: large big huge | small little tiny
length: long | short
height: tall high | short low
age: young | old elderly
shape: round circular | square | rectangular | triangular | oval
pattern: striped | plaid checkered | spotted dotted | plain
state: open | closed shut
fullness: full | empty
cleanliness: clean | dirty
wetness: wet | dry
light: on lit | off unlit
posture: sitting seated | standing | lying lying-down | walking | running | jumping
weather: sunny clear | cloudy overcast | rainy | snowy | foggy
ripeness: ripe | unripe
texture: shiny glossy | matte
gender: male | female
"""

KINDS: dict[str, tuple[tuple[str, ...], ...]] = {
    kind: tuple(
        tuple(word.replace("-", " ") for word in group.split()) for group in groups.split("|")
    )
    for kind, groups in (row.split(":") for row in _ROWS.strip().splitlines())
}
"""Groups of near-synonyms, by kind; the first word represents the group."""


_GROUPS = {
    word: (kind, words)
    for kind, groups in reversed(KINDS.items())  # if two kinds have the same word, the first counts
    for words in groups
    for word in words
}


def kind_of(attribute: str) -> str | None:
    """Return the kind of an attribute, such as "color" for "red"; None for an unknown one."""
    found = _GROUPS.get(attribute.strip().lower())
    return None if found is None else found[0]


def contrasts(attribute: str) -> tuple[str, ...]:
    """Return the alternatives of an attribute, one word per group; empty for an unknown one."""
    kind, own = _GROUPS.get(attribute.strip().lower(), ("", ()))
    return tuple(words[0] for words in KINDS.get(kind, ()) if words != own)


BASIC_COLORS = tuple("red orange yellow green blue purple pink brown black white gray".split())
"""The basic color terms of English (Berlin and Kay 1969)."""

_TERMS = {
    word: {"cyan": "blue"}.get(group[0], group[0]) for group in KINDS["color"] for word in group
} | {
    "navy": "blue",
    "maroon": "red",
    "blonde": "yellow",
    "blond": "yellow",
    "khaki": "brown",
    "magenta": "pink",
    "lavender": "purple",
    "olive": "green",
    "cream": "white",
}
# "reddish", "whitish", "greenish"
_STEMS = {
    form: word
    for word in _TERMS
    for form in (f"{word}ish", f"{word}{word[-1]}ish", f"{word.removesuffix('e')}ish")
}
# "light yellow" is yellow; alone they are white and black.
_SHADES = frozenset(("light", "dark"))


def named_colors(text: str) -> tuple[str, ...]:
    """Return the basic terms for the colors that a text names, each once, in order.

    Example:
        >>> named_colors("in a light yellow top and navy-blue jeans")
        ("yellow", "blue")
    """
    words = [_STEMS.get(word, word) for word in re.findall(r"[a-z]+", text.lower())]
    said = [word for word in words if word in _TERMS]
    plain = [word for word in said if word not in _SHADES]
    return tuple(dict.fromkeys(_TERMS[word] for word in plain or said))
