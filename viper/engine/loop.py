"""One event loop on one long-lived thread.

An engine keeps its sandbox sockets and futures on a loop of its own, so that it works the same from a
script, inside Jupyter, whose loop already runs, and inside a server.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from viper_sandbox.loop_turns import new_event_loop

__all__ = ["LoopThread"]

T = TypeVar("T")

_log = logging.getLogger(__name__)


class LoopThread:
    """Runs coroutines on a background event loop; the thread starts with the first of them.

    A fork of the process has a copy of the loop but no thread that runs it, so there every use fails at once.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._owner_pid: int | None = None

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine; cancelling the future cancels it.

        Raises:
            RuntimeError: The loop was closed, or began in a process of which this one is a fork.
        """
        if self.forked:  # before the lock, which a thread of the other process may have held
            coroutine.close()
            raise RuntimeError(
                "This engine was used before os.fork(). Make a new one in the child process, or fork "
                "before its first use."
            )
        with self._lock:
            if self._closed:
                coroutine.close()
                raise RuntimeError("This engine is closed; make a new one.")
            if self._loop is None:
                self._owner_pid = os.getpid()
                self._loop = new_event_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(self._loop,), name=self._name, daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and wait for it; an interrupt cancels it."""
        future = self.submit(coroutine)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self, last: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Cancel what still runs, wait for it, stop the thread. Calling it again does nothing.

        In a fork of the process that used the loop, it does nothing either: nothing runs there.

        Args:
            last: Run on the loop after all else is cancelled, to close what belongs to the loop.
        """
        if self.forked:
            return
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_wind_up(last), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    @property
    def forked(self) -> bool:
        """Whether it began in a process of which this one is a fork."""
        return self._owner_pid not in (None, os.getpid())

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        while True:
            try:
                loop.run_forever()
                return  # stopped by `close`
            except (SystemExit, KeyboardInterrupt):
                # asyncio passes these on from a task; one of them ends its task, not everybody's loop.
                _log.exception("A task tried to end the process.")


async def _wind_up(last: Callable[[], Coroutine[Any, Any, None]] | None) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*others, return_exceptions=True)
    if last is not None:
        await last()
    loop = asyncio.get_running_loop()
    await loop.shutdown_asyncgens()
    # A decoder that hangs in a library cannot be interrupted; waiting for it would hang the caller.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):
            await loop.shutdown_default_executor()
