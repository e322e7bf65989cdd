"""A cache for functions of short texts: how many texts it keeps is limited, and so is how long they are.

`functools.lru_cache` counts entries only. Words and phrases come from strangers, and four thousand texts of a
megabyte each would take gigabytes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

__all__ = ["LONGEST_CACHED", "cached_by_text"]

LONGEST_CACHED = 64
"""Most characters of a text that is kept; the longest words of dictionaries have 45."""

T = TypeVar("T")


def cached_by_text(
    most: int, longest: int = LONGEST_CACHED
) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Return a decorator that caches the results of a function of one text.

    A function that calls itself with parts of a long text must not rely on the cache to end in time.

    Args:
        most: Most texts that are kept; the least recently used one is dropped first.
        longest: Most characters of a text that is kept; for a longer one the function runs each time.
    """

    def decorate(function: Callable[[str], T]) -> Callable[[str], T]:
        cached = functools.lru_cache(maxsize=most)(function)

        @functools.wraps(function)
        def call(text: str) -> T:
            return function(text) if len(text) > longest else cached(text)

        return call

    return decorate
