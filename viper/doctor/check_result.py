"""A finding of `viper doctor`: what was looked at, what it is like, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

__all__ = ["CheckResult", "FindingLevel", "FindingTopic", "gigabytes", "summary"]

FindingLevel = Literal["ok", "note", "warning", "problem"]
"""
- `ok`: as it should be.
- `note`: worth knowing; something optional is not there.
- `warning`: Viper works, but less well than it could here.
- `problem`: something that you have asked for does not work.
"""

FindingTopic = Literal["sandbox", "machine", "models", "endpoint", "plugins", "extras"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that was looked at."""

    topic: FindingTopic
    level: FindingLevel
    title: str
    """What was looked at, a word or two."""
    found: str
    """What it is like. May hold text of strangers: print it with `one_line`."""
    cure: str = ""
    """What to do; "" where nothing needs to be done."""

    def to_json(self) -> dict[str, str | None]:
        """Return the finding as an object of JSON; without a cure it is null."""
        return {**asdict(self), "cure": self.cure or None}


def summary(findings: Iterable[CheckResult]) -> str:
    """Return one sentence that counts problems and warnings."""
    levels = [finding.level for finding in findings]
    counted = [
        f"{count} {level}{'' if count == 1 else 's'}"
        for level in ("problem", "warning")
        if (count := levels.count(level))
    ]
    return f"{' and '.join(counted)} found." if counted else "No problems found."


def gigabytes(count: float) -> str:
    """Return a number of bytes in units of 10⁹, as the sizes of models are given."""
    return f"{count / 1e9:.1f} GB"
