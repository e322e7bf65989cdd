"""`serve`: the real server under load, in a process of its own, with the built-in models.

| figure | meaning |
|---|---|
| `p50_ms`, `p90_ms`, `p99_ms` | time from request to answer, seen by the client, queue and retries included |
| `answers_per_s` | over all requests |
| `lost` | requests without an answer |
| `wrong` | answers that differ from those of an engine in this process |
| `rss_growth` | growth of the server's memory from the 100th request to the last |
| `burst` | more requests at once than the server accepts: rejections, and whether all were answered |

With `--hostile` it measures instead what well-behaved clients notice of a hostile one: see `hostile`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from viper_benchmarks.perf import hostile as hostile_clients
from viper_benchmarks.perf import serve_load as load
from viper_benchmarks.perf.attacks import ATTACKS
from viper_benchmarks.perf.command import (
    Result,
    Row,
    benchmark,
    figure,
    goal,
    machine_text,
    number_option,
    with_machine,
)
from viper_benchmarks.perf.memory import MemoryCurve, growth_row, rss_mb
from viper_benchmarks.perf.samples import percentile

if TYPE_CHECKING:
    import httpx

__all__ = ["measure", "serve", "table"]

# Requests after which memory is measured first: models, caches and pools exist by then.
_EARLY = 100


@with_machine("starlette", "uvicorn", "torch", "numpy")
def measure(requests: int, concurrency: int, *, early: int = _EARLY) -> Result:
    """Send requests to a server; return outcomes, times and memory as a JSON value.

    Raises:
        BenchmarkError: The server does not start, or does not end with status 0.
    """
    sent = load.requests(requests)
    expected = load.answers_of_an_engine(sent)
    with load.server() as (process, url):
        curve = MemoryCurve(process.pid)
        idle_mb = rss_mb(process.pid)
        began_s = time.perf_counter()
        outcomes: list[load.RequestResult] = []
        before = _forwards(url)
        for part in (sent[:early], sent[early:]):
            outcomes += asyncio.run(load.ask_all(url, part, concurrency))
            curve.add(len(outcomes))
        seconds = time.perf_counter() - began_s
        forwards = _forwards(url)
        limits = _get(url, "v1/info").json()["limits"]
        places = limits["concurrency"] + limits["queue"]
        burst = asyncio.run(load.ask_all(url, sent[: 2 * places], 2 * places))
    forwards.subtract(before)
    times = [outcome.ms for outcome in outcomes]
    kinds = Counter("lost" if o.answer is None else o.answer[1] or "answered" for o in outcomes)
    return {
        "requests": requests,
        "concurrency": concurrency,
        "pictures": len({request.image for request in sent}),
        **load.counts(outcomes, expected),
        "outcomes": dict(kinds.most_common()),
        **{f"p{percent}_ms": round(percentile(times, percent), 1) for percent in (50, 90, 99)},
        "max_ms": round(max(times), 1),
        "answers_per_s": round(requests / seconds, 1),
        "forwards": dict(forwards),
        "rss_idle_mb": round(idle_mb, 1),
        **curve.result(0),
        "burst": {"requests": len(burst), "places": places, **load.counts(burst, expected)},
    }


def _forwards(url: str) -> Counter[str]:
    """Return how often each model has run."""
    text = _get(url, "metrics").text
    rows = re.findall(r'^viper_model_forwards_total{role="(.+)"} (.+)$', text, re.MULTILINE)
    return Counter({role: int(float(forwards)) for role, forwards in rows})


def _get(url: str, path: str) -> httpx.Response:
    import httpx

    return httpx.get(f"{url}/{path}", trust_env=False)


def table(result: Result) -> list[Row]:
    """Return the rows of the printed table."""
    if "attacks" in result:
        return hostile_clients.table(result)
    burst = result["burst"]
    forwards = ", ".join(f"{role} {n}" for role, n in result["forwards"].items())
    outcomes = ", ".join(f"{number} {kind}" for kind, number in result["outcomes"].items())
    return [
        figure(result, "lost", f"of {result['requests']} requests", at_most=0),
        figure(result, "wrong", "answers unlike those of an engine", at_most=0),
        figure(result, "p50_ms", f"{result['concurrency']} at once"),
        figure(result, "p90_ms"),
        figure(result, "p99_ms", f"the longest {result['max_ms']:g} ms"),
        figure(result, "answers_per_s", f"forwards: {forwards}"),
        growth_row(result, "requests"),
        Row(
            "burst",
            f"{burst['lost']} lost",
            goal(burst["lost"] + burst["wrong"], 0),
            f"{burst['requests']} at once on {burst['places']} places, rejected "
            f"{burst['turned_away']} times, {burst['wrong']} wrong",
        ),
        figure(
            result,
            "requests",
            f"{outcomes}; {result['pictures']} images, {machine_text(result)}",
        ),
    ]


@benchmark(table)
@number_option("--requests", least=2 * _EARLY, default=500, text="Requests to send.")
@number_option("--concurrency", default=32, text="Requests in flight at once.")
@click.option(
    "--hostile", is_flag=True, help="Measure with and without a hostile client beside them."
)
@click.option(
    "--attack",
    "attacks",
    multiple=True,
    type=click.Choice(list(ATTACKS)),
    help="What the hostile client does; repeatable. All of it, in turn, if not given.",
)
@number_option(
    "--pairs", default=5, text="Runs with and without the hostile client, for each attack."
)
def serve(
    requests: int, concurrency: int, hostile: bool, attacks: Sequence[str], pairs: int
) -> Result:
    """Put the server under load.

    \b
    python -m viper_benchmarks.perf serve
    python -m viper_benchmarks.perf serve --requests 2000 --concurrency 64 --json
    python -m viper_benchmarks.perf serve --hostile --output benchmarks/results/hostile.json
    python -m viper_benchmarks.perf serve --hostile --attack busy_loops --pairs 1
    """
    if hostile:
        return hostile_clients.measure(requests, concurrency, attacks or tuple(ATTACKS), pairs)
    return measure(requests, concurrency)
