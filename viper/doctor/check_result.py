"""The result of one check of `viper doctor`: level, what was found, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

__all__ = ["CheckLevel", "CheckResult", "CheckTopic", "gigabytes", "summary"]

CheckLevel = Literal["ok", "note", "warning", "problem"]
"""
- `ok`: as it should be.
- `note`: something optional is missing.
- `warning`: Viper works, but less well than it could on this machine.
- `problem`: something that the user asked for does not work.
"""

CheckTopic = Literal["sandbox", "machine", "models", "endpoint", "plugins", "extras"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

    topic: CheckTopic
    level: CheckLevel
    title: str
    """What was checked, in a word or two."""
    found: str
    """What was found. May hold untrusted text: print it with `one_line`."""
    fix: str = ""
    """What to do; "" if nothing needs to be done."""

    def to_json(self) -> dict[str, str | None]:
        """Return a JSON object; `cure` is the name that version 0.1 gave to `fix`."""
        fix = self.fix or None
        return {**asdict(self), "cure": fix, "fix": fix}


def summary(checks: Iterable[CheckResult]) -> str:
    """Return one sentence that counts problems and warnings."""
    levels = [check.level for check in checks]
    counted = [
        f"{count} {level}{'' if count == 1 else 's'}"
        for level in ("problem", "warning")
        if (count := levels.count(level))
    ]
    return f"{' and '.join(counted)} found." if counted else "No problems found."


def gigabytes(size_bytes: float) -> str:
    """Return a size in units of 10⁹ bytes, the unit of model sizes."""
    return f"{size_bytes / 1e9:.1f} GB"
