"""`serve --hostile`: what well-behaved clients notice of a hostile client beside them.

For each attack of `attacks`, the same requests are sent to two fresh servers, one of them under attack; five
such pairs, the order alternating. The well-behaved clients have several addresses, the hostile one another.

| figure | meaning |
|---|---|
| `lost`, `wrong` | requests of the well-behaved without an answer, and with another than an engine's own |
| `p50_ms`, `p99_ms` | their times without and with the attack, a list of the values of each pair |
| `ratio` | p99 with the attack, divided by p99 without: the median over the pairs |
| `sent` | requests and connections of the hostile client |
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import click

from viper_benchmarks.perf import serve_load as load
from viper_benchmarks.perf.command import (
    BenchmarkError,
    Result,
    Row,
    goal,
    machine_text,
    with_machine,
)
from viper_benchmarks.perf.samples import percentile

__all__ = ["GOAL_RATIO", "measure", "table"]

GOAL_RATIO = 2.0
"""The p99 of others may be this much larger under attack."""

_ADDRESSES = tuple(f"127.0.1.{number}" for number in range(1, 9))
# The attack is under way before the first request is sent.
_HEAD_START_S = 2.0


class _Run(NamedTuple):
    """The well-behaved requests to one server."""

    counts: dict[str, int]
    p50_ms: float
    p99_ms: float
    sent: int
    """Requests of the hostile client."""


@with_machine("starlette", "uvicorn", "torch", "numpy")
def measure(requests: int, concurrency: int, attacks: Sequence[str], pairs: int) -> Result:
    """Send requests with and without each attack; return times and counts as a JSON value.

    Raises:
        BenchmarkError: A server does not start or end as it should, or an attack does not run.
    """
    sent = load.requests(requests)
    expected = load.answers_of_an_engine(sent)
    results: dict[str, Any] = {}
    for name in attacks:
        alone: list[_Run] = []
        beside: list[_Run] = []
        for number in range(pairs):
            both = [(alone, None), (beside, name)]
            for runs, attack in both if number % 2 == 0 else reversed(both):
                runs.append(_run(sent, expected, concurrency, attack))
                click.echo(
                    f"{name}, pair {number + 1}, {'with' if attack else 'without'}: "
                    f"p99 {runs[-1].p99_ms:.0f} ms, {runs[-1].counts}, {runs[-1].sent} sent",
                    err=True,
                )
        ratios = [b.p99_ms / a.p99_ms for a, b in zip(alone, beside, strict=True)]
        results[name] = {
            **{key: sum(run.counts[key] for run in beside) for key in beside[0].counts},
            "p50_ms": {
                "without": [round(run.p50_ms, 1) for run in alone],
                "with": [round(run.p50_ms, 1) for run in beside],
            },
            "p99_ms": {
                "without": [round(run.p99_ms, 1) for run in alone],
                "with": [round(run.p99_ms, 1) for run in beside],
            },
            "ratios": [round(ratio, 2) for ratio in ratios],
            "ratio": round(statistics.median(ratios), 2),
            "sent": sum(run.sent for run in beside),
        }
    return {
        "requests": requests,
        "concurrency": concurrency,
        "clients": len(_ADDRESSES),
        "pairs": pairs,
        "attacks": results,
    }


def _run(
    sent: list[load.Request], expected: list[load.Answer], concurrency: int, attack: str | None
) -> _Run:
    """Send the requests to a fresh server, beside an attack if one is named."""
    with load.server() as (_, url), _attacking(attack, url) as made:
        outcomes = asyncio.run(load.ask_all(url, sent, concurrency, _ADDRESSES))
    for problem in {outcome.problem for outcome in outcomes} - {""}:
        click.echo(f"lost: {problem}", err=True)
    times = [outcome.ms for outcome in outcomes]
    return _Run(
        load.counts(outcomes, expected), percentile(times, 50), percentile(times, 99), sum(made)
    )


@contextmanager
def _attacking(name: str | None, url: str) -> Iterator[list[int]]:
    """Let a hostile client attack, in a process of its own; the list gets how much it sent."""
    if name is None:
        yield []
        return
    process = subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "-m", "viper_benchmarks.perf.attacks", name, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    made: list[int] = []
    try:
        time.sleep(_HEAD_START_S)
        yield made
        if process.poll() is not None:
            raise BenchmarkError(f"The attack {name} ended by itself with {process.returncode}.")
        text, _ = process.communicate(timeout=60)
        made.append(json.loads(text)["sent"])
    finally:
        process.kill()
        process.communicate()


def table(result: Result) -> list[Row]:
    """Return the rows of the printed table."""
    rows = []
    for name, one in result["attacks"].items():
        without, beside = (statistics.median(one["p99_ms"][key]) for key in ("without", "with"))
        bad = one["lost"] + one["wrong"]
        rows.append(
            Row(
                name,
                f"{one['ratio']:.2f} ×, {bad} bad",
                f"{goal(one['ratio'], GOAL_RATIO, '×')}; {goal(bad, 0)}",
                f"p99 {without:.0f} → {beside:.0f} ms; pairs {one['ratios']}; {one['lost']} lost, "
                f"{one['wrong']} wrong, {one['turned_away']} rejected; {one['sent']} sent",
            )
        )
    meaning = (
        f"{result['concurrency']} at once from {result['clients']} clients, {result['pairs']} pairs, "
        f"{machine_text(result)}"
    )
    return [*rows, Row("requests", str(result["requests"]), "", meaning)]
