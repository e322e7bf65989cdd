"""One request to a model, on its way through the queue and a forward."""

from __future__ import annotations

import itertools
import time
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from viper.llm.budget import Budget
from viper.scheduling.operation import Key, Operation, Served

__all__ = ["Client", "Job", "next_number"]

Client: TypeAlias = "int | tuple[str]"
"""Whom a server works for, by name; a program outside a server, by its number, is a client of its own."""

_numbers = itertools.count()


def next_number() -> int:
    """Return a number that is larger than those before: of a job in order of arrival, or of a turn."""
    return next(_numbers)


@dataclass(slots=True, eq=False)
class Job:
    """One request, queued or in a forward."""

    key: Key
    operation: Operation
    request: Hashable
    owners: set[int]
    """Programs that wait for it, or prefetch it."""
    demanded: bool
    """False for a prefetch that no program waits for yet."""
    future: Future[Served] = field(default_factory=Future)
    queued: bool = True
    """False once it is in a forward."""
    queued_s: float = field(default_factory=time.perf_counter)
    number: int = field(default_factory=next_number)
    """Order of arrival."""
    prepared: Future[Any] | None = None  # the model's input; see `roles.Backend.prepare`
    budget: Budget | None = None
    """Budget of the engine that requested it first; None for that of the model's engine."""
