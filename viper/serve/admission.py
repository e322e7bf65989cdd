"""Admission control: queue slots for requests that are here, and worker slots for those that run.

A request takes a queue slot before its body is read, so the bodies in memory are bounded too, and then waits
for a worker slot (`worker_slots`). Both go to whoever holds the fewest. When all queue slots are in use, the
client with the most requests loses its newest one that does not run, if the new request's client has at least
two fewer; otherwise the new request is rejected. So status 429 is for the client that sends the most.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from viper.images.shares import Shares
from viper.serve.api_error import ApiError, shutting_down
from viper.serve.worker_slots import NoSlotError, WorkerSlots

__all__ = ["OUTCOMES", "Admission", "QueueSlot"]

OUTCOMES = ("admitted", "rejected", "evicted", "timed_out", "recalled")
"""What is counted: requests that got a queue slot, got none, lost it to another client, waited too long for a
worker slot; and runs that gave their worker slot back to another client."""

# Duration of an answer before any has been measured.
_INITIAL_ESTIMATE_S = 1.0
_MAX_RETRY_AFTER_S = 60.0


@dataclass(eq=False, slots=True)
class QueueSlot:
    """A request that is admitted."""

    client: str
    scope: asyncio.Timeout
    """Ends the request when it is rescheduled to now."""
    is_running: bool = False
    """Whether it has a worker slot; then it keeps its queue slot."""
    is_answered: bool = False
    """Whether its answer is being sent."""


class Admission:
    """Queue slots and worker slots; belongs to one event loop.

    Args:
        concurrency: Worker slots.
        queue: Queue slots beyond these.
    """

    def __init__(self, concurrency: int, queue: int) -> None:
        self._concurrency = concurrency
        self._max_admitted = concurrency + queue
        self._workers = WorkerSlots(concurrency)
        self._queue: Shares[QueueSlot] = Shares()
        self._counts: Counter[str] = Counter()
        self._answer_s = _INITIAL_ESTIMATE_S
        self.draining = False
        """True once no request is admitted any more."""
        self.is_interrupted = False
        """True once the requests in progress were told to end at once."""
        self.admitted = 0
        """Queue slots in use, by running and waiting requests together."""

    @property
    def running(self) -> int:
        """Worker slots in use."""
        return self._workers.in_use

    @property
    def waiting(self) -> int:
        """Requests with a queue slot but no worker slot yet; their body may still be arriving."""
        return self.admitted - self.running

    def outcomes(self) -> dict[str, int]:
        """Return how often each of `OUTCOMES` happened."""
        return {
            **{name: self._counts[name] for name in OUTCOMES},
            "recalled": self._workers.recalls,
        }

    def drain(self) -> None:
        """Admit no more requests; admitted ones keep their slots."""
        self.draining = True

    def interrupt(self) -> None:
        """End all requests that hold a queue slot, whatever they do; answers that are being sent go on."""
        self.drain()
        self.is_interrupted = True
        for slot in self._queue:
            if not slot.is_answered:
                slot.scope.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def queue_slot(self, client: str = "") -> AsyncIterator[QueueSlot]:
        """Hold a queue slot.

        Args:
            client: From `clients.client_of`.

        Raises:
            ApiError: The queue is full, at once or when the slot goes to another client later (429); or the
                server is shutting down, now or when the grace period ends (503).
        """
        if self.draining:
            raise shutting_down()
        if self.admitted >= self._max_admitted and not self._evict_for(client):
            self._counts["rejected"] += 1
            raise self._queue_is_full()
        self._counts["admitted"] += 1
        slot = QueueSlot(client, asyncio.timeout(None))
        try:
            async with slot.scope:
                self._queue.add(client, slot)
                self.admitted += 1
                yield slot
        except TimeoutError:
            if slot.scope.expired():
                raise shutting_down() if self.is_interrupted else self._queue_is_full() from None
            raise
        finally:
            self._leave(slot)

    @asynccontextmanager
    async def worker_slot(
        self, slot: QueueSlot, deadline_s: float, *, again: bool = False
    ) -> AsyncIterator[None]:
        """Wait for a worker slot and hold it.

        Args:
            slot: The request's queue slot.
            deadline_s: Until when to wait, on the loop's clock.
            again: Whether the request had a worker slot before and lost it.

        Raises:
            ApiError: No worker slot became free in time (503).
            RecalledError: The worker slot is needed by another client.
        """
        try:
            async with self._workers.hold(slot.client, deadline_s, again=again):
                slot.is_running = True
                try:
                    yield
                finally:
                    slot.is_running = False
        except NoSlotError:
            self._counts["timed_out"] += 1
            raise self._overload(
                503,
                "The request timed out in the queue. Retry after the number of seconds in Retry-After, or "
                "with a larger timeout_s.",
            ) from None

    def record_duration(self, seconds: float) -> None:
        """Record how long an answer took, for `retry_after_s`."""
        self._answer_s += 0.2 * (seconds - self._answer_s)

    def retry_after_s(self) -> float:
        """Estimate when half of the admitted requests will be done, 1 to 60 seconds."""
        rounds = self.admitted / self._concurrency
        return min(_MAX_RETRY_AFTER_S, max(1.0, self._answer_s * rounds / 2))

    def _evict_for(self, client: str) -> bool:
        """Free the queue slot of a client that has many; return whether there was one."""
        for _, slot in self._queue.excess(client):
            if not slot.is_running:
                self._counts["evicted"] += 1
                self._leave(slot)
                slot.scope.reschedule(asyncio.get_running_loop().time())
                return True
        return False

    def _leave(self, slot: QueueSlot) -> None:
        if self._queue.remove(slot.client, slot):
            self.admitted -= 1

    def _queue_is_full(self) -> ApiError:
        return self._overload(
            429,
            f"The queue is full: the server works on {self.running} requests, and {self.waiting} more "
            "wait. Retry after the number of seconds in Retry-After.",
        )

    def _overload(self, status: int, message: str) -> ApiError:
        return ApiError(status, "overload", message, retry_after_s=self.retry_after_s())
