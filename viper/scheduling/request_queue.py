"""The queue of a model: demand requests and prefetches, fair between programs.

A program waits for its *demand* requests; *prefetches* are what it will probably request next. Forwards (the
model run on one batch) are made for demand requests only; prefetches of the same operation fill the room left
in the batch. Clients take turns, and so do the programs of each, within a forward and from one to the next,
whatever they ask for: a client with a thousand requests delays one with a single request by at most a
forward, and fills at most half of what both share. Pixels count as well as requests (`pixel_shares`). A
request that no program wants any longer is removed.

Not thread-safe by itself: the worker holds its lock around every call.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable

from viper.scheduling.job import Client, Job, next_number
from viper.scheduling.operation import Key, Operation
from viper.scheduling.pixel_shares import PixelShares
from viper.scheduling.waiting_jobs import WaitingJobs

__all__ = ["RequestQueue"]

# Prefetches that wait for room; the oldest are dropped. Each takes a few hundred bytes.
_MOST_PREFETCHES = 1_024
# Requests of one client that go into a forward beside others' even if those have fewer: a forward of a few
# requests takes hardly longer than one of a single request.
_LEAST_BESIDE = 8


class RequestQueue:
    """Jobs by key; clients and programs take turns."""

    def __init__(self) -> None:
        self._pending: dict[Key, Job] = {}  # queued or in a forward
        self._demanded: dict[Operation, WaitingJobs] = {}  # each in the line of its first owner
        self._prefetched: OrderedDict[Key, Job] = OrderedDict()
        self._owned: defaultdict[int, set[Job]] = defaultdict(set)
        self._clients: dict[int, Client] = {}  # of owners with jobs
        self._turns: dict[
            Client, int
        ] = {}  # client, or owner → its last turn, in the numbers of jobs

    def __len__(self) -> int:
        """Jobs that are queued or in a forward."""
        return len(self._pending)

    def find(self, key: Key) -> Job | None:
        """Return the job with this key, None if there is none."""
        return self._pending.get(key)

    def demand(
        self,
        key: Key,
        operation: Operation,
        request: Hashable,
        owner: int,
        client: str | None = None,
    ) -> Job:
        """Add a request that a program waits for, or join the pending job with its key.

        Args:
            key: Of the request.
            operation: Of the model.
            request: The request.
            owner: The program.
            client: Whom the program works for, in a server; None for a program with turns of its own.
        """
        job = self._pending.get(key)
        who: Client = owner if client is None else (client,)
        if job is None:
            job = self._pending[key] = Job(key, operation, request, {owner}, demanded=True)
            self._line_up(job, owner, who)
        elif not job.demanded:
            job.demanded = True
            # From now on it belongs to the programs that wait for it, not to those that prefetched it.
            for prefetching_owner in job.owners:
                self._disown(job, prefetching_owner)
            job.owners.clear()
            if job.queued:
                del self._prefetched[key]
                job.queued_s = time.perf_counter()
                self._line_up(job, owner, who)
        job.owners.add(owner)
        self._owned[owner].add(job)
        self._clients[owner] = who
        return job

    def prefetch(
        self,
        key: Key,
        operation: Operation,
        request: Hashable,
        owner: int,
        client: str | None = None,
    ) -> Job | None:
        """Add a request that a program may make soon, see `demand`; return None if it is pending already."""
        if key in self._pending:
            return None
        self._clients[owner] = owner if client is None else (client,)
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
        """Remove jobs of one operation for a forward: that of the client, and program, whose turn it is.

        It is the turn of who has waited longest, since its last turn or since its request came.

        Args:
            most: Largest batch of an operation.
            parts: Number of replicas that share the waiting jobs.

        Returns:
            Demand requests, clients taking turns, then prefetches; empty without a demand request.
        """
        turn = min(
            (
                (
                    self._waits_since(client, job),
                    self._waits_since(owner, job),
                    client,
                    owner,
                    operation,
                )
                for operation, waiting in self._demanded.items()
                for client, owner, job in waiting.firsts()
            ),
            key=lambda one: one[:2],
            default=None,
        )
        if turn is None:
            return []
        *_, client, owner, operation = turn
        waiting = self._demanded[operation]
        waiting.move_to_front(client, owner)
        counts = waiting.counts()
        room = max(1, most(operation))
        if others := sum(counts) - max(counts):
            room = min(room, others + max(others, _LEAST_BESIDE))
        shares = PixelShares(shared=others > 0)
        batch = self._take_demanded(waiting, min(room, math.ceil(sum(counts) / parts)), shares)
        if not waiting:
            del self._demanded[operation]
        self._add_prefetches(batch, room, shares)
        for job in batch:
            job.queued = False
        return batch

    def _waits_since(self, who: Client, job: Job) -> int:
        return max(job.number, self._turns.get(who, 0))

    def _take_demanded(self, waiting: WaitingJobs, most: int, shares: PixelShares) -> list[Job]:
        batch: list[Job] = []
        aside: set[Client] = set()  # clients whose next request is too large for this forward
        while len(batch) < most and (found := waiting.next(aside)) is not None:
            client, owner, job = found
            if not shares.take(client, job.request):
                aside.add(client)
                continue
            waiting.pop(client, owner)
            for who in (client, owner) if owner in self._clients else ():
                self._turns[who] = next_number()
            batch.append(job)
        return batch

    def _add_prefetches(self, batch: list[Job], room: int, shares: PixelShares) -> None:
        operation = batch[0].operation
        prefetches = (job for job in self._prefetched.values() if job.operation == operation)
        for job in list(itertools.islice(prefetches, room - len(batch))):
            if shares.take(self._clients[min(job.owners)], job.request):
                del self._prefetched[job.key]
                batch.append(job)

    def finish(self, job: Job) -> None:
        """Remove a job that has its result, or failed."""
        if self._pending.get(job.key) is job:
            del self._pending[job.key]
        for owner in job.owners:
            self._disown(job, owner)

    def withdraw(self, owner: int) -> list[Job]:
        """Remove a program; return its queued jobs that no other program wants."""
        alone: list[Job] = []
        client = self._clients.pop(owner, None)
        for job in sorted(self._owned.pop(owner, ()), key=lambda job: job.number):
            job.owners.discard(owner)
            if job.owners or not job.queued:
                continue
            self._remove(job)
            job.future.cancel()
            alone.append(job)
        self._forget_turns(owner, client)
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

    def _line_up(self, job: Job, owner: int, client: Client) -> None:
        waiting = self._demanded.setdefault(job.operation, WaitingJobs())
        waiting.add(client, owner, job)

    def _remove(self, job: Job) -> None:
        del self._pending[job.key]
        if self._prefetched.pop(job.key, None) is None:
            waiting = self._demanded[job.operation]
            waiting.remove(job)
            if not waiting:
                del self._demanded[job.operation]
        for owner in job.owners:
            self._disown(job, owner)
        job.queued = False

    def _disown(self, job: Job, owner: int) -> None:
        self._owned[owner].discard(job)
        if not self._owned[owner]:
            del self._owned[owner]
            self._forget_turns(owner, self._clients.pop(owner, None))

    def _forget_turns(self, owner: int, client: Client | None) -> None:
        """Forget the turns of a program without jobs, and those of its client if it was the last one."""
        self._turns.pop(owner, None)
        if client is not None and client not in self._clients.values():
            self._turns.pop(client, None)
