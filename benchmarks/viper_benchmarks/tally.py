"""Sums up the rows of a run as they arrive, in almost constant memory, and makes the report.

Only a mean of many different values, such as IoU, keeps eight bytes per sample, for its bootstrap.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from hashlib import sha256
from typing import Any

from viper.usage import Usage
from viper_benchmarks.intervals import bootstrap_interval, mcnemar_p, wilson_interval
from viper_benchmarks.sample import CEILING, BaselineResult, SampleResult, id_bytes

__all__ = ["Mean", "Paired", "Tally", "Times"]

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
            return _rounded_pair(wilson_interval(self._counts[1.0], self.n))
        return self.bootstrap()

    def bootstrap(self) -> list[float] | None:
        """Return the bootstrap's 95 % interval of the mean; None for fewer than two numbers."""
        if self._many is not None:
            return _rounded_pair(bootstrap_interval(self._many))
        values = sorted(
            self._counts
        )  # so that the interval does not depend on the order of samples
        counts = [self._counts[value] for value in values]
        return _rounded_pair(bootstrap_interval(values, counts))

    def to_json(self, name: str = "value", interval_name: str = "ci95") -> dict[str, Any]:
        """Return the JSON object for the report."""
        return {"n": self.n, name: _rounded(self.mean), interval_name: self.interval()}


class Paired:
    """Paired scores of the same samples, the first minus the second."""

    def __init__(self) -> None:
        self._differences = Mean()
        self._right: Counter[tuple[bool, bool]] = Counter()

    def add(self, first: float, second: float) -> None:
        """Add the scores of one sample, 0 … 1; right means one half or more."""
        self._differences.add(first - second)
        self._right[first >= 0.5, second >= 0.5] += 1

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object for the report."""
        n = self._differences.n
        only_first, only_second = self._right[True, False], self._right[False, True]
        return {
            "n": n,
            "difference": _rounded(self._differences.mean) if n else None,
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


class _Baseline:
    """The sums of one baseline."""

    def __init__(self) -> None:
        self._mean = Mean()
        self._paired = Paired()
        self._failures: Counter[str] = Counter()

    def add(self, row: SampleResult, result: BaselineResult) -> None:
        self._mean.add(result.score)
        self._paired.add(row.score, result.score)
        if result.failure is not None:
            self._failures[result.failure] += 1

    def to_json(self) -> dict[str, Any]:
        paired = self._paired.to_json()
        return {
            **self._mean.to_json("accuracy", "accuracy_ci95"),
            "gained": paired["difference"],
            "gained_ci95": paired["difference_ci95"],
            "only_program": paired["only_first"],
            "only_baseline": paired["only_second"],
            "mcnemar_p": paired["mcnemar_p"],
            "failures": dict(self._failures.most_common()),
        }


class Tally:
    """The sums of one run."""

    def __init__(self) -> None:
        self.right = Mean()
        self._metrics: defaultdict[str, Mean] = defaultdict(Mean)
        self._failures: Counter[str] = Counter()
        self._forwards: Counter[str] = Counter()
        self._tags: defaultdict[str, Mean] = defaultdict(Mean)
        self._baselines: defaultdict[str, _Baseline] = defaultdict(_Baseline)
        self._found = Mean()
        self._causes: Counter[str] = Counter()
        self._times = Times()
        self._correct = 0
        self._ids = 0
        self._calls = 0
        self.program_cache_hits = 0
        self.usage = Usage()

    @property
    def n(self) -> int:
        """Number of added samples."""
        return self.right.n

    def add(self, row: SampleResult) -> None:
        """Add one sample."""
        self.right.add(row.score)
        self._correct += row.correct
        for name, value in row.scores.items():
            self._metrics[name].add(value)
        for tag in row.tags:
            self._tags[tag].add(row.score)
        for name, result in row.baselines.items():
            self._baselines[name].add(row, result)
        ceiling = row.baselines.get(CEILING)
        if ceiling is not None and row.right_box_xyxy is not None and ceiling.correct:
            self._found.add(row.score)
        if row.failure is not None:
            self._failures[row.failure] += 1
        if row.error_attribution is not None:
            self._causes[row.error_attribution.cause] += 1
        self._forwards.update(row.forwards)
        self._calls += row.calls
        self._times.add(row.ms)
        self.program_cache_hits += row.program_cached
        self.usage += row.usage
        # A sum, because samples finish in any order.
        self._ids = (self._ids + int.from_bytes(sha256(id_bytes(row.id)).digest())) % (1 << 256)

    def to_json(self, task: str, rate_per_s: float) -> dict[str, Any]:
        """Return the report's JSON object.

        Args:
            task: Name of the benchmark.
            rate_per_s: Samples evaluated per second.
        """
        failed = sum(self._failures.values())
        causes = dict(self._causes.most_common()) or None
        metrics = {name: mean.to_json() for name, mean in self._metrics.items()}
        return {
            "task": task,
            "n": self.n,
            "n_correct": self._correct,
            "accuracy": _rounded(self.right.mean),
            "accuracy_ci95": self.right.interval() or [0.0, 1.0],
            **_overlaps(metrics),
            "failure_rate": _rounded(failed / self.n if self.n else 0.0),
            "failure_rate_ci95": _rounded_pair(wilson_interval(failed, self.n)),
            "failures": dict(self._failures.most_common()),
            "programs_per_s": _rounded(rate_per_s),
            "calls": self._calls,
            "forwards": dict(self._forwards),
            "ms": self._times.to_json(),
            "metrics": metrics,
            "by_tag": {
                tag: mean.to_json("accuracy", "accuracy_ci95")
                for tag, mean in sorted(self._tags.items())
            },
            "baselines": {name: value.to_json() for name, value in self._baselines.items()},
            "found": self._found.to_json() if CEILING in self._baselines else None,
            "blame": causes,  # the former name
            "error_attribution": causes,
            "ids_sha256_sum": f"{self._ids:064x}",
            "usage": self.usage.to_json(),
        }


def _overlaps(metrics: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the fields for grounding; None without such samples."""
    fields: dict[str, Any] = {}
    for field, metric in (("acc_iou50", "iou50"), ("acc_iou70", "iou70"), ("mean_iou", "mean-iou")):
        found = metrics.get(metric)
        fields[field] = found["value"] if found else None
        fields[f"{field}_ci95"] = found["ci95"] if found else None
    return fields


def _rounded(value: float) -> float:
    return round(value, 4)


def _rounded_pair(pair: tuple[float, float] | None) -> list[float] | None:
    return None if pair is None else [_rounded(bound) for bound in pair]
