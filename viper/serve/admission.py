"""Admission control: a fixed number of worker slots, and a bounded queue in front of them.

A request takes a queue slot before its body is read, so the bodies in memory are bounded too. Queued
requests get a worker slot in order of arrival. A request that finds no queue slot is rejected at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from viper.serve.api_error import ApiError, shutting_down

__all__ = ["Admission"]

# Duration of an answer before any has been measured.
_INITIAL_ESTIMATE_S = 1.0
_MAX_RETRY_AFTER_S = 60.0


class Admission:
    """Queue slots and worker slots; belongs to one event loop.

    Args:
        concurrency: Worker slots.
        queue: Queue slots beyond these.
    """

    def __init__(self, concurrency: int, queue: int) -> None:
        self._concurrency = concurrency
        self._max_admitted = concurrency + queue
        self._workers = asyncio.Semaphore(concurrency)
        self._answer_s = _INITIAL_ESTIMATE_S
        self.draining = False
        """True once no request is admitted any more."""
        self.interrupted = asyncio.Event()
        """Set when all requests in progress must end at once."""
        self.admitted = 0
        """Queue slots in use, by running and waiting requests together."""
        self.running = 0
        """Worker slots in use."""

    @property
    def waiting(self) -> int:
        """Requests with a queue slot but no worker slot yet; their body may still be arriving."""
        return self.admitted - self.running

    def drain(self) -> None:
        """Admit no more requests; admitted ones keep their slots."""
        self.draining = True

    def interrupt(self) -> None:
        """End all running and waiting requests."""
        self.drain()
        self.interrupted.set()

    @contextmanager
    def queue_slot(self) -> Iterator[None]:
        """Hold a queue slot.

        Raises:
            ApiError: The queue is full (429), or the server is shutting down (503).
        """
        if self.draining:
            raise shutting_down()
        if self.admitted >= self._max_admitted:
            raise self._overload(
                429,
                f"The queue is full: the server works on {self.running} requests, and {self.waiting} more "
                "wait. Retry after the number of seconds in Retry-After.",
            )
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    @asynccontextmanager
    async def worker_slot(self, deadline_s: float) -> AsyncIterator[None]:
        """Wait for a worker slot and hold it.

        Args:
            deadline_s: Until when to wait, on the loop's clock.

        Raises:
            ApiError: No worker slot became free in time (503).
        """
        try:
            async with asyncio.timeout_at(deadline_s):
                await self._workers.acquire()
        except TimeoutError:
            raise self._overload(
                503,
                "The request timed out in the queue. Retry after the number of seconds in Retry-After, or "
                "with a larger timeout_s.",
            ) from None
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._workers.release()

    def record_duration(self, seconds: float) -> None:
        """Record how long an answer took, for `retry_after_s`."""
        self._answer_s += 0.2 * (seconds - self._answer_s)

    def retry_after_s(self) -> float:
        """Estimate when half of the admitted requests will be done, 1 to 60 seconds."""
        rounds = self.admitted / self._concurrency
        return min(_MAX_RETRY_AFTER_S, max(1.0, self._answer_s * rounds / 2))

    def _overload(self, status: int, message: str) -> ApiError:
        return ApiError(status, "overload", message, retry_after_s=self.retry_after_s())
