"""Sums up the rows of a run as they arrive, in almost constant memory, and makes the report."""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import sha256
from typing import Any

from viper.usage import Usage
from viper_benchmarks.intervals import wilson_interval
from viper_benchmarks.means import Mean, Paired, Times, rounded, rounded_pair
from viper_benchmarks.outcomes import Outcomes
from viper_benchmarks.row import CEILING, BaselineResult, SampleResult
from viper_benchmarks.sample import id_bytes

__all__ = ["Tally"]
_MODES = {False: "no_best_effort", True: "best_effort"}


class _Baseline:
    """The sums of one baseline."""

    def __init__(self) -> None:
        self._mean = Mean()
        self._paired = Paired()
        self._failures: Counter[str] = Counter()

    def add(self, row: SampleResult, result: BaselineResult) -> None:
        self._mean.add(result.score)
        self._paired.add(row, result)
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
        self._outcomes = Outcomes()
        self._other_mode: tuple[bool, Outcomes] | None = None
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
        self._outcomes.add(row)
        if (other := row.other_mode) is not None:
            if self._other_mode is None:
                self._other_mode = other.best_effort, Outcomes()
            self._other_mode[1].add(other)
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
            "accuracy": rounded(self.right.mean),
            "accuracy_ci95": self.right.interval() or [0.0, 1.0],
            "outcomes": self._outcomes.to_json(),
            "modes": self._modes(),
            **_overlaps(metrics),
            "failure_rate": rounded(failed / self.n if self.n else 0.0),
            "failure_rate_ci95": rounded_pair(wilson_interval(failed, self.n)),
            "failures": dict(self._failures.most_common()),
            "programs_per_s": rounded(rate_per_s),
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

    def _modes(self) -> dict[str, Any] | None:
        """Return both modes side by side; None if the run has one."""
        if self._other_mode is None:
            return None
        best_effort, other = self._other_mode
        modes = {best_effort: other, not best_effort: self._outcomes}
        return {_MODES[mode]: modes[mode].mode_json() for mode in (False, True)}


def _overlaps(metrics: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the fields for grounding; None without such samples."""
    fields: dict[str, Any] = {}
    for field, metric in (("acc_iou50", "iou50"), ("acc_iou70", "iou70"), ("mean_iou", "mean-iou")):
        found = metrics.get(metric)
        fields[field] = found["value"] if found else None
        fields[f"{field}_ci95"] = found["ci95"] if found else None
    return fields
