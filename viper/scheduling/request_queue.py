"""The queue of a model: demand requests and prefetches, fair between programs.

A program waits for its *demand* requests; *prefetches* are what it will probably request next. Forwards (the
model run on one batch) are made for demand requests only; prefetches of the same operation fill the room left
in the batch. Programs take turns, within a forward and from one to the next, whatever they ask for: a program
with a thousand requests delays one with a single request by at most a forward, and fills at most half of what
both share. A request that no program wants any longer is removed.

Not thread-safe by itself: the worker holds its lock around every call.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from viper.llm.budget import Budget
from viper.scheduling.operation import Key, Operation, Served

__all__ = ["Job", "RequestQueue"]

# Prefetches that wait for room; the oldest are dropped. Each takes a few hundred bytes.
_MOST_PREFETCHES = 1_024
# Requests of one program that go into a forward beside others' even if those have fewer: a forward of a few
# requests takes hardly longer than one of a single request.
_LEAST_BESIDE = 8

_numbers = itertools.count()


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
    number: int = field(default_factory=lambda: next(_numbers))
    """Order of arrival."""
    prepared: Future[Any] | None = None  # the model's input; see `roles.Backend.prepare`
    budget: Budget | None = None
    """Budget of the engine that requested it first; None for that of the model's engine."""


class RequestQueue:
    """Jobs by key; programs take turns."""

    def __init__(self) -> None:
        self._pending: dict[Key, Job] = {}  # queued or in a forward
        self._demanded: dict[Operation, OrderedDict[int, deque[Job]]] = {}  # by the first owner
        self._prefetched: OrderedDict[Key, Job] = OrderedDict()
        self._owned: defaultdict[int, set[Job]] = defaultdict(set)
        self._turns: dict[int, int] = {}  # owner → its last turn, in the numbers of jobs

    def __len__(self) -> int:
        """Jobs that are queued or in a forward."""
        return len(self._pending)

    def find(self, key: Key) -> Job | None:
        """Return the job with this key, None if there is none."""
        return self._pending.get(key)

    def demand(self, key: Key, operation: Operation, request: Hashable, owner: int) -> Job:
        """Add a request that a program waits for, or join the pending job with its key."""
        job = self._pending.get(key)
        if job is None:
            job = self._pending[key] = Job(key, operation, request, {owner}, demanded=True)
            self._line_up(job, owner)
        elif not job.demanded:
            job.demanded = True
            # From now on it belongs to the programs that wait for it, not to those that prefetched it.
            for prefetching_owner in job.owners:
                self._disown(job, prefetching_owner)
            job.owners.clear()
            if job.queued:
                del self._prefetched[key]
                job.queued_s = time.perf_counter()
                self._line_up(job, owner)
        job.owners.add(owner)
        self._owned[owner].add(job)
        return job

    def prefetch(self, key: Key, operation: Operation, request: Hashable, owner: int) -> Job | None:
        """Add a request that a program may make soon; return None if it is pending already."""
        if key in self._pending:
            return None
        job = self._pending[key] = self._prefetched[key] = Job(
            key, operation, request, {owner}, demanded=False
        )
        self._owned[owner].add(job)
        if len(self._prefetched) > _MOST_PREFETCHES:
            oldest = next(iter(self._prefetched.values()))
            self._remove(oldest)
            oldest.future.cancel()
        return job

    def take(self, most: Callable[[Operation], int], *, parts: int = 1) -> list[Job]:
        """Remove jobs of one operation for a forward: that of the program whose turn it is.

        It is the turn of the program that has waited longest, since its last turn or since its request came.

        Args:
            most: Largest batch of an operation.
            parts: Number of replicas that share the waiting jobs.

        Returns:
            Demand requests, programs taking turns, then prefetches; empty without a demand request.
        """
        turn = min(
            (
                (max(line[0].number, self._turns.get(owner, 0)), owner, operation)
                for operation, lines in self._demanded.items()
                for owner, line in lines.items()
            ),
            key=lambda one: one[0],
            default=None,
        )
        if turn is None:
            return []
        _, first_owner, operation = turn
        lines = self._demanded[operation]
        lines.move_to_end(first_owner, last=False)
        waiting = sum(map(len, lines.values()))
        room = max(1, most(operation))
        if others := waiting - max(map(len, lines.values())):
            room = min(room, others + max(others, _LEAST_BESIDE))
        share = min(room, math.ceil(waiting / parts))
        batch: list[Job] = []
        while lines and len(batch) < share:
            owner, line = next(iter(lines.items()))
            batch.append(line.popleft())
            self._turns[owner] = next(_numbers)
            if line:
                lines.move_to_end(owner)
            else:
                del lines[owner]
        if not lines:
            del self._demanded[operation]
        prefetches = (job for job in self._prefetched.values() if job.operation == operation)
        for job in list(itertools.islice(prefetches, room - len(batch))):
            del self._prefetched[job.key]
            batch.append(job)
        for job in batch:
            job.queued = False
        return batch

    def finish(self, job: Job) -> None:
        """Remove a job that has its result, or failed."""
        if self._pending.get(job.key) is job:
            del self._pending[job.key]
        for owner in job.owners:
            self._disown(job, owner)

    def withdraw(self, owner: int) -> list[Job]:
        """Remove a program; return its queued jobs that no other program wants."""
        alone: list[Job] = []
        self._turns.pop(owner, None)
        for job in sorted(self._owned.pop(owner, ()), key=lambda job: job.number):
            job.owners.discard(owner)
            if job.owners or not job.queued:
                continue
            self._remove(job)
            job.future.cancel()
            alone.append(job)
        return alone

    def queued(self) -> list[Job]:
        """Return all jobs that are not in a forward yet."""
        return [job for job in self._pending.values() if job.queued]

    def drain(self) -> list[Job]:
        """Remove and return all queued jobs."""
        queued = self.queued()
        for job in queued:
            self._remove(job)
        return queued

    def _line_up(self, job: Job, owner: int) -> None:
        self._demanded.setdefault(job.operation, OrderedDict()).setdefault(owner, deque()).append(
            job
        )

    def _remove(self, job: Job) -> None:
        del self._pending[job.key]
        if self._prefetched.pop(job.key, None) is None:
            lines = self._demanded[job.operation]
            # It is in one line, that of its first owner.
            owner = next(owner for owner, line in lines.items() if job in line)
            lines[owner].remove(job)
            if not lines[owner]:
                del lines[owner]
            if not lines:
                del self._demanded[job.operation]
        for owner in job.owners:
            self._disown(job, owner)
        job.queued = False

    def _disown(self, job: Job, owner: int) -> None:
        self._owned[owner].discard(job)
        if not self._owned[owner]:
            del self._owned[owner]
            self._turns.pop(owner, None)
