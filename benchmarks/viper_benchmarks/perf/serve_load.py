"""Load for the server: requests with the right answers, a server of its own, and clients that ask it.

Every fourth request has a new image; every fifth answer is read as server-sent events.
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
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from PIL import Image

from viper.builtin.world import render, sample_scene
from viper.engine.engine import Engine
from viper_benchmarks.perf.command import BenchmarkError

if TYPE_CHECKING:
    import httpx

__all__ = [
    "Request",
    "RequestResult",
    "answers_of_an_engine",
    "ask_all",
    "counts",
    "requests",
    "server",
]

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

Answer: TypeAlias = "tuple[str | None, str | None]"
"""The text and the kind of failure."""


class Request(NamedTuple):
    """A question about an image."""

    image: bytes
    question: str
    stream: bool


class RequestResult(NamedTuple):
    """What came of a request."""

    answer: Answer | None
    """None where the request was lost."""
    ms: float
    rejections: int
    """How often the server said before that its queue is full."""
    problem: str = ""
    """Why the request was lost."""


def requests(count: int) -> list[Request]:
    """Draw images, with four questions about each."""
    made: list[Request] = []
    for index in range(-(-count // len(_QUESTIONS))):
        scene = sample_scene(_FIRST_SEED + index, size=_SIZE, randomised=False)
        png = io.BytesIO()
        Image.fromarray(render(scene).pixels).save(png, "PNG")
        for question in _QUESTIONS:
            made.append(Request(png.getvalue(), question, len(made) % 5 == 0))
    return made[:count]


def answers_of_an_engine(requests: list[Request]) -> list[Answer]:
    """Ask an engine in this process, one question after the other."""
    with Engine("builtin") as engine:
        answers = [engine.ask(request.image, request.question) for request in requests]
    return [(a.text, a.failure.kind if a.failure else None) for a in answers]


@contextmanager
def server() -> Iterator[tuple[subprocess.Popen[str], str]]:
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


async def ask_all(
    url: str, requests: list[Request], concurrency: int, addresses: Sequence[str] = ()
) -> list[RequestResult]:
    """Ask all requests, a number of them at once.

    Args:
        url: The server.
        requests: What is asked.
        concurrency: Requests in flight.
        addresses: Addresses to connect from, in turn: to the server, each is another client.
    """
    import httpx

    slots = asyncio.Semaphore(concurrency)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=concurrency)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                # No settings from the environment: a proxy would distort the times.
                httpx.AsyncClient(
                    timeout=_PATIENCE_S,
                    trust_env=False,
                    transport=httpx.AsyncHTTPTransport(
                        limits=limits, local_address=address, trust_env=False
                    ),
                )
            )
            for address in addresses or (None,)
        ]

        async def one(number: int, request: Request) -> RequestResult:
            async with slots:
                # Shifted in each round, so that every client asks each of the questions.
                shift = number // len(clients)
                return await _ask(clients[(number + shift) % len(clients)], url, request)

        return list(await asyncio.gather(*(one(*pair) for pair in enumerate(requests))))


async def _ask(client: httpx.AsyncClient, url: str, request: Request) -> RequestResult:
    """Send a request until it is answered; when the queue is full, wait as long as the server says."""
    import httpx

    fields = {"question": request.question, "stream": "true" if request.stream else "false"}
    began_s, rejections = time.perf_counter(), 0

    def result(answer: Answer | None, problem: str = "") -> RequestResult:
        return RequestResult(answer, 1000 * (time.perf_counter() - began_s), rejections, problem)

    while time.perf_counter() - began_s < _PATIENCE_S:
        try:
            files = {"image": ("scene.png", request.image, "image/png")}
            reply = await client.post(f"{url}/v1/ask", data=fields, files=files)
        except httpx.TransportError as error:
            return result(None, repr(error))
        if reply.status_code not in (200, 429):
            return result(None, f"{reply.status_code}: {reply.text}")
        # Of server-sent events, the last one is the answer, or an error.
        body = json.loads(reply.text.rpartition("\ndata: ")[2]) if request.stream else reply.json()
        if "error" not in body:
            failure = body["failure"]
            return result((body["answer"], failure["kind"] if failure else None))
        if body["error"]["kind"] != "overload":
            return result(None, str(body["error"]))
        rejections += 1
        await asyncio.sleep(float(reply.headers.get("retry-after", 1)))
    return result(None, "no answer in time")


def counts(outcomes: list[RequestResult], expected: list[Answer]) -> dict[str, int]:
    """Count requests that were lost, answered wrongly, and rejected at first."""
    pairs = zip(outcomes, expected, strict=False)  # a burst has the first of them only
    return {
        "turned_away": sum(outcome.rejections for outcome in outcomes),
        "lost": sum(outcome.answer is None for outcome in outcomes),
        "wrong": sum(outcome.answer not in (None, right) for outcome, right in pairs),
    }
