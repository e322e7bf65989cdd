"""How strong the sandbox of this machine is, measured by what a confined child can still do.

*full*: the kernel refuses every forbidden act, by whichever mechanism. *partial*: a separate process
with limits that can be killed, but some act gets through. *none*: no separate process can be started.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

__all__ = ["LEVELS", "Act", "Level", "LevelReport"]


class _Remedy(NamedTuple):
    """What brings mechanisms into force, and which acts they then refuse."""

    mechanisms: frozenset[str]
    closes: frozenset[str]
    sentence: str


_ALL_ACTS = frozenset(
    {
        "open a file",
        "connect to the network",
        "connect to a local service",
        "run another program",
        "signal another process",
        "trace another process",
        "share memory",
        "start a process",
    }
)
_REMEDIES = (
    _Remedy(
        frozenset({"seccomp"}),
        _ALL_ACTS,
        "Use a Linux kernel with seccomp filters on x86_64 or aarch64; in a container, allow the system "
        "calls prctl and seccomp in its profile.",
    ),
    _Remedy(
        frozenset({"Landlock", "Landlock for signals"}),
        frozenset({"open a file", "run another program", "signal another process"}),
        "Use Linux 6.12 or newer with Landlock switched on (landlock in the boot parameter lsm=); in a "
        "container, allow its system calls in the profile.",
    ),
    _Remedy(
        frozenset({"user, PID and network namespace", "IPC namespace"}),
        frozenset({"connect to the network", "share memory"}),
        "Let users make namespaces (sysctl kernel.unprivileged_userns_clone=1 and "
        "user.max_user_namespaces; on Ubuntu, kernel.apparmor_restrict_unprivileged_userns=0).",
    ),
)

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
        missing = "; ".join(f"{name} ({why})" for name, why in self.missing)
        if self.level == "full":
            lacking = f" Not in force: {missing}." if missing else ""
            return f"The sandbox is full: the kernel refuses every forbidden act.{lacking}"
        if self.level == "none":
            return f"There is no sandbox on this machine: {self.trouble}."
        through = [act.name for act in self.acts if not act.refused]
        return (
            f"The sandbox is partial: a confined program could {', '.join(through)}. "
            f"Not in force: {missing or 'no known mechanism'}. {self.remedy}"
        )

    @property
    def remedy(self) -> str:
        """What would close the gaps, one sentence for each mechanism; "" if there are no gaps."""
        through = {act.name for act in self.acts if not act.refused}
        missing = {name for name, _ in self.missing}
        sentences = [
            remedy.sentence
            for remedy in _REMEDIES
            if missing & remedy.mechanisms and through & remedy.closes
        ]
        if through and not sentences:
            return "A Linux kernel with seccomp filters refuses all of these; please report this machine."
        return " Or: ".join(sentences)
