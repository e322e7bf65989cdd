"""Measured times of one figure, and the statistics that a result reports of them."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable

__all__ = ["Samples", "percentile", "timed_ms"]


def timed_ms(work: Callable[[], object]) -> float:
    """Return how long a call takes in milliseconds."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the smallest value that at least this many percent of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


class Samples:
    """The values of one figure, grouped by round.

    The median is taken over all values, so that a pause of the machine moves it little; the medians of
    the rounds say how far it would have been off in a shorter run.
    """

    def __init__(self) -> None:
        self._rounds: list[list[float]] = []

    def add_round(self, values: list[float]) -> None:
        """Add the values of one round.

        Raises:
            ValueError: The round measured nothing.
        """
        if not values:
            raise ValueError("A round must measure at least one value, but got none.")
        self._rounds.append(list(values))

    @property
    def values(self) -> list[float]:
        """All values, in order."""
        return [value for values in self._rounds for value in values]

    @property
    def median(self) -> float:
        """Median of all values."""
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        """95th percentile of all values."""
        return percentile(self.values, 95)

    @property
    def round_medians(self) -> list[float]:
        """Median of each round, in order."""
        return [statistics.median(values) for values in self._rounds]
