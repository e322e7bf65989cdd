"""What a hostile client does to the server, each attack a small function that repeats until it is cancelled.

    python -m viper_benchmarks.perf.attacks busy_loops http://127.0.0.1:8765

The client comes from an address of its own, so it is another client than the well-behaved ones. To add an
attack, write a coroutine function that takes a `Target` and decorate it with `@attack`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

__all__ = ["ADDRESS", "ATTACKS", "Target", "attack"]

ADDRESS = "127.0.0.2"
"""Where the hostile client connects from."""

# Requests of the hostile client in flight: as many as the server has queue slots.
_PARALLEL = 40
# Longest wait of the hostile client for a reply.
_PATIENCE_S = 60.0
_BOUNDARY = "----a-boundary"


class Target:
    """The server, as a hostile client sees it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self.sent = 0
        """Requests and connections so far."""

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a connection from the hostile address; close it without ceremony."""
        reader, writer = await asyncio.open_connection(
            self._host, self._port, local_addr=(ADDRESS, 0)
        )
        self.sent += 1
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def head(self, method: str, path: str, *headers: str) -> bytes:
        """Return the head of a request."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}", *headers]
        return "\r\n".join([*lines, "", ""]).encode()

    def form(self, path: str, fields: dict[str, str], image: bytes) -> bytes:
        """Return a request with a form and an image."""
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
            for name, text in fields.items()
        ]
        head = 'Content-Disposition: form-data; name="image"; filename="a.png"'
        parts.append(f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode() + image + b"\r\n")
        body = b"".join([*parts, f"--{_BOUNDARY}--\r\n".encode()])
        kind = f"Content-Type: multipart/form-data; boundary={_BOUNDARY}"
        return self.head("POST", path, kind, f"Content-Length: {len(body)}") + body

    async def exchange(self, request: bytes, patience_s: float = _PATIENCE_S) -> None:
        """Send a request and read a part of the reply."""
        async with self.connected() as (reader, writer), asyncio.timeout(patience_s):
            writer.write(request)
            await writer.drain()
            await reader.read(65_536)

    async def run(self, program: str, **fields: str) -> None:
        """Run a program on a small image."""
        await self.exchange(self.form("/v1/run", {"program": program, **fields}, small_image()))


Attack: TypeAlias = Callable[[Target], Awaitable[None]]

ATTACKS: dict[str, Attack] = {}
"""All attacks by name."""


def attack(once: Attack) -> Attack:
    """Add an attack: a function that does it once, and is repeated by many tasks at the same time."""

    @functools.wraps(once)
    async def repeat(target: Target) -> None:
        async def forever() -> None:
            while True:
                try:
                    await once(target)
                except (OSError, TimeoutError, asyncio.IncompleteReadError):
                    await asyncio.sleep(0.05)  # refused: it tries again

        await asyncio.gather(*(forever() for _ in range(_PARALLEL)))

    ATTACKS[once.__name__] = repeat
    return repeat


@functools.cache
def small_image() -> bytes:
    """Return an image of a few bytes."""
    return _png(np.zeros((40, 60, 3), np.uint8))


@functools.cache
def large_image() -> bytes:
    """Return an image just below the server's limit of pixels, which compresses well."""
    rows = np.arange(5_000, dtype=np.uint32)[:, None, None]
    return _png(np.broadcast_to(rows % 251, (5_000, 7_900, 3)).astype(np.uint8))


def _png(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG", compress_level=1)
    return held.getvalue()


@attack
async def slow_bodies(target: Target) -> None:
    """Send a byte of a large body now and then."""
    async with target.connected() as (reader, writer):
        kind = f"Content-Type: multipart/form-data; boundary={_BOUNDARY}"
        writer.write(target.head("POST", "/v1/ask", kind, "Content-Length: 10000000"))
        while not reader.at_eof():
            writer.write(b"-")
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    if await reader.read(1_000):
                        return


@attack
async def large_images(target: Target) -> None:
    """Ask about an image near the limit of pixels."""
    await target.exchange(
        target.form("/v1/ask", {"question": "How many cubes are there?"}, large_image())
    )


@attack
async def long_texts(target: Target) -> None:
    """Let a program call a model with a text that looks like a thousand addresses."""
    await target.run(
        "def execute_command(image):\n    return image.simple_query('a.' * 490000)", trace="true"
    )


@attack
async def many_references(target: Target) -> None:
    """Let a program send the same patch very often."""
    await target.run(
        "def execute_command(image):\n    for _ in range(50):\n"
        "        best_image_match([image] * 150000, 'a red cube')\n    return 'done'"
    )


@attack
async def busy_loops(target: Target) -> None:
    """Let programs compute until their time is over."""
    await target.run("def execute_command(image):\n    while True:\n        pass")


@attack
async def many_calls(target: Target) -> None:
    """Let a program call models for every patch of a fine grid."""
    await target.run(
        "def execute_command(image):\n    n = 0\n    for x in range(40):\n        for y in range(30):\n"
        "            n += image.crop(x, y, x + 15, y + 9).exists('cube ' + str(x))\n    return n"
    )


@attack
async def huge_phrases(target: Target) -> None:
    """Let a program look for a phrase of very many words."""
    await target.run("def execute_command(image):\n    return len(image.find('cubes ' * 160000))")


@attack
async def connections(target: Target) -> None:
    """Open connections, and say nothing."""
    async with contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(target.connected()) for _ in range(20)]
        await opened[-1][0].read(1)


@attack
async def unread_streams(target: Target) -> None:
    """Ask for events, and read none of them."""
    fields = {
        "question": "Is there a cube?",
        "stream": "true",
        "trace": "true",
        "program": "def execute_command(image):\n    return [len(image.find('cube')) for _ in range(3000)]",
    }
    async with target.connected() as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of a socket
        writer.write(target.form("/v1/run", fields, small_image()))
        await writer.drain()
        await asyncio.sleep(_PATIENCE_S)


@attack
async def cancelled_requests(target: Target) -> None:
    """Ask, and go away before the answer."""
    async with target.connected() as (_, writer):
        fields = {"question": "How many cubes are there?"}
        writer.write(target.form("/v1/ask", fields, small_image()))
        await writer.drain()
        await asyncio.sleep(0.03)


@attack
async def one_byte_chunks(target: Target) -> None:
    """Send a body in chunks of one byte each."""
    async with target.connected() as (reader, writer):
        writer.write(
            target.head(
                "POST", "/v1/check", "Content-Type: application/json", "Transfer-Encoding: chunked"
            )
        )
        while not reader.at_eof():
            writer.write(b"1\r\n \r\n" * 2_000)
            await writer.drain()


@attack
async def ordinary_questions(target: Target) -> None:
    """Ask what others ask, but always as much as the server takes."""
    fields = {"question": "Are there more spheres than cylinders?"}
    await target.exchange(target.form("/v1/ask", fields, small_image()))


@attack
async def cheap_requests(target: Target) -> None:
    """Ask for what needs no slot, many requests in one go."""
    async with target.connected() as (reader, writer):
        writer.write(target.head("GET", "/openapi.json") * 20)
        await writer.drain()
        for _ in range(20):
            await reader.readuntil(b"\r\n\r\n")


async def _attack(name: str, url: str) -> int:
    """Repeat an attack until stdin ends; return how many requests and connections it made."""
    target = Target(url)
    loop = asyncio.get_running_loop()
    work = asyncio.ensure_future(ATTACKS[name](target))
    ended = loop.run_in_executor(None, sys.stdin.read)
    await asyncio.wait({work, asyncio.ensure_future(ended)}, return_when=asyncio.FIRST_COMPLETED)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    return target.sent


if __name__ == "__main__":
    # The measurement is about the server, not about three processes that share two cores.
    os.nice(10)
    print(json.dumps({"sent": asyncio.run(_attack(*sys.argv[1:3]))}))  # for `hostile`
