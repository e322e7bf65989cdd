"""Threads for work of a request that would hold up the loop; its processor time is charged to the client.

A large body is parsed, and an answer is written, in a thread: others go on meanwhile. Threads share one
interpreter, so the time counts like that of the loop, and each client has one thread at a time. Who is
in debt waits before its next body is parsed; an answer is written at once, because it holds a worker slot.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from viper.serve.loop_time import LoopTime

__all__ = ["ChargedThreads"]

T = TypeVar("T")


class ChargedThreads:
    """A number of threads; belongs to one event loop.

    Args:
        threads: How many.
        loop_time: Charges the clients.
    """

    def __init__(self, threads: int, loop_time: LoopTime) -> None:
        self._pool = ThreadPoolExecutor(threads, "viper-texts")
        self._loop_time = loop_time
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def run(self, client: str, work: Callable[[], T], *, when_paid: bool = False) -> T:
        """Return what `work` returns, or raise what it raises.

        A caller that is cancelled waits for the thread all the same: what it holds is in use until then.

        Args:
            client: From `clients.client_of`.
            work: Called in a thread.
            when_paid: Whether it waits until the client is no longer in debt.
        """
        spent_s: list[float] = []

        def timed() -> T:
            started_s = time.thread_time()
            try:
                return work()
            finally:
                spent_s.append(time.thread_time() - started_s)

        async with self._turns.setdefault(client, asyncio.Lock()):
            while when_paid and (wait_s := self._loop_time.wait_s(client)):
                await asyncio.sleep(wait_s)
            running = asyncio.get_running_loop().run_in_executor(self._pool, timed)
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                await asyncio.wait({running})
                if not running.cancelled():
                    running.exception()  # retrieve it, so that asyncio does not log it
                raise
            finally:
                self._loop_time.charge(client, sum(spent_s))

    def close(self) -> None:
        """Shut the threads down."""
        self._pool.shutdown(wait=False, cancel_futures=True)
