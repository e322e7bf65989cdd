"""What happens during an answer, told while it happens.

A watcher is called with one step after the other, from the engine's own thread: it must be quick, and
hand on what takes time. The finished `Trace` holds all of it again, in order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from viper.trace.record import Attempt, CallRecord

__all__ = ["AttemptStep", "CallStep", "ProgramStep", "Step", "Watcher", "tell"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProgramStep:
    """A program was checked and is about to run."""

    attempt: int
    """Counts the programs of an answer from 0; those that vote run side by side."""
    generator: str
    source: str
    """Normalised, so that lines of calls count in it."""

    def to_json(self) -> dict[str, Any]:
        """Return the step as a JSON object."""
        return {
            "step": "program",
            "attempt": self.attempt,
            "generator": self.generator,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class CallStep:
    """A vision or language call of a program was answered, or failed."""

    attempt: int
    call: CallRecord

    def to_json(self) -> dict[str, Any]:
        """Return the step as a JSON object; `call` is as in a trace."""
        return {"step": "call", "attempt": self.attempt, "call": self.call.to_json()}


@dataclass(frozen=True, slots=True)
class AttemptStep:
    """A program ended, or could not be written."""

    attempt: int
    record: Attempt

    def to_json(self) -> dict[str, Any]:
        """Return the step as a JSON object; `record` is an attempt as in a trace."""
        return {"step": "attempt", "attempt": self.attempt, "record": self.record.to_json()}


Step: TypeAlias = ProgramStep | CallStep | AttemptStep

Watcher: TypeAlias = Callable[[Step], None]


def tell(watcher: Watcher | None, step: Step) -> None:
    """Call a watcher, if there is one; an error of its own is logged and changes no answer."""
    if watcher is None:
        return
    try:
        watcher(step)
    except Exception:  # a stranger's function, in the middle of an answer
        _LOG.exception("A watcher of steps failed.")
