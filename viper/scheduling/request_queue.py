"""What waits for a model: who asked, who may go next, and what may ride along.

Requests are *asked* by a program that waits for them, or *guessed* by lookahead. A forward is made for
asked ones only; guesses of the same operation fill the room that is left in it. Programs take turns, so
that one with a thousand requests does not hold up one with a single request. What nobody wants any
longer is taken out.

Not safe for threads by itself: the worker holds its lock around every call.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from viper.llm.budget import Budget
from viper.scheduling.operation import Key, Operation, Served

__all__ = ["Job", "RequestQueue"]

_MOST_GUESSES = 1_024
# Guesses that wait for room; older ones go. At a few hundred bytes each this is nothing.

_numbers = itertools.count()


@dataclass(slots=True, eq=False)
class Job:
    """One request on its way."""

    key: Key
    operation: Operation
    request: Hashable
    owners: set[int]
    """Programs that wait for it, or guessed it."""
    asked: bool
    """False for a guess that nobody has asked for yet."""
    future: Future[Served] = field(default_factory=Future)
    queued: bool = True
    """False once it was taken for a forward."""
    queued_s: float = field(default_factory=time.perf_counter)
    number: int = field(default_factory=lambda: next(_numbers))
    """Order of arrival."""
    prepared: Future[Any] | None = None  # what the backend made of it; see `roles.Backend.prepare`
    budget: Budget | None = None
    """That of the engine that asked first; None for the model's own."""


class RequestQueue:
    """Jobs by key, in turn by program."""

    def __init__(self) -> None:
        self._pending: dict[Key, Job] = {}  # queued or in a forward
        self._asked: dict[
            Operation, OrderedDict[int, deque[Job]]
        ] = {}  # by the owner who came first
        self._guessed: OrderedDict[Key, Job] = OrderedDict()
        self._owned: dict[int, set[Job]] = {}

    def __len__(self) -> int:
        """Jobs that are queued or in a forward."""
        return len(self._pending)

    def find(self, key: Key) -> Job | None:
        """Return the job that will have this result, None if there is none."""
        return self._pending.get(key)

    def ask(self, key: Key, operation: Operation, request: Hashable, owner: int) -> Job:
        """Add a request that a program waits for, or join the one that is on its way."""
        job = self._pending.get(key)
        if job is None:
            job = self._pending[key] = Job(key, operation, request, {owner}, asked=True)
            self._line_up(job, owner)
        elif not job.asked:
            job.asked = True
            # From now on it lives as long as those who wait for it, not as those who guessed it.
            for guesser in job.owners:
                self._disown(job, guesser)
            job.owners.clear()
            if job.queued:
                del self._guessed[key]
                job.queued_s = time.perf_counter()
                self._line_up(job, owner)
        job.owners.add(owner)
        self._owned.setdefault(owner, set()).add(job)
        return job

    def guess(self, key: Key, operation: Operation, request: Hashable, owner: int) -> Job | None:
        """Add a request that may be asked for soon; None if it is on its way already."""
        if key in self._pending:
            return None
        job = self._pending[key] = self._guessed[key] = Job(
            key, operation, request, {owner}, asked=False
        )
        self._owned.setdefault(owner, set()).add(job)
        if len(self._guessed) > _MOST_GUESSES:
            oldest = next(iter(self._guessed.values()))
            self._take_out(oldest)
            oldest.future.cancel()
        return job

    def take(self, most: Callable[[Operation], int], *, parts: int = 1) -> list[Job]:
        """Take jobs of one operation for a forward: that of the oldest one asked for.

        Args:
            most: How many requests of an operation a forward takes.
            parts: Among how many replicas what is waiting is divided.

        Returns:
            Asked jobs, a program at a time taking turns, then guesses; empty when nothing was asked.
        """
        first = min(
            (line[0] for lines in self._asked.values() for line in lines.values()),
            key=lambda job: job.number,
            default=None,
        )
        if first is None:
            return []
        operation, room = first.operation, max(1, most(first.operation))
        lines = self._asked[operation]
        waiting = sum(map(len, lines.values()))
        asked = min(room, math.ceil(waiting / parts))
        taken: list[Job] = []
        while lines and len(taken) < asked:
            owner, line = next(iter(lines.items()))
            taken.append(line.popleft())
            if line:
                lines.move_to_end(owner)
            else:
                del lines[owner]
        if not lines:
            del self._asked[operation]
        guesses = (job for job in self._guessed.values() if job.operation == operation)
        for job in list(itertools.islice(guesses, room - len(taken))):
            del self._guessed[job.key]
            taken.append(job)
        for job in taken:
            job.queued = False
        return taken

    def finish(self, job: Job) -> None:
        """Forget a job: its result is known, or there is none."""
        if self._pending.get(job.key) is job:
            del self._pending[job.key]
        for owner in job.owners:
            self._disown(job, owner)

    def withdraw(self, owner: int) -> list[Job]:
        """Forget a program; return the jobs that no forward has taken and nobody else wants."""
        alone: list[Job] = []
        for job in sorted(self._owned.pop(owner, ()), key=lambda job: job.number):
            job.owners.discard(owner)
            if job.owners or not job.queued:
                continue
            self._take_out(job)
            job.future.cancel()
            alone.append(job)
        return alone

    def drain(self) -> list[Job]:
        """Take out and return everything that no forward has taken."""
        queued = [job for job in self._pending.values() if job.queued]
        for job in queued:
            self._take_out(job)
        return queued

    def _line_up(self, job: Job, owner: int) -> None:
        self._asked.setdefault(job.operation, OrderedDict()).setdefault(owner, deque()).append(job)

    def _take_out(self, job: Job) -> None:
        del self._pending[job.key]
        if self._guessed.pop(job.key, None) is None:
            lines = self._asked[job.operation]
            # It stands in one line, that of the program which asked first.
            owner = next(owner for owner, line in lines.items() if job in line)
            lines[owner].remove(job)
            if not lines[owner]:
                del lines[owner]
            if not lines:
                del self._asked[job.operation]
        for owner in job.owners:
            self._disown(job, owner)
        job.queued = False

    def _disown(self, job: Job, owner: int) -> None:
        jobs = self._owned.get(owner)
        if jobs is not None:
            jobs.discard(job)
            if not jobs:
                del self._owned[owner]
