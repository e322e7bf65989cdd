"""`serve`: the real server under load, in a process of its own, with the built-in models.

| figure | what it is |
|---|---|
| `p50_ms`, `p90_ms`, `p99_ms` | time from a request to its answer, from outside, queue and retries included |
| `answers_per_s` | over all requests |
| `lost` | requests without an answer |
| `wrong` | answers that differ from those of an engine that was asked directly |
| `rss_growth` | growth of the server's memory from the 100th request to the last |
| `burst` | more requests at once than the server takes: how many were turned away, and whether all returned |

Every fourth request has a new picture; every fifth answer is read as server-sent events.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from viper_benchmarks.perf.publish import BenchmarkError, Row, output_options, publish

if TYPE_CHECKING:
    import httpx

__all__ = ["measure", "serve", "table"]

GOAL_GROWTH = 0.05
_EARLY = 100
# Requests after which memory is looked at first: models, caches and pools are there by then.
_QUESTIONS = (
    "How many cubes are there?",
    "Are there more spheres than cylinders?",
    "What color is the large metal thing?",
    "Is there a small rubber sphere left of the cube?",
)
_SIZE = (480, 320)
_FIRST_SEED = 60_000_000
_PATIENCE_S = 300.0
# Longer than any request takes, so that one that is lost is seen.


class _Request(NamedTuple):
    picture: bytes
    question: str
    stream: bool


@dataclass(slots=True)
class _Outcome:
    answer: tuple[str | None, str | None] | None
    """The text and the kind of failure; None where the request was lost."""
    ms: float
    turned_away: int
    """How often it was answered with 429 before."""

    @property
    def kind(self) -> str:
        """What came of it, in one word."""
        return "lost" if self.answer is None else self.answer[1] or "answered"


@click.command()
@click.option(
    "--requests",
    type=click.IntRange(min=2 * _EARLY),
    default=500,
    show_default=True,
    help="Requests to send.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Requests that are on their way at once.",
)
@output_options
def serve(requests: int, concurrency: int, as_json: bool, output: Path | None) -> None:
    """Put the server under load.

    \b
    python -m viper_benchmarks.perf serve
    python -m viper_benchmarks.perf serve --requests 2000 --concurrency 64 --json
    """
    result = measure(requests, concurrency)
    publish(result, table(result), as_json=as_json, output=output)


def measure(requests: int, concurrency: int, *, early: int = _EARLY) -> dict[str, Any]:
    """Send requests to a server; return what came back, and how fast, as a JSON value.

    Raises:
        BenchmarkError: The server does not start, or does not end with status 0.
    """
    from viper_benchmarks.perf.machine import describe_machine, describe_versions
    from viper_benchmarks.perf.memory import rss_mb

    machine = describe_machine()
    sent = _requests(requests)
    expected = _answers_of_an_engine(sent)
    points: list[list[float]] = []
    with _server() as (process, url):
        idle_mb = rss_mb(process.pid)
        began_s = time.perf_counter()
        outcomes: list[_Outcome] = []
        before = _figures(url)
        for part in (sent[:early], sent[early:]):
            outcomes += asyncio.run(_ask_all(url, part, concurrency))
            points.append([len(outcomes), round(rss_mb(process.pid), 1)])
        seconds = time.perf_counter() - began_s
        after = _figures(url)
        places = _places(url)
        burst = asyncio.run(_ask_all(url, sent[: 2 * places], 2 * places))
    times = sorted(outcome.ms for outcome in outcomes)
    done = {
        role: int(after[f'viper_model_forwards_total{{role="{role}"}}'])
        - int(before[f'viper_model_forwards_total{{role="{role}"}}'])
        for role in ("detector", "matcher", "depth", "answerer")
    }
    return {
        "requests": requests,
        "concurrency": concurrency,
        "pictures": len({request.picture for request in sent}),
        "lost": sum(outcome.answer is None for outcome in outcomes),
        "wrong": _wrong(outcomes, expected),
        "outcomes": dict(Counter(outcome.kind for outcome in outcomes).most_common()),
        "turned_away": sum(outcome.turned_away for outcome in outcomes),
        "p50_ms": _percentile(times, 50),
        "p90_ms": _percentile(times, 90),
        "p99_ms": _percentile(times, 99),
        "max_ms": round(times[-1], 1),
        "answers_per_s": round(requests / seconds, 1),
        "forwards": done,
        "rss_idle_mb": round(idle_mb, 1),
        "rss_mb": points,
        "rss_growth": round(points[-1][1] / points[0][1] - 1, 4),
        "burst": {
            "requests": len(burst),
            "places": places,
            "turned_away": sum(outcome.turned_away for outcome in burst),
            "lost": sum(outcome.answer is None for outcome in burst),
            "wrong": _wrong(burst, expected),
        },
        "machine": machine,
        "versions": describe_versions(("viper-vision", "starlette", "uvicorn", "torch", "numpy")),
    }


def _requests(count: int) -> list[_Request]:
    """Draw pictures, and ask four questions about each."""
    from PIL import Image

    from viper.builtin.world import render, sample_scene

    made: list[_Request] = []
    for index in range(-(-count // len(_QUESTIONS))):
        scene = sample_scene(_FIRST_SEED + index, size=_SIZE, randomised=False)
        held = io.BytesIO()
        Image.fromarray(render(scene).pixels).save(held, "PNG")
        for question in _QUESTIONS:
            made.append(_Request(held.getvalue(), question, len(made) % 5 == 0))
    return made[:count]


def _answers_of_an_engine(requests: list[_Request]) -> list[tuple[str | None, str | None]]:
    """Ask an engine in this process, one question after the other."""
    from viper.engine.engine import Engine

    with Engine("builtin") as engine:
        answers = [engine.ask(request.picture, request.question) for request in requests]
    return [(a.text, a.failure.kind if a.failure else None) for a in answers]


@contextmanager
def _server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `viper serve` and end it as a service manager does."""
    command = (sys.executable, "-m", "viper", "serve", "--models", "builtin", "--preload")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("VIPER_")}
    process = subprocess.Popen(  # noqa: S603  (our own command)
        [*command, "--port", "0", "--no-memo"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise BenchmarkError("The server did not start. Try: viper serve --models builtin")
        yield process, url
        process.send_signal(signal.SIGTERM)
        if (status := process.wait(timeout=60)) != 0:
            raise BenchmarkError(f"The server ended with status {status} after SIGTERM.")
    finally:
        process.kill()
        process.communicate()


async def _ask_all(url: str, requests: list[_Request], concurrency: int) -> list[_Outcome]:
    import httpx

    slots = asyncio.Semaphore(concurrency)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=concurrency)
    # Nothing of the environment: a proxy would stand in between.
    async with httpx.AsyncClient(timeout=_PATIENCE_S, limits=limits, trust_env=False) as client:

        async def one(request: _Request) -> _Outcome:
            async with slots:
                return await _ask(client, url, request)

        return list(await asyncio.gather(*map(one, requests)))


async def _ask(client: httpx.AsyncClient, url: str, request: _Request) -> _Outcome:
    """Ask until the answer is there; a server that is full is asked again when it says."""
    import httpx

    fields = {"question": request.question, "stream": "true" if request.stream else "false"}
    began_s, turned_away = time.perf_counter(), 0
    answer = None
    while time.perf_counter() - began_s < _PATIENCE_S:
        try:
            files = {"image": ("scene.png", request.picture, "image/png")}
            reply = await client.post(f"{url}/v1/ask", data=fields, files=files)
        except httpx.TransportError:
            break
        if reply.status_code == 200:
            body = _last_event(reply.text) if request.stream else reply.json()
            failure = body.get("failure")
            answer = (body.get("answer"), failure["kind"] if failure else None)
            break
        if reply.status_code != 429:
            break
        turned_away += 1
        await asyncio.sleep(float(reply.headers["retry-after"]))
    return _Outcome(answer, 1000 * (time.perf_counter() - began_s), turned_away)


def _last_event(text: str) -> dict[str, Any]:
    """Return the data of the last server-sent event."""
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    value: dict[str, Any] = json.loads(data[-1])
    return value


def _figures(url: str) -> dict[str, float]:
    import httpx

    text = httpx.get(f"{url}/metrics", trust_env=False).text
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def _places(url: str) -> int:
    import httpx

    limits = httpx.get(f"{url}/v1/info", trust_env=False).json()["limits"]
    return int(limits["concurrency"] + limits["queue"])


def _wrong(outcomes: list[_Outcome], expected: list[tuple[str | None, str | None]]) -> int:
    pairs = zip(outcomes, expected, strict=False)  # a burst asks the first of them only
    return sum(outcome.answer not in (None, right) for outcome, right in pairs)


def _percentile(ordered: list[float], percent: int) -> float:
    """Return the least value that so many percent do not exceed."""
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)], 1)


def table(result: dict[str, Any]) -> list[Row]:
    """Return the result as lines for people."""
    machine, burst, growth = result["machine"], result["burst"], result["rss_growth"]
    (early, early_mb), (late, late_mb) = result["rss_mb"]

    def none(count: int) -> str:
        return f"0, {'missed' if count else 'reached'}"

    return [
        Row("lost", str(result["lost"]), none(result["lost"]), f"of {result['requests']} requests"),
        Row("wrong", str(result["wrong"]), none(result["wrong"]), "other answers than an engine's"),
        Row("p50_ms", f"{result['p50_ms']:g} ms", "", f"{result['concurrency']} at once"),
        Row("p90_ms", f"{result['p90_ms']:g} ms", "", ""),
        Row("p99_ms", f"{result['p99_ms']:g} ms", "", f"the longest {result['max_ms']:g} ms"),
        Row("answers_per_s", f"{result['answers_per_s']:g} /s", "", _load(result)),
        Row(
            "rss_growth",
            f"{growth:+.2%}",
            f"≤ {GOAL_GROWTH:.0%}, {'reached' if growth <= GOAL_GROWTH else 'missed'}",
            f"{early_mb:g} MB after {early:g} requests, {late_mb:g} MB after {late:g}",
        ),
        Row(
            "burst",
            f"{burst['lost']} lost",
            none(burst["lost"] + burst["wrong"]),
            f"{burst['requests']} at once on {burst['places']} places, turned away "
            f"{burst['turned_away']} times, {burst['wrong']} wrong",
        ),
        Row(
            "requests",
            str(result["requests"]),
            "",
            ", ".join(f"{number} {kind}" for kind, number in result["outcomes"].items())
            + f"; {result['pictures']} pictures, {machine['cpu']}, {machine['cores']} cores, "
            f"load {machine['load_average_1min']}, {result['versions']['python']}",
        ),
    ]


def _load(result: dict[str, Any]) -> str:
    forwards = ", ".join(f"{role} {n}" for role, n in result["forwards"].items())
    return f"forwards: {forwards}"
