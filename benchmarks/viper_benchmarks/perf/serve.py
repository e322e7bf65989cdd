"""`serve`: the real server under load, in a process of its own, with the built-in models.

| figure | meaning |
|---|---|
| `p50_ms`, `p90_ms`, `p99_ms` | time from request to answer, seen by the client, queue and retries included |
| `answers_per_s` | over all requests |
| `lost` | requests without an answer |
| `wrong` | answers that differ from those of an engine in this process |
| `rss_growth` | growth of the server's memory from the 100th request to the last |
| `burst` | more requests at once than the server accepts: rejections, and whether all were answered |

Every fourth request has a new image; every fifth answer is read as server-sent events.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from PIL import Image

from viper.builtin.world import render, sample_scene
from viper.engine.engine import Engine
from viper_benchmarks.perf.command import (
    BenchmarkError,
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
_QUESTIONS = (
    "How many cubes are there?",
    "Are there more spheres than cylinders?",
    "What color is the large metal thing?",
    "Is there a small rubber sphere left of the cube?",
)
_SIZE = (480, 320)
_FIRST_SEED = 60_000_000
# Longer than any request takes, so that a lost request is noticed.
_PATIENCE_S = 300.0


# The text and the kind of failure.
_Answer: TypeAlias = "tuple[str | None, str | None]"


class _Request(NamedTuple):
    image: bytes
    question: str
    stream: bool


class _Outcome(NamedTuple):
    answer: _Answer | None
    """None where the request was lost."""
    ms: float
    rejections: int
    """How often the server answered 429 before."""


@with_machine("starlette", "uvicorn", "torch", "numpy")
def measure(requests: int, concurrency: int, *, early: int = _EARLY) -> Result:
    """Send requests to a server; return outcomes, times and memory as a JSON value.

    Raises:
        BenchmarkError: The server does not start, or does not end with status 0.
    """
    sent = _requests(requests)
    expected = _answers_of_an_engine(sent)
    with _server() as (process, url):
        curve = MemoryCurve(process.pid)
        idle_mb = rss_mb(process.pid)
        began_s = time.perf_counter()
        outcomes: list[_Outcome] = []
        before = _forwards(url)
        for part in (sent[:early], sent[early:]):
            outcomes += asyncio.run(_ask_all(url, part, concurrency))
            curve.add(len(outcomes))
        seconds = time.perf_counter() - began_s
        forwards = _forwards(url)
        limits = _get(url, "v1/info").json()["limits"]
        places = limits["concurrency"] + limits["queue"]
        burst = asyncio.run(_ask_all(url, sent[: 2 * places], 2 * places))
    forwards.subtract(before)
    times = [outcome.ms for outcome in outcomes]
    kinds = Counter("lost" if o.answer is None else o.answer[1] or "answered" for o in outcomes)
    return {
        "requests": requests,
        "concurrency": concurrency,
        "pictures": len({request.image for request in sent}),
        **_counts(outcomes, expected),
        "outcomes": dict(kinds.most_common()),
        **{f"p{percent}_ms": round(percentile(times, percent), 1) for percent in (50, 90, 99)},
        "max_ms": round(max(times), 1),
        "answers_per_s": round(requests / seconds, 1),
        "forwards": dict(forwards),
        "rss_idle_mb": round(idle_mb, 1),
        **curve.result(0),
        "burst": {"requests": len(burst), "places": places, **_counts(burst, expected)},
    }


def _requests(count: int) -> list[_Request]:
    """Draw images, with four questions about each."""
    made: list[_Request] = []
    for index in range(-(-count // len(_QUESTIONS))):
        scene = sample_scene(_FIRST_SEED + index, size=_SIZE, randomised=False)
        png = io.BytesIO()
        Image.fromarray(render(scene).pixels).save(png, "PNG")
        for question in _QUESTIONS:
            made.append(_Request(png.getvalue(), question, len(made) % 5 == 0))
    return made[:count]


def _answers_of_an_engine(requests: list[_Request]) -> list[_Answer]:
    """Ask an engine in this process, one question after the other."""
    with Engine("builtin") as engine:
        answers = [engine.ask(request.image, request.question) for request in requests]
    return [(a.text, a.failure.kind if a.failure else None) for a in answers]


@contextmanager
def _server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `viper serve`, and end it as a service manager does."""
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
    # No settings from the environment: a proxy would distort the times.
    async with httpx.AsyncClient(timeout=_PATIENCE_S, limits=limits, trust_env=False) as client:

        async def one(request: _Request) -> _Outcome:
            async with slots:
                return await _ask(client, url, request)

        return list(await asyncio.gather(*map(one, requests)))


async def _ask(client: httpx.AsyncClient, url: str, request: _Request) -> _Outcome:
    """Send a request until it is answered; after a 429, wait as long as the server says."""
    import httpx

    fields = {"question": request.question, "stream": "true" if request.stream else "false"}
    began_s, rejections = time.perf_counter(), 0
    answer = None
    while time.perf_counter() - began_s < _PATIENCE_S:
        try:
            files = {"image": ("scene.png", request.image, "image/png")}
            reply = await client.post(f"{url}/v1/ask", data=fields, files=files)
        except httpx.TransportError:
            break
        if reply.status_code == 200:
            # Of server-sent events, the last one is the answer.
            body = (
                json.loads(reply.text.rpartition("\ndata: ")[2]) if request.stream else reply.json()
            )
            failure = body.get("failure")
            answer = (body.get("answer"), failure["kind"] if failure else None)
            break
        if reply.status_code != 429:
            break
        rejections += 1
        await asyncio.sleep(float(reply.headers["retry-after"]))
    return _Outcome(answer, 1000 * (time.perf_counter() - began_s), rejections)


def _forwards(url: str) -> Counter[str]:
    """Return how often each model has run."""
    text = _get(url, "metrics").text
    rows = re.findall(r'^viper_model_forwards_total{role="(.+)"} (.+)$', text, re.MULTILINE)
    return Counter({role: int(float(forwards)) for role, forwards in rows})


def _get(url: str, path: str) -> httpx.Response:
    import httpx

    return httpx.get(f"{url}/{path}", trust_env=False)


def _counts(outcomes: list[_Outcome], expected: list[_Answer]) -> dict[str, int]:
    """Count requests that were lost, answered wrongly, and rejected at first."""
    pairs = zip(outcomes, expected, strict=False)  # a burst has the first of them only
    return {
        "turned_away": sum(outcome.rejections for outcome in outcomes),
        "lost": sum(outcome.answer is None for outcome in outcomes),
        "wrong": sum(outcome.answer not in (None, right) for outcome, right in pairs),
    }


def table(result: Result) -> list[Row]:
    """Return the rows of the printed table."""
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
def serve(requests: int, concurrency: int) -> Result:
    """Put the server under load.

    \b
    python -m viper_benchmarks.perf serve
    python -m viper_benchmarks.perf serve --requests 2000 --concurrency 64 --json
    """
    return measure(requests, concurrency)
