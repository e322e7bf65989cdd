"""Steps of an answer, reported while it runs.

A watcher is called with each step, in the engine's own thread: it must be quick, and leave slow work to other
threads. The finished `Trace` holds the same, in order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from viper.trace.model import Record
from viper.trace.turns import Attempt, CallRecord

__all__ = ["AttemptStep", "CallStep", "ProgramStep", "Step", "Watcher", "tell"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProgramStep(Record):
    """A program was checked and is about to run."""

    attempt: int
    """Index of the program in the answer; programs that vote run side by side."""
    generator: str
    source: str
    """Normalized; line numbers of calls refer to it."""
    step: Literal["program"] = "program"


@dataclass(frozen=True, slots=True)
class CallStep(Record):
    """A vision or language call of a program was answered, or failed."""

    attempt: int
    call: CallRecord
    step: Literal["call"] = "call"


@dataclass(frozen=True, slots=True)
class AttemptStep(Record):
    """A program ended, or could not be written."""

    attempt: int
    record: Attempt
    """As in a trace."""
    step: Literal["attempt"] = "attempt"


Step: TypeAlias = ProgramStep | CallStep | AttemptStep

Watcher: TypeAlias = Callable[[Step], None]


def tell(watcher: Watcher | None, step: Step) -> None:
    """Call a watcher, if there is one; its errors are logged and do not change the answer."""
    if watcher is None:
        return
    try:
        watcher(step)
    except Exception:  # the caller's function, in the middle of an answer
        _LOG.exception("A watcher of steps failed.")
