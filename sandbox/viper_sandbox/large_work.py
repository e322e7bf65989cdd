"""Work on large values of programs: in threads beside the loop, where each client does one thing at a time.

A program may send a thousand patches in a call, or return thousands of values. Reading them takes tens of
milliseconds, in which the loop would serve nobody else. So it is done in threads. But threads share one
interpreter, and whoever fills them holds up the loop again. So each client (of a server) that causes such
work has at most one thread, and rests after a long piece for as long as that took.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import NamedTuple, TypeVar

__all__ = ["LARGE_BYTES", "LARGE_VALUES", "beside_loop", "paid_by", "payer"]

LARGE_BYTES = 8_192
"""Frames beyond are decoded beside the loop; smaller ones take a millisecond, about as long as the detour."""
LARGE_VALUES = 256
"""Values with more parts are read beside the loop, for the same reason."""

# Clients that are served at the same time. More threads would do no more: they share one interpreter.
_THREADS = 4

# A piece that is no longer holds up nobody.
_SHORT_S = 0.005

_T = TypeVar("_T")


class _Payer(NamedTuple):
    """Who pays for the work of a task."""

    client: Hashable
    charge: Callable[[float], None]


_NOBODY = _Payer(None, lambda _: None)
_PAYER: ContextVar[_Payer] = ContextVar("_PAYER", default=_NOBODY)


@contextlib.contextmanager
def paid_by(client: Hashable, charge: Callable[[float], None]) -> Iterator[None]:
    """Let a client pay for large work of this task, and of those that it starts, on any loop.

    Args:
        client: Whose turn it is.
        charge: Called with the processor time of each piece in seconds, from the loop that had it done.
    """
    token = _PAYER.set(_Payer(client, charge))
    try:
        yield
    finally:
        _PAYER.reset(token)


def payer() -> Hashable:
    """Return the client that pays for work of the running task; None if nobody was named."""
    return _PAYER.get().client


class _Workers:
    """The threads of one loop, and the lines of those who wait for one."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, "viper-large-values")
        self._lines: dict[Hashable, deque[asyncio.Future[None]]] = {}
        self._active: set[Hashable] = set()  # clients with a thread, or at rest
        self._free = _THREADS

    async def run(self, work: Callable[[], _T]) -> _T:
        payer, spent_s = _PAYER.get(), list[float]()

        def timed() -> _T:
            started_s = time.thread_time()
            try:
                return work()
            finally:
                spent_s.append(time.thread_time() - started_s)

        def done(future: asyncio.Future[_T]) -> None:
            if not future.cancelled():
                future.exception()  # retrieve it, in case nobody waits any more
            self._free += 1
            payer.charge(sum(spent_s))
            if sum(spent_s) > _SHORT_S:
                future.get_loop().call_later(sum(spent_s), self._rested, payer.client)
                self._assign()
            else:
                self._rested(payer.client)

        await self._turn(payer.client)
        running = asyncio.get_running_loop().run_in_executor(self._pool, timed)
        running.add_done_callback(done)
        try:
            return await asyncio.shield(running)
        finally:
            del running  # an exception in a frame of its own traceback is a cycle

    async def _turn(self, client: Hashable) -> None:
        """Wait until there is a thread for this client."""
        waiter = asyncio.get_running_loop().create_future()
        self._lines.setdefault(client, deque()).append(waiter)
        self._assign()
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # it was given a thread
                self._free += 1
                self._rested(client)
            raise

    def _rested(self, client: Hashable) -> None:
        self._active.discard(client)
        self._assign()

    def _assign(self) -> None:
        """Give free threads to clients that have none; who was served goes behind all others."""
        for client in [client for client in self._lines if client not in self._active]:
            line = self._lines.pop(client)
            while line and line[0].done():  # cancelled
                line.popleft()
            if line and self._free:
                self._free -= 1
                self._active.add(client)
                line.popleft().set_result(None)
                if line:
                    self._lines[client] = line
            elif line:
                self._lines = {client: line, **self._lines}
                return


_WORKERS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Workers] = (
    weakref.WeakKeyDictionary()
)


async def beside_loop(work: Callable[[], _T]) -> _T:
    """Return what `work` returns, or raise what it raises; it runs in a thread of the running loop.

    A caller that is cancelled does not wait for the work, which must change nothing that others use.
    """
    loop = asyncio.get_running_loop()
    if loop not in _WORKERS:
        _WORKERS[loop] = _Workers()
    return await _WORKERS[loop].run(work)
