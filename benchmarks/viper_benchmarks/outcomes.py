"""Shares of the outcomes of a run, each with the accuracy of its answers, and the curve of risk and coverage.

| part of a report | samples |
|---|---|
| `answered` | with an answer without doubts |
| `doubtful` | with an answer that carries doubts |
| `not_answered` | without an answer |
| `given` | with an answer, doubtful or not |
| `direct` | with an answer that is one model's word about the whole image; also in the first two |
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from viper_benchmarks.intervals import wilson_interval
from viper_benchmarks.judgement import Judged
from viper_benchmarks.means import Mean, rounded, rounded_pair
from viper_benchmarks.risk_coverage import RiskCoverage

__all__ = ["Outcomes"]

_PART = {
    "answered": "answered",
    "answered_with_doubts": "doubtful",
    "no_answer": "not_answered",
}


class Outcomes:
    """Sums up the outcomes of one mode."""

    def __init__(self) -> None:
        self._scores = {part: Mean() for part in _PART.values()}
        self._scores |= {"given": Mean(), "direct": Mean()}
        self._failures: Counter[str] = Counter()
        self._curve = RiskCoverage()
        self._all = Mean()
        self._correct = 0

    def add(self, row: Judged) -> None:
        """Add one row."""
        self._all.add(row.score)
        self._correct += row.correct
        self._scores[_PART[row.outcome]].add(row.score)
        if row.failure is not None:
            self._failures[row.failure] += 1
        else:
            self._scores["given"].add(row.score)
        if row.how == "direct":
            self._scores["direct"].add(row.score)
        self._curve.add(row)

    def to_json(self) -> dict[str, Any]:
        """Return the parts for the report, with shares of all samples."""
        parts = {part: self._part(part) for part in self._scores}
        return {**parts, "risk_coverage": self._curve.to_json()}

    def mode_json(self) -> dict[str, Any]:
        """Return the object of one mode in a report of both."""
        return {
            "n": self._all.n,
            "n_correct": self._correct,
            "accuracy": rounded(self._all.mean),
            "accuracy_ci95": self._all.interval() or [0.0, 1.0],
            "failures": dict(self._failures.most_common()),
            "outcomes": self.to_json(),
        }

    def _part(self, part: str) -> dict[str, Any]:
        scores, n = self._scores[part], self._all.n
        share = scores.n / n if n else 0.0
        found = {
            "n": scores.n,
            "share": rounded(share),
            "share_ci95": rounded_pair(wilson_interval(scores.n, n)),
        }
        if part == "not_answered":
            return found
        # The accuracy of no answers is not 0: it is unknown.
        accuracy = rounded(scores.mean) if scores.n else None
        interval = scores.interval() if scores.n else None
        return {**found, "accuracy": accuracy, "accuracy_ci95": interval}
