"""Risk against coverage: how often answers are wrong if only the surest ones are accepted.

Selective prediction, as El-Yaniv and Wiener (2010) and Geifman and El-Yaniv (2017) define it: the *coverage*
is the share of samples whose answer is accepted, the surest first; the *risk* is the mean loss, 1 - score, of
those accepted. The area under the curve is the mean risk over all coverages 1/n … 1: lower is better, and a
confidence that says nothing gives the loss of all samples.

How sure an answer is, in this order (`confidence_of`):

1. whether there is an answer: a sample without one is accepted last, with loss 1;
2. the share of votes, where there were votes;
3. an answer before one with doubts;
4. the margin of the weakest call: how far its score is from the threshold. An answer without such a call
   states no margin, and comes last of its kind.

Equally sure samples are accepted in random order: the curve shows the expected risk, which depends on the
order of samples in no way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from viper_benchmarks.judgement import Judged

__all__ = ["RiskCoverage", "confidence_of"]

Confidence: TypeAlias = tuple[int, float, int, float]
"""Compared part by part; larger is surer."""

# Digits of shares and margins: they bound the number of groups, and so the memory.
_DIGITS = 3
_POINTS = 100
"""Of the curve in a report."""


def confidence_of(row: Judged) -> Confidence:
    """Return how sure an answer is, as it states itself."""
    if row.outcome == "no_answer":
        return 0, 0.0, 0, 0.0
    votes = 1.0 if row.confidence is None else row.confidence
    margin = 0.0 if row.weakest is None else row.weakest.margin
    undoubted = int(row.outcome == "answered")
    return 1, round(votes, _DIGITS), undoubted, round(margin, _DIGITS)


class RiskCoverage:
    """Sums up rows for the curve, in memory that the number of different confidences bounds."""

    def __init__(self) -> None:
        self._groups: defaultdict[Confidence, _Group] = defaultdict(_Group)
        self._losses: defaultdict[float, _Group] = defaultdict(_Group)

    def add(self, row: Judged) -> None:
        """Add one row."""
        loss = 1.0 - row.score
        self._groups[confidence_of(row)].add(loss)
        self._losses[round(loss, _DIGITS)].add(loss)

    def to_json(self) -> dict[str, Any] | None:
        """Return the curve for the report; None without rows.

        Returns:
            `area` under it, `area_best` with the same scores in the best order, `area_random` in random
            order, `answered` (the coverage at which all answers are accepted), and `points`: at most 101
            pairs of coverage and risk.
        """
        groups = [group for _, group in sorted(self._groups.items(), reverse=True)]
        if not groups:
            return None
        risks = list(_risks(groups))
        n = len(risks)
        unanswered = next((g.n for key, g in self._groups.items() if key[0] == 0), 0)
        ranks = sorted({max(1, round(n * part / _POINTS)) for part in range(1, _POINTS + 1)})
        best = (group for _, group in sorted(self._losses.items()))
        return {
            "area": round(sum(risks) / n, 4),
            "area_best": round(sum(_risks(best)) / n, 4),
            "area_random": round(risks[-1], 4),
            "answered": round((n - unanswered) / n, 4),
            "points": [[round(rank / n, 4), round(risks[rank - 1], 4)] for rank in ranks],
        }


class _Group:
    """Samples that are equally sure."""

    __slots__ = ("loss", "n")

    def __init__(self) -> None:
        self.n = 0
        self.loss = 0.0

    def add(self, loss: float) -> None:
        self.n += 1
        self.loss += loss


def _risks(groups: Iterable[_Group]) -> Iterator[float]:
    """Yield the expected risk with 1, 2, … accepted samples; groups are given surest first."""
    accepted, loss = 0, 0.0
    for group in groups:
        for more in range(1, group.n + 1):
            yield (loss + group.loss * more / group.n) / (accepted + more)
        accepted += group.n
        loss += group.loss
