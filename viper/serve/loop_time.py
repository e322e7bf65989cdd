"""How much of the server's loop each client uses, and who has to wait because of it.

Everything that arrives is parsed on one loop, and some bytes cost far more than others: chunks of one byte,
lines that nearly are a boundary. So the processor time of parsing is charged to its client. Who has used more
than a burst waits until its share has paid for it; the bytes stay in its connection, and others go on.
"""

from __future__ import annotations

import asyncio
import logging
import time
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from starlette.types import Message, Receive

from viper.errors import summarize_error

__all__ = ["NOBODY", "LoopTime"]

_log = logging.getLogger(__name__)

NOBODY = "(nobody)"
"""In the place of a client: for work that slots bound already."""

# Part of the loop's time that a client may use all the time, and seconds that it may use at once. An image of
# 20 MB costs about 0.1 s, an ordinary request 1 ms.
_SHARE = 0.1
_BURST_S = 0.1
# Clients that are remembered: beyond it, those without debts are forgotten.
_MANY_CLIENTS = 1_000

T = TypeVar("T")


class LoopTime:
    """Debts of clients, in seconds of processor time; belongs to one event loop.

    Args:
        share: Part of the loop's time that a client may use, 0 to 1.
    """

    def __init__(self, share: float = _SHARE) -> None:
        self._share = share
        self._debts: dict[
            str, tuple[float, float]
        ] = {}  # client → seconds, and when they were that many
        self._counted_s = 0.0  # of the loop, charged so far
        # Who goes on when a client has paid; while it is here, a call of `_wake` is due.
        self._waiting: dict[str, deque[Callable[[], None]]] = {}
        self.waits = 0
        """How often a client had to wait."""

    def charge(self, client: str, spent_s: float) -> None:
        """Charge processor time to a client."""
        if client == NOBODY:
            return
        now_s = time.monotonic()
        self._debts[client] = self._debt_s(client, now_s) + spent_s, now_s
        if len(self._debts) > _MANY_CLIENTS:
            debts = {one: (self._debt_s(one, now_s), now_s) for one in self._debts}
            self._debts = {one: debt for one, debt in debts.items() if debt[0] > 0}

    def wait_s(self, client: str) -> float:
        """Return after how many seconds a client may go on, 0 for at once."""
        debt_s = self._debt_s(client, time.monotonic())
        wait_s = max(0.0, (debt_s - _BURST_S) / self._share)
        self.waits += wait_s > 0
        return wait_s

    def is_in_debt(self, client: str) -> bool:
        """Return whether a client would have to wait."""
        return self._debt_s(client, time.monotonic()) > _BURST_S

    def when_paid(self, client: str, go_on: Callable[[], None]) -> None:
        """Call something when a client may go on: one at a time, in order, so that waiting costs nothing."""
        if client in self._waiting:
            self._waiting[client].append(go_on)
        else:
            self._waiting[client] = deque([go_on])
            asyncio.get_running_loop().call_later(self.wait_s(client), self._wake, client)

    def _wake(self, client: str) -> None:
        waiting = self._waiting[client]
        while waiting:
            if wait_s := self.wait_s(client):
                asyncio.get_running_loop().call_later(wait_s, self._wake, client)
                return
            try:
                waiting.popleft()()
            except Exception as error:  # the others in the line go on
                _log.error("A connection failed: %s.", summarize_error(error))
        del self._waiting[client]

    async def read(
        self, client: str, receive: Receive, reader: Callable[[Receive], Coroutine[Any, Any, T]]
    ) -> T:
        """Return what a reader makes of a body, and charge the time that it takes on the loop.

        Args:
            client: From `clients.client_of`.
            receive: Returns the next message.
            reader: Reads the body with the `Receive` that it gets.
        """

        async def paced() -> Message:
            while wait_s := self.wait_s(client):
                await asyncio.sleep(wait_s)
            return await receive()

        return await self.metered(client, reader(paced))

    @types.coroutine
    def metered(self, client: str, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Return what a coroutine returns, and charge the time of each of its steps between two waits.

        Time that another `metered` within it has charged is not charged twice; so with `NOBODY` a part of a
        request is left out.
        """
        value: Any = None
        error: BaseException | None = None
        while True:
            started_s, counted_s = time.thread_time(), self._counted_s
            try:
                waited_for = work.send(value) if error is None else work.throw(error)
            except StopIteration as stop:
                result: T = stop.value
                return result
            finally:
                step_s = time.thread_time() - started_s
                self.charge(client, step_s - (self._counted_s - counted_s))
                self._counted_s = counted_s + step_s
                value = error = None  # an exception in a frame of its own traceback is a cycle
            try:
                value, error = (yield waited_for), None
            except BaseException as thrown:  # such as a cancellation: the coroutine's own business
                error = thrown

    def _debt_s(self, client: str, now_s: float) -> float:
        debt_s, since_s = self._debts.get(client, (0.0, now_s))
        return max(0.0, debt_s - self._share * (now_s - since_s))
