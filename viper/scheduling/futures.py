"""Await futures of other threads on an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["results_of"]

T = TypeVar("T")


async def results_of(futures: Sequence[Future[T]]) -> list[T]:
    """Wait for futures of another thread with one wake-up; return their results, or raise the first error.

    Cancelling the wait does not cancel the futures: other programs may share them.
    """
    if all(future.done() for future in futures):
        return [future.result() for future in futures]
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    left = itertools.count(len(futures) - 1, -1)

    def wake() -> None:
        if not done.done():
            done.set_result(None)

    def finished(_: Future[T]) -> None:
        if next(left) == 0:
            # The loop may be closed by now.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(wake)

    for future in futures:
        future.add_done_callback(finished)
    await done
    return [future.result() for future in futures]
