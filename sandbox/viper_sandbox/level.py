"""How strong the sandbox of this machine is, measured by what a confined child can still do.

*full*: the kernel refuses every forbidden act, by whichever mechanism. *partial*: a separate process
with limits that can be killed, but some act gets through. *none*: no separate process can be started.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["LEVELS", "Act", "Level", "LevelReport"]

Level = Literal["full", "partial", "none"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Strongest first."""


@dataclass(frozen=True, slots=True)
class Act:
    """A forbidden act that was attempted in a confined child."""

    name: str
    """What was attempted, such as "open a file"."""
    refused: bool
    how: str
    """What the kernel did: "EACCES", "killed by SIGSYS", or "got through"."""


@dataclass(frozen=True, slots=True)
class LevelReport:
    """The level of this machine and why."""

    level: Level
    acts: tuple[Act, ...]
    """Every act that was attempted; empty if no child could be started."""
    missing: tuple[tuple[str, str], ...] = ()
    """(mechanism, why it is not in force) of every mechanism that this machine does not give."""
    trouble: str = ""
    """Why no child could be started, for the level none."""

    def reaches(self, least: Level) -> bool:
        """Tell whether programs that need at least this level may run."""
        return self.level != "none" and LEVELS.index(self.level) <= LEVELS.index(least)

    @property
    def sentence(self) -> str:
        """One sentence: the level, what got through, and what would close it."""
        if self.level == "full":
            return "The sandbox is full: the kernel refuses every forbidden act."
        if self.level == "none":
            return f"There is no sandbox on this machine: {self.trouble}."
        got_through = ", ".join(act.name for act in self.acts if not act.refused)
        reasons = "; ".join(f"{name}: {reason}" for name, reason in self.missing)
        return (
            f"The sandbox is partial: a confined program could {got_through}. "
            f"Not in force are {reasons or 'no known mechanism'}. {self._remedy()}"
        )

    def _remedy(self) -> str:
        if any(name == "seccomp" for name, _ in self.missing):
            return (
                "A Linux kernel with seccomp filters on x86_64 or aarch64 closes the gap; in a "
                "container, allow the system calls prctl and seccomp in its profile."
            )
        return (
            "A Linux kernel with seccomp filters refuses all of these; please report this machine."
        )
