"""Where JSON values of traces differ: each place once, with both values, at most `MAX_DIFFERENCES`.

Two traces of Viper differ in few places; two hostile files in millions, each with a path of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from viper.trace.places import join_path, quote
from viper.trace.values import tag_of

__all__ = ["MAX_DIFFERENCES", "Difference", "differences", "differences_of_all"]

MAX_DIFFERENCES = 10_000
"""Most differences of one comparison: some 20 MB, as a path has at most 450 characters of four bytes."""

_NOTHING = object()


class Difference(NamedTuple):
    """One place where two values differ."""

    path: str
    """Such as `turns[0].returned`; `returned[3:]` stands for the items of a list from the fourth on."""
    first: Any
    """JSON; None also if the place is missing, and how many items there are where the path ends in `:]`."""
    second: Any

    def __str__(self) -> str:
        return f"{self.path}: {quote(self.first)} became {quote(self.second)}"


def differences(first: Any, second: Any, path: str = "") -> Iterator[Difference]:
    """Yield where two JSON values differ, in order. `1`, `1.0` and `true` are three values.

    A dict of a program is compared by its keys, as if it were an object. Several items that only one of two
    lists has are one difference. After `MAX_DIFFERENCES`, a last one says that there are more.
    """
    return differences_of_all([(first, second, path)])


def differences_of_all(pairs: Iterable[tuple[Any, Any, str]]) -> Iterator[Difference]:
    """Yield where the values of any number of pairs differ, with the bound of `differences` for all together.

    Args:
        pairs: Two JSON values and their path, each.
    """
    found = (difference for pair in pairs for difference in _differences(*pair))
    yield from islice(found, MAX_DIFFERENCES)
    if next(found, None) is not None:
        more = f"… more than {MAX_DIFFERENCES} differences; the rest is not listed"
        yield Difference(more, None, None)


def _differences(first: Any, second: Any, path: str) -> Iterator[Difference]:
    if (
        tag_of(first) == tag_of(second) == "dict"
    ):  # only where nothing but the keys and values is there
        yield from _differences(dict(first["items"]), dict(second["items"]), path)
    elif isinstance(first, dict) and isinstance(second, dict):
        for key in dict.fromkeys((*first, *second)):
            yield from _differences(
                first.get(key, _NOTHING), second.get(key, _NOTHING), join_path(path, key)
            )
        if first.keys() == second.keys() and list(first) != list(second):
            yield Difference(f"{path or 'the trace'} (order of keys)", list(first), list(second))
    elif isinstance(first, list) and isinstance(second, list):
        for index, (one, other) in enumerate(zip(first, second, strict=False)):
            # Most items are equal scalars, and there may be millions: no path is made for these.
            if isinstance(one, dict | list) or type(one) is not type(other) or one != other:
                yield from _differences(one, other, join_path(path, index))
        yield from _more_items(first, second, path)
    elif type(first) is not type(second) or first != second:
        yield Difference(
            path or "the trace",
            None if first is _NOTHING else first,
            None if second is _NOTHING else second,
        )


def _more_items(first: list[Any], second: list[Any], path: str) -> Iterator[Difference]:
    """Yield what one of two lists has beyond the end of the other: a single item, or how many."""
    both = min(len(first), len(second))
    place = join_path(path, both)
    match len(first) - len(second):
        case 0:
            return
        case 1:
            yield Difference(place, first[both], None)
        case -1:
            yield Difference(place, None, second[both])
        case more:
            items = f"{abs(more):,} more items"
            yield Difference(f"{place[:-1]}:]", *((items, None) if more > 0 else (None, items)))
