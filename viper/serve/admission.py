"""Who is let in: so many answers at once, so many that wait, and the next one is turned away at once.

A request takes a place before its body is read, so that the bodies in memory are bounded too. Those that
wait get their turn in the order in which they came.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from viper.serve.api_error import ApiError, shutting_down

__all__ = ["Admission"]

_FIRST_GUESS_S = 1.0
# For one answer, before any has been seen.
_LONGEST_RETRY_S = 60.0


class Admission:
    """Places and turns; lives on one event loop.

    Args:
        concurrency: Turns at once.
        queue: Places beyond these.
    """

    def __init__(self, concurrency: int, queue: int) -> None:
        self._concurrency = concurrency
        self._most = concurrency + queue
        self._turns = asyncio.Semaphore(concurrency)
        self._answer_s = _FIRST_GUESS_S
        self._draining = False
        self.interrupted = asyncio.Event()
        """Set when what still runs is to end at once."""
        self.taken = 0
        """Places that are taken, by those that have their turn and those that wait."""
        self.running = 0
        """Turns that are taken."""

    @property
    def waiting(self) -> int:
        """Requests that have a place and not yet a turn; their body may still be arriving."""
        return self.taken - self.running

    @property
    def draining(self) -> bool:
        """True when nobody is let in any more."""
        return self._draining

    def drain(self) -> None:
        """Let nobody in any more; who has a place keeps it."""
        self._draining = True

    def interrupt(self) -> None:
        """End what still runs or waits."""
        self._draining = True
        self.interrupted.set()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            Problem: All places are taken (429), or the server is shutting down (503).
        """
        if self._draining:
            raise shutting_down()
        if self.taken >= self._most:
            raise ApiError(
                429,
                "overload",
                f"The server works on {self.running} requests and {self.waiting} more wait, which is all "
                "that it takes. Ask again after the seconds in Retry-After.",
                retry_after_s=self.retry_after_s(),
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    @asynccontextmanager
    async def turn(self, deadline_s: float) -> AsyncIterator[None]:
        """Wait for a turn and hold it.

        Args:
            deadline_s: Until when to wait, on the loop's clock.

        Raises:
            Problem: There was no turn in time (503).
        """
        try:
            async with asyncio.timeout_at(deadline_s):
                await self._turns.acquire()
        except TimeoutError:
            raise ApiError(
                503,
                "overload",
                "The request's time was over before its turn came. Ask again after the seconds in "
                "Retry-After, or with a larger timeout_s.",
                retry_after_s=self.retry_after_s(),
            ) from None
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._turns.release()

    def note(self, seconds: float) -> None:
        """Learn how long an answer took, for `retry_after_s`."""
        self._answer_s += 0.2 * (seconds - self._answer_s)

    def retry_after_s(self) -> float:
        """Return about when half of what is here now will be done, 1 to 60 seconds."""
        rounds = self.taken / self._concurrency
        return min(_LONGEST_RETRY_S, max(1.0, self._answer_s * rounds / 2))
