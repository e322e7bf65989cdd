"""Runs a function on groups of items that can share a forward."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

__all__ = ["in_groups"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_groups(
    items: Sequence[Item],
    key: Callable[[Item], Hashable],
    run: Callable[[list[Item]], Iterable[Result]],
) -> list[Result]:
    """Return one result per item, in order.

    Args:
        items: Inputs.
        key: Items with equal keys are run together.
        run: Returns one result per item of a group, in order.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, item in enumerate(items):
        groups.setdefault(key(item), []).append(index)
    results: dict[int, Result] = {}
    for group in groups.values():
        results.update(zip(group, run([items[index] for index in group]), strict=True))
    return [results[index] for index in range(len(items))]
