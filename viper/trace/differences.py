"""Where two JSON values of traces differ: each place once, with both values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

from viper.trace.places import join_path, quote

__all__ = ["Difference", "differences"]

_NOTHING = object()


class Difference(NamedTuple):
    """One place where two values differ."""

    path: str
    """Such as `turns[0].returned`."""
    first: Any  # JSON; None also if the place is missing
    second: Any

    def __str__(self) -> str:
        return f"{self.path}: {quote(self.first)} became {quote(self.second)}"


def differences(first: Any, second: Any, path: str = "") -> Iterator[Difference]:
    """Yield where two JSON values differ, in order. `1`, `1.0` and `true` are three values.

    A dict of a program is compared by its keys, as if it were an object.
    """
    if _is_dict_of_program(first) and _is_dict_of_program(second):
        yield from differences(dict(first["items"]), dict(second["items"]), path)
    elif isinstance(first, dict) and isinstance(second, dict):
        for key in dict.fromkeys((*first, *second)):
            yield from differences(
                first.get(key, _NOTHING), second.get(key, _NOTHING), join_path(path, key)
            )
        if first.keys() == second.keys() and list(first) != list(second):
            yield Difference(f"{path or 'the trace'} (order of keys)", list(first), list(second))
    elif isinstance(first, list) and isinstance(second, list):
        for index, (one, other) in enumerate(zip_longest(first, second, fillvalue=_NOTHING)):
            yield from differences(one, other, join_path(path, index))
    elif type(first) is not type(second) or first != second:
        yield Difference(
            path or "the trace",
            None if first is _NOTHING else first,
            None if second is _NOTHING else second,
        )


def _is_dict_of_program(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "dict" and "items" in value
