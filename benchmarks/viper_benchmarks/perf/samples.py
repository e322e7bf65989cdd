"""Measured times of one figure, and the few statistics that are told of them."""

from __future__ import annotations

import math
import statistics

__all__ = ["Samples"]


class Samples:
    """The values of one figure, grouped by round.

    The median is taken over all values, so that a pause of the machine moves it little; the medians of
    the rounds say how far it would have been off in a shorter run.
    """

    def __init__(self) -> None:
        self._rounds: list[list[float]] = []

    def add_round(self, values: list[float]) -> None:
        """Add what one round measured.

        Raises:
            ValueError: The round measured nothing.
        """
        if not values:
            raise ValueError("A round must measure at least one value, but got none.")
        self._rounds.append(list(values))

    @property
    def count(self) -> int:
        """Number of values, all rounds together."""
        return sum(len(values) for values in self._rounds)

    @property
    def median(self) -> float:
        """Median of all values."""
        return statistics.median(self._all())

    @property
    def p95(self) -> float:
        """The smallest value that at least 95 % of all values do not exceed."""
        ordered = sorted(self._all())
        return ordered[math.ceil(0.95 * len(ordered)) - 1]

    @property
    def round_medians(self) -> list[float]:
        """Median of each round, in order."""
        return [statistics.median(values) for values in self._rounds]

    def _all(self) -> list[float]:
        return [value for values in self._rounds for value in values]
