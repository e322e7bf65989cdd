"""`soak`: many programs on one engine, and what is left behind.

| figure | what it is |
|---|---|
| `programs` | that were run, 16 at once, a new picture for every fourth, some failing, some cancelled |
| `rss_growth` | growth of the process's memory from the first tenth to the end |
| `leaked_futures` | requests that no model will ever answer, and futures and tasks that never end |
| `leaked_threads` | threads that outlive the engine |

The cache is kept small, so that it is full long before the first tenth is over: what grows then is a leak.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viper_benchmarks.perf.publish import Row, output_options, publish

if TYPE_CHECKING:
    from viper.engine.engine import Engine
    from viper.engine.query import Query

__all__ = ["measure", "soak", "table"]

GOAL_GROWTH = 0.05
_CONCURRENCY = 16
_CHUNK = 500
_CACHE_MB = 4.0
_CANCEL_EVERY = 50


@click.command()
@click.option(
    "--programs",
    type=click.IntRange(min=1_000),
    default=20_000,
    show_default=True,
    help="Programs to run.",
)
@output_options
def soak(programs: int, as_json: bool, output: Path | None) -> None:
    """Run many programs and look for what is left behind.

    \b
    python -m viper_benchmarks.perf soak
    python -m viper_benchmarks.perf soak --programs 2000 --json
    """
    result = measure(programs)
    publish(result, table(result), as_json=as_json, output=output)


def measure(programs: int, *, chunk: int = _CHUNK) -> dict[str, Any]:
    """Run programs in chunks; return what grew as a JSON value."""
    from viper.engine.engine import Engine
    from viper_benchmarks.perf.instant import INSTANT_BACKENDS, open_instant
    from viper_benchmarks.perf.machine import describe_machine, describe_versions
    from viper_benchmarks.perf.memory import rss_mb

    machine = describe_machine()
    threads_before = set(threading.enumerate())
    points: list[tuple[int, float]] = []
    waiting = 0
    outcomes: dict[str, int] = {}
    started = time.perf_counter()
    with Engine(
        "none", backends=INSTANT_BACKENDS, opener=open_instant, cache_mb=_CACHE_MB
    ) as engine:
        queries = _queries()
        done = 0
        while done < programs:
            part = [next(queries) for _ in range(min(chunk, programs - done))]
            for kind in asyncio.run(_batch(engine, part)):
                outcomes[kind] = outcomes.get(kind, 0) + 1
            done += len(part)
            points.append((done, rss_mb()))
            if len(points) == 1:
                waiting = _waiting_futures()
        pending = _until_nothing_is_pending(engine)
        leaked = pending + max(0, _waiting_futures() - waiting)
    seconds = time.perf_counter() - started
    early = next(mb for number, mb in points if number >= programs // 10)
    return {
        "programs": programs,
        "rss_growth": round(points[-1][1] / early - 1, 4),
        "leaked_futures": leaked,
        "leaked_threads": len(set(threading.enumerate()) - threads_before),
        "programs_per_s": round(programs / seconds, 1),
        "outcomes": outcomes,
        "rss_mb": [[number, round(mb, 1)] for number, mb in points],
        "concurrency": _CONCURRENCY,
        "machine": machine,
        "versions": describe_versions(("viper-vision", "numpy", "RestrictedPython")),
    }


async def _batch(engine: Engine, queries: list[Query]) -> list[str]:
    """Answer queries, some of which are cancelled on the way; say how each ended."""
    slots = asyncio.Semaphore(_CONCURRENCY)

    async def one(number: int, query: Query) -> str:
        async with slots:
            asked = asyncio.ensure_future(engine.arun(query))
            if number % _CANCEL_EVERY == 0:
                await asyncio.sleep(0.005)
                asked.cancel()
            try:
                answer = await asked
            except asyncio.CancelledError:
                return "cancelled"
            return "answered" if answer.failure is None else answer.failure.kind

    return list(await asyncio.gather(*(one(n, query) for n, query in enumerate(queries))))


def _queries() -> Iterator[Query]:
    """Return programs without end: eight calls, a loop, one that fails; a new picture for every fourth."""
    import numpy as np

    from viper.engine.query import Query
    from viper_benchmarks.perf.programs import EIGHT_CALLS

    failing = "def execute_command(image):\n    return image.find('cup')[7]"
    looping = (
        "def execute_command(image):\n"
        "    return sum(p.verify_property('cup', 'red') for p in image.find('cup'))"
    )
    rng = np.random.default_rng(7)
    picture = rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)
    for number in count():
        if number % 4 == 0:
            picture = rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)
        source = failing if number % 20 == 19 else (EIGHT_CALLS, looping)[number % 2]
        yield Query(picture, "", program=source)


def _waiting_futures() -> int:
    """Return how many futures and tasks of this process are not done."""
    gc.collect()
    kinds = (asyncio.Future, concurrent.futures.Future)
    # By type: asking strangers' objects for their class may run their code.
    return sum(issubclass(type(item), kinds) and not item.done() for item in gc.get_objects())


def _until_nothing_is_pending(engine: Engine) -> int:
    """Return how many requests are still on their way after a second of peace."""
    for _ in range(100):
        if not engine.pending():
            return 0
        time.sleep(0.01)
    return engine.pending()


def table(result: dict[str, Any]) -> list[Row]:
    """Return the result as lines for people."""
    growth, left = result["rss_growth"], result["leaked_futures"] + result["leaked_threads"]
    first, last = result["rss_mb"][0], result["rss_mb"][-1]
    return [
        Row(
            "rss_growth",
            f"{growth:+.2%}",
            f"≤ {GOAL_GROWTH:.0%}, {'reached' if growth <= GOAL_GROWTH else 'missed'}",
            f"{first[1]:g} MB after {first[0]:,} programs, {last[1]:g} MB after {last[0]:,}",
        ),
        Row(
            "leaked_futures",
            f"{result['leaked_futures']}",
            "0, missed" if left else "0, reached",
            "requests and tasks",
        ),
        Row("leaked_threads", f"{result['leaked_threads']}", "", "after the engine was closed"),
        Row("programs_per_s", f"{result['programs_per_s']:g} /s", "", f"{_CONCURRENCY} at once"),
        Row(
            "programs",
            f"{result['programs']:,}",
            "",
            ", ".join(f"{number:,} {kind}" for kind, number in sorted(result["outcomes"].items())),
        ),
    ]
