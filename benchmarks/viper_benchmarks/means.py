"""Means, paired differences and quantiles of many numbers, in little memory.

Only a mean of many different values, such as IoU, keeps eight bytes per sample, for its bootstrap.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from typing import Any, Protocol

from viper_benchmarks.intervals import bootstrap_interval, mcnemar_p, wilson_interval

__all__ = ["Mean", "Paired", "Scored", "Times", "rounded", "rounded_pair"]

# Binary scores have 2 values, scores of ten annotators 5, their differences fewer than 25.
_MAX_DISTINCT = 64


class Mean:
    """A mean: stored as counts of values while there are few distinct values, else as all values."""

    def __init__(self) -> None:
        self._counts: Counter[float] = Counter()
        self._many: array[float] | None = None
        self.n = 0

    def add(self, value: float) -> None:
        """Add one number."""
        self.n += 1
        if self._many is not None:
            self._many.append(value)
            return
        self._counts[value] += 1
        if len(self._counts) > _MAX_DISTINCT:
            self._many = array("d", self._counts.elements())
            self._counts.clear()

    @property
    def mean(self) -> float:
        """The mean, 0 without numbers."""
        values = self._many or self._counts.elements()
        return math.fsum(values) / self.n if self.n else 0.0

    def interval(self) -> list[float] | None:
        """Return the 95 % interval of the mean: Wilson's if all numbers are 0 or 1, else the bootstrap's."""
        if self._many is None and self._counts.keys() <= {0.0, 1.0}:
            return rounded_pair(wilson_interval(self._counts[1.0], self.n))
        return self.bootstrap()

    def bootstrap(self) -> list[float] | None:
        """Return the bootstrap's 95 % interval of the mean; None for fewer than two numbers."""
        if self._many is not None:
            return rounded_pair(bootstrap_interval(self._many))
        values = sorted(
            self._counts
        )  # so that the interval does not depend on the order of samples
        counts = [self._counts[value] for value in values]
        return rounded_pair(bootstrap_interval(values, counts))

    def to_json(self, name: str = "value", interval_name: str = "ci95") -> dict[str, Any]:
        """Return the JSON object for the report."""
        return {"n": self.n, name: rounded(self.mean), interval_name: self.interval()}


class Scored(Protocol):
    """One of two results of a sample."""

    @property
    def score(self) -> float:
        """Score, 0 … 1."""
        ...

    @property
    def correct(self) -> bool:
        """Whether it is right."""
        ...


class Paired:
    """Paired scores of the same samples, the first minus the second."""

    def __init__(self) -> None:
        self._differences = Mean()
        self._right: Counter[tuple[bool, bool]] = Counter()

    def add(self, first: Scored, second: Scored) -> None:
        """Add the two results of one sample."""
        self._differences.add(first.score - second.score)
        self._right[first.correct, second.correct] += 1

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object for the report."""
        n = self._differences.n
        only_first, only_second = self._right[True, False], self._right[False, True]
        return {
            "n": n,
            "difference": rounded(self._differences.mean) if n else None,
            "difference_ci95": self._differences.bootstrap(),
            "both": self._right[True, True],
            "only_first": only_first,
            "only_second": only_second,
            "neither": self._right[False, False],
            "mcnemar_p": float(f"{mcnemar_p(only_first, only_second):.3g}"),
        }


class Times:
    """Quantiles of times in bounded memory: times are rounded to three digits."""

    def __init__(self) -> None:
        self._counts: Counter[float] = Counter()

    def add(self, ms: float) -> None:
        """Add one time in milliseconds."""
        self._counts[float(f"{ms:.3g}")] += 1

    def to_json(self) -> dict[str, float] | None:
        """Return median and 95th percentile in milliseconds; None without times."""
        n = self._counts.total()
        return {"median": self._at(0.5 * n), "p95": self._at(0.95 * n)} if n else None

    def _at(self, rank: float) -> float:
        passed = 0
        for ms, count in sorted(self._counts.items()):
            passed += count
            if passed >= rank:
                return ms
        raise AssertionError("a rank lies among the times")


def rounded(value: float) -> float:
    """Return a share or a mean with the digits of a report."""
    return round(value, 4)


def rounded_pair(pair: tuple[float, float] | None) -> list[float] | None:
    """Return the bounds of an interval with the digits of a report."""
    return None if pair is None else [rounded(bound) for bound in pair]
