"""The level of the sandbox on this machine, measured by what a confined child can still do.

*full*: the kernel refuses every forbidden act, by any mechanism. *partial*: programs run in a separate
process with limits, which can be killed, but some forbidden acts succeed. *none*: no separate process can be
started.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

__all__ = ["Act", "Level", "LevelReport"]


class _Advice(NamedTuple):
    """How to bring mechanisms into force, and the acts that they refuse."""

    mechanisms: set[str]
    refuses: set[str] | None
    """None for all but the bounds of memory and time."""
    sentence: str


_BOUND = {"use memory without bound", "use CPU time without bound"}
_BY_PATH = {"open a file", "look at a file", "change a file", "create, rename or remove a file"}
_ADVICE = (
    _Advice(
        {"seccomp"},
        None,
        "Use a Linux kernel with seccomp filters on x86_64 or aarch64; in a container, allow the system "
        "calls prctl and seccomp in its profile.",
    ),
    _Advice(
        {"Landlock", "Landlock for signals"},
        {*_BY_PATH, "run another program", "signal another process"},
        "Use Linux 6.12 or newer with Landlock switched on (landlock in the boot parameter lsm=); in a "
        "container, allow its system calls in the profile.",
    ),
    _Advice(
        {"user, PID and network namespace", "IPC namespace", "empty root"},
        {*_BY_PATH, "connect to the network", "connect to a local service", "share memory"},
        "Let users make namespaces (sysctl kernel.unprivileged_userns_clone=1 and "
        "user.max_user_namespaces; on Ubuntu, kernel.apparmor_restrict_unprivileged_userns=0).",
    ),
    _Advice(
        {"limits", "limit of memory", "limit of CPU time"},
        _BOUND,
        "Let the process limit itself: in a container, allow the system calls setrlimit and prlimit64 in "
        "its profile.",
    ),
)

Level = Literal["full", "partial", "none"]
# Strongest first.
_LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Act:
    """A forbidden act that was attempted in a confined child."""

    name: str
    """Such as "open a file"."""
    refused: bool
    how: str
    """The reaction of the kernel: "EACCES", "killed by SIGSYS", or "got through"."""


@dataclass(frozen=True, slots=True)
class LevelReport:
    """The level of this machine and the reasons."""

    level: Level
    acts: tuple[Act, ...]
    """All acts that were attempted; empty if no child could be started."""
    missing: tuple[tuple[str, str], ...] = ()
    """(mechanism, why it is not in force) for each mechanism that this machine lacks."""
    trouble: str = ""
    """Why no child could be started, for the level none."""

    def reaches(self, least: Level) -> bool:
        """Return whether programs that need at least this level may run."""
        return self.level != "none" and _LEVELS.index(self.level) <= _LEVELS.index(least)

    @property
    def sentence(self) -> str:
        """The level, the acts that succeeded and the advice, as text."""
        missing = "; ".join(f"{name} ({why})" for name, why in self.missing)
        if self.level == "full":
            suffix = f" Not in force: {missing}." if missing else ""
            return f"The sandbox is full: the kernel refuses every forbidden act.{suffix}"
        if self.level == "none":
            return f"There is no sandbox on this machine: {self.trouble}."
        through = [act.name for act in self.acts if not act.refused]
        return (
            f"The sandbox is partial: a confined program could {', '.join(through)}. "
            f"Not in force: {missing or 'no known mechanism'}. {self.advice}"
        )

    @property
    def advice(self) -> str:
        """How to reach the level full, one sentence for each mechanism; "" for that level."""
        through = {act.name for act in self.acts if not act.refused}
        missing = {name for name, _ in self.missing}
        sentences = [
            advice.sentence
            for advice in _ADVICE
            if missing & advice.mechanisms
            and (through - _BOUND if advice.refuses is None else through & advice.refuses)
        ]
        if through and not sentences:
            return "A Linux kernel with seccomp filters refuses all of these; please report this machine."
        return " Or: ".join(sentences)

    remedy = advice  # its name in version 0.1
