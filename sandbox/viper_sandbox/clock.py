"""A stopwatch with a time limit: stops while the host serves a call, and needs only one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Clock"]


class Clock:
    """Counts the time between `start` and `stop`, and calls a function at the limit.

    Stopping and starting only read the time and leave the timer alone; a timer that fires too early is set
    again for the remaining time.

    Args:
        limit_s: Limit in seconds.
        on_end: Called once, from the loop, while the clock runs.
    """

    def __init__(self, limit_s: float, on_end: Callable[[], None]) -> None:
        self._limit_s = limit_s
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._used_s = 0.0
        self._since_s: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def used_s(self) -> float:
        """Time used so far, in seconds."""
        if self._since_s is None:
            return self._used_s
        return self._used_s + self._loop.time() - self._since_s

    def start(self) -> None:
        """Let the clock run."""
        self._since_s = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._limit_s - self._used_s, self._fired)

    def stop(self) -> None:
        """Stop the clock."""
        self._used_s = self.used_s
        self._since_s = None

    def close(self) -> None:
        """Stop the clock and cancel the timer."""
        self.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fired(self) -> None:
        self._timer = None
        if self._since_s is None:
            return  # `start` sets it again
        left_s = self._limit_s - self.used_s
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._fired)
        else:
            self._on_end()
