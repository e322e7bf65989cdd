"""A program's own time, with a limit: the time in which the host listens and the program is silent.

The clock runs only while a task of the host waits for the program. Where the loop is late because it works
for others, the program may have spoken long ago; only the time in which it was certainly silent counts, see
`loop_turns.py`. So a program is charged too little by at most one turn of the loop for each of its messages,
and never for the time of others. A program that says nothing is charged in full, however busy the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from viper_sandbox.loop_turns import turns_of

__all__ = ["Clock"]


class Clock:
    """Counts the time between `start` and `heard` or `stop`, and calls a function at the limit.

    Stopping and starting only read the time and leave the timer alone; a timer that fires too early is set
    again for the remaining time. On a loop that does not note its turns, delays of the loop count as well.

    Args:
        limit_s: Limit in seconds.
        on_end: Called once, from the loop, while the clock runs.
    """

    def __init__(self, limit_s: float, on_end: Callable[[], None]) -> None:
        self._limit_s = limit_s
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._turns = turns_of(self._loop)
        self._used_s = 0.0
        self._since_s: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def used_s(self) -> float:
        """Time used so far, in seconds."""
        return self._used_s + self._silent_s()

    def start(self) -> None:
        """Let the clock run, because the host waits for the program; it may run already."""
        if self._since_s is None:
            self._since_s = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._limit_s - self._used_s, self._fired)

    def heard(self) -> None:
        """Stop the clock, because the socket was ready at the last look of the loop."""
        since_s, turns = self._since_s, self._turns
        if since_s is None:
            return
        if turns is None:
            self._used_s += self._loop.time() - since_s
        elif since_s < turns.looked_s:  # else it began after the look
            self._used_s += turns.waited_s + max(0.0, turns.previous_s - since_s)
        self._since_s = None

    def stop(self) -> None:
        """Stop the clock for another reason; the program was silent until the last look."""
        self._used_s = self.used_s
        self._since_s = None

    def close(self) -> None:
        """Stop the clock and cancel the timer."""
        self.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _silent_s(self) -> float:
        if self._since_s is None:
            return 0.0
        until_s = self._loop.time() if self._turns is None else self._turns.looked_s
        return max(0.0, until_s - self._since_s)

    def _fired(self) -> None:
        self._timer = None
        if self._since_s is None:
            return  # `start` sets it again
        left_s = self._limit_s - self.used_s
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._fired)
        else:
            self._on_end()
