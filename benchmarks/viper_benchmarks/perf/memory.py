"""The memory of a process, and its growth while a benchmark runs."""

from __future__ import annotations

import os
from pathlib import Path

from viper_benchmarks.perf.command import Result, Row, goal

__all__ = ["GOAL_GROWTH", "MemoryCurve", "growth_row", "rss_mb"]

GOAL_GROWTH = 0.05
"""Growth up to which memory counts as constant."""


def rss_mb(pid: int | None = None) -> float:
    """Return the resident memory of a process, by default this one, in MB; Linux only."""
    pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class MemoryCurve:
    """Resident memory of a process after so many programs, samples or requests.

    Args:
        pid: The process; by default this one.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._pid = pid
        self.points: list[tuple[int, float]] = []
        """(count, MB), in order."""

    def add(self, count: int) -> None:
        """Record the current memory."""
        self.points.append((count, round(rss_mb(self._pid), 1)))

    def result(self, since: int) -> Result:
        """Return the points, and the growth as a share from the first one at or after a count to the last."""
        early = next(mb for count, mb in self.points if count >= since)
        growth = round(self.points[-1][1] / early - 1, 4)
        return {"rss_growth": growth, "rss_mb": self.points}


def growth_row(result: Result, what: str) -> Row:
    """Return the row of `rss_growth`; `what` is counted, in the plural."""
    growth, ((early, early_mb), *_, (late, late_mb)) = result["rss_growth"], result["rss_mb"]
    return Row(
        "rss_growth",
        f"{growth:+.2%}",
        goal(100 * growth, 100 * GOAL_GROWTH, "%"),
        f"{early_mb:g} MB after {early:,} {what}, {late_mb:g} MB after {late:,}",
    )
