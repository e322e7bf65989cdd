"""`soak`: many programs on one engine, and the memory, requests and threads that they leave behind.

| figure | meaning |
|---|---|
| `programs` | programs that ran, 16 at once, a new image for every fourth, some failing, some cancelled |
| `rss_growth` | growth of the process's memory from the first tenth to the end |
| `leaked_futures` | requests without an answer, and futures and tasks that never end |
| `leaked_threads` | threads that outlive the engine by more than a second |

The cache is small, so that it is full long before the first tenth is over: any growth after that is a leak.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count

import numpy as np

from viper.engine.engine import Engine
from viper.engine.query import Query
from viper_benchmarks.perf.command import (
    Result,
    Row,
    benchmark,
    figure,
    goal,
    number_option,
    with_machine,
)
from viper_benchmarks.perf.instant import INSTANT_BACKENDS, open_instant
from viper_benchmarks.perf.memory import MemoryCurve, growth_row
from viper_benchmarks.perf.programs import EIGHT_CALLS

__all__ = ["measure", "soak", "table"]

_CONCURRENCY = 16
_CHUNK = 500
_CACHE_MB = 4.0
_CANCEL_EVERY = 50


@with_machine("numpy", "RestrictedPython")
def measure(programs: int, *, chunk: int = _CHUNK) -> Result:
    """Run programs in chunks; return growth and leaks as a JSON value."""
    threads_before = set(threading.enumerate())
    curve = MemoryCurve()
    waiting = 0
    outcomes: Counter[str] = Counter()
    started = time.perf_counter()
    with Engine(
        "none", backends=INSTANT_BACKENDS, opener=open_instant, cache_mb=_CACHE_MB
    ) as engine:
        queries = _queries()
        done = 0
        while done < programs:
            part = [next(queries) for _ in range(min(chunk, programs - done))]
            outcomes.update(asyncio.run(_batch(engine, part)))
            done += len(part)
            curve.add(done)
            if len(curve.points) == 1:
                waiting = _waiting_futures()
        pending = _until_nothing_is_pending(engine)
        leaked = pending + max(0, _waiting_futures() - waiting)
    seconds = time.perf_counter() - started
    return {
        "programs": programs,
        **curve.result(programs // 10),
        "leaked_futures": leaked,
        "leaked_threads": _threads_left(threads_before),
        "programs_per_s": round(programs / seconds, 1),
        "outcomes": dict(outcomes),
        "concurrency": _CONCURRENCY,
    }


async def _batch(engine: Engine, queries: list[Query]) -> list[str]:
    """Answer queries, cancelling some while they run; return how each ended."""
    slots = asyncio.Semaphore(_CONCURRENCY)

    async def one(number: int, query: Query) -> str:
        async with slots:
            answering = asyncio.ensure_future(engine.arun(query))
            if number % _CANCEL_EVERY == 0:
                await asyncio.sleep(0.005)
                answering.cancel()
            try:
                answer = await answering
            except asyncio.CancelledError:
                return "cancelled"
            return "answered" if answer.failure is None else answer.failure.kind

    return list(await asyncio.gather(*(one(n, query) for n, query in enumerate(queries))))


def _queries() -> Iterator[Query]:
    """Yield queries forever: programs of eight calls, a loop, a failing one; a new image for every fourth."""
    failing = "def execute_command(image):\n    return image.find('cup')[7]"
    looping = (
        "def execute_command(image):\n"
        "    return sum(p.verify_property('cup', 'red') for p in image.find('cup'))"
    )
    rng = np.random.default_rng(7)
    for first in count(step=4):
        image = rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)
        for number in range(first, first + 4):
            source = failing if number % 20 == 19 else (EIGHT_CALLS, looping)[number % 2]
            yield Query(image, "", program=source)


def _waiting_futures() -> int:
    """Return how many futures and tasks of this process are not done."""
    gc.collect()
    kinds = (asyncio.Future, concurrent.futures.Future)
    # By type: reading `__class__` of arbitrary objects may run their code.
    return sum(issubclass(type(item), kinds) and not item.done() for item in gc.get_objects())


def _until_nothing_is_pending(engine: Engine) -> int:
    """Return how many requests are still pending after a second of rest."""
    for _ in range(100):
        if not engine.pending():
            return 0
        time.sleep(0.01)
    return engine.pending()


def _threads_left(before: set[threading.Thread]) -> int:
    """Return how many threads began since then and are still alive after a second of rest.

    Closing an engine wakes its idle threads and does not wait until each has ended.
    """
    began = set(threading.enumerate()) - before
    ends_s = time.monotonic() + 1
    for thread in began:
        thread.join(max(0.0, ends_s - time.monotonic()))
    return sum(thread.is_alive() for thread in began)


def table(result: Result) -> list[Row]:
    """Return the rows of the printed table."""
    left = result["leaked_futures"] + result["leaked_threads"]
    outcomes = sorted(result["outcomes"].items())
    return [
        growth_row(result, "programs"),
        Row("leaked_futures", f"{result['leaked_futures']}", goal(left, 0), "requests and tasks"),
        figure(result, "leaked_threads", "after the engine was closed"),
        figure(result, "programs_per_s", f"{_CONCURRENCY} at once"),
        figure(result, "programs", ", ".join(f"{n:,} {kind}" for kind, n in outcomes)),
    ]


@benchmark(table)
@number_option("--programs", least=1_000, default=20_000, text="Programs to run.")
def soak(programs: int) -> Result:
    """Run many programs and look for leaks.

    \b
    python -m viper_benchmarks.perf soak
    python -m viper_benchmarks.perf soak --programs 2000 --json
    """
    return measure(programs)
