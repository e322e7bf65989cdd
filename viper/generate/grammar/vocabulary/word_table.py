"""Word lists with headings, as the vocabulary of the grammar is written.

left: left leftside west        word_table   {"left": "left", "leftside": "left", "west": "left", …}
right: right rightside east     word_groups  {"left": ("left", "leftside", "west"), …}
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["word_groups", "word_table"]


def word_groups(text: str, separator: str | None = None) -> Mapping[str, tuple[str, ...]]:
    """Return the words under each heading, in order.

    Args:
        text: Lines such as "left: leftside west"; a line without a colon continues the one before.
        separator: What stands between words; None for white space.
    """
    groups: dict[str, tuple[str, ...]] = {}
    heading = ""
    for line in text.strip().splitlines():
        before, colon, words = line.rpartition(": ")
        heading = before.strip() if colon else heading
        parts = (part.strip() for part in words.split(separator))
        groups[heading] = groups.get(heading, ()) + tuple(filter(None, parts))
    return MappingProxyType(groups)


def word_table(text: str, separator: str | None = None) -> Mapping[str, str]:
    """Return each word with the heading that it stands under; arguments as for `word_groups`."""
    groups = word_groups(text, separator)
    return MappingProxyType({word: name for name, words in groups.items() for word in words})
