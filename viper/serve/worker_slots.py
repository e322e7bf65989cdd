"""Worker slots: how many requests run at the same time, and whose turn it is.

    free slot          the client with the fewest running requests gets it; if equal, the one whose last turn
                       was longest ago; requests of one client in order of arrival
    no free slot       who has waited for `_RECALL_AFTER_S` gets one of a client that holds at least two more:
                       its newest run is cancelled, and waits in front of its client's line

So a client alone may use all slots, and holds no more than its share while others wait.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from viper.images.shares import Shares

__all__ = ["NoSlotError", "RecalledError", "WorkerSlots"]

# Most slots become free sooner by themselves, and then nothing that was computed is lost.
_RECALL_AFTER_S = 0.5


class NoSlotError(Exception):
    """No slot became free in time."""


class RecalledError(Exception):
    """The run was cancelled because its slot is needed by another client; the request may wait again."""


@dataclass(eq=False, slots=True)
class _Run:
    """A request that holds a slot."""

    scope: asyncio.Timeout | None = None
    """Ends the run when it is rescheduled to now."""


@dataclass(slots=True)
class _Line:
    """Requests of one client that wait for a slot."""

    last_turn: int
    """Number of the last slot that the client got, of all so far; for a newcomer, of the last but one."""
    waiters: deque[asyncio.Future[_Run]] = field(default_factory=deque)


class WorkerSlots:
    """A fixed number of slots; belongs to one event loop.

    Args:
        slots: How many.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._runs: Shares[_Run] = Shares()
        self._ending: dict[_Run, str] = {}  # runs that were recalled, and for which client
        self._lines: dict[str, _Line] = {}
        self._turns = 0
        self.recalls = 0
        """Runs that were cancelled for another client so far."""

    @property
    def in_use(self) -> int:
        """Slots in use."""
        return len(self._runs) + len(self._ending)

    @asynccontextmanager
    async def hold(
        self, client: str, deadline_s: float, *, again: bool = False
    ) -> AsyncIterator[None]:
        """Wait for a slot and hold it.

        Args:
            client: From `clients.client_of`.
            deadline_s: Until when to wait, on the loop's clock.
            again: Whether the request had a slot before and lost it; then it waits in front.

        Raises:
            NoSlotError: No slot became free in time.
            RecalledError: The slot is needed by another client.
        """
        run = await self._wait(client, deadline_s, again=again)
        try:
            async with asyncio.timeout(None) as run.scope:
                yield
        except TimeoutError:
            if run.scope is not None and run.scope.expired():
                raise RecalledError from None
            raise
        finally:
            self._release(client, run)

    async def _wait(self, client: str, deadline_s: float, *, again: bool) -> _Run:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[_Run] = loop.create_future()
        if client not in self._lines:
            # A newcomer passes only the client that was served last: in front of all, one with a request
            # at a time would always pass those with several, whose lines would grow.
            self._lines[client] = _Line(self._turns - 1)
        waiters = self._lines[client].waiters
        if again:
            waiters.appendleft(waiter)
        else:
            waiters.append(waiter)
        self._assign()
        timer = loop.call_later(_RECALL_AFTER_S, self._recall_for, client)
        try:
            async with asyncio.timeout_at(deadline_s):
                return await asyncio.shield(waiter)
        except BaseException as error:  # the client is gone, or it is too late
            if waiter.done() and not waiter.cancelled():
                self._release(client, waiter.result())
            else:
                waiters.remove(waiter)
                self._forget(client)
            if isinstance(error, TimeoutError):
                raise NoSlotError from None
            raise
        finally:
            timer.cancel()

    def _assign(self) -> None:
        """Give free slots to the clients with the fewest."""
        while self.in_use < self._slots:
            waiting = {client: line for client, line in self._lines.items() if line.waiters}
            if not waiting:
                return
            client = min(waiting, key=lambda name: (self._runs.held(name), waiting[name].last_turn))
            self._turns += 1
            waiting[client].last_turn = self._turns
            run = _Run()
            self._runs.add(client, run)
            waiting[client].waiters.popleft().set_result(run)

    def _release(self, client: str, run: _Run) -> None:
        self._runs.remove(client, run)
        self._ending.pop(run, None)
        self._forget(client)
        self._assign()

    def _forget(self, client: str) -> None:
        line = self._lines.get(client)
        if line is not None and not line.waiters and not self._runs.held(client):
            del self._lines[client]

    def _recall_for(self, client: str) -> None:
        """Take a slot back for a client that has waited for a while, if another one has too many."""
        promised = Counter(self._ending.values())[client]
        for holder, run in self._runs.excess(client, promised):
            if run.scope is not None:
                self._runs.remove(holder, run)
                self._ending[run] = client
                self.recalls += 1
                run.scope.reschedule(asyncio.get_running_loop().time())
                return
