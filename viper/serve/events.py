"""An answer as server-sent events, in this order:

    event: waiting   {"request_id", "ahead"}      it has a place
    event: started   {}                           its turn has come
    event: step      a step, as `viper.trace.steps` writes it; any number
    event: answer    the body that an answer without stream has
    event: error     the body of a problem, instead of an answer

Each event has a number as its id. A silence is filled with comments.
"""  # noqa: D415  (a list)

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.types import Send

from viper.serve.api_error import ApiError
from viper.serve.redaction import public
from viper.serve.requests import Asked
from viper.serve.service import Service, answer_json
from viper.trace import Step

__all__ = ["EventStream", "stream_answer"]


class EventStream:
    """Writes events into a response."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._number = 0

    async def start(self) -> None:
        """Send the head of the response."""
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),  # nginx would hold events back
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def event(self, name: str, data: Any) -> None:
        """Send an event; `data` is one line, as JSON has no bare line ends."""
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        await self._write(f"event: {name}\nid: {self._number}\ndata: {text}\n\n")
        self._number += 1

    async def comment(self) -> None:
        """Send something that clients ignore and proxies count as life."""
        await self._write(": still here\n\n")

    async def end(self) -> None:
        """End the response."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, text: str) -> None:
        body = text.encode("utf-8", "replace")
        await self._send({"type": "http.response.body", "body": body, "more_body": True})


async def stream_answer(
    stream: EventStream, service: Service, asked: Asked, request_id: str
) -> None:
    """Answer a request that holds a place, and send what happens meanwhile."""
    happened: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def watch(step: Step) -> None:  # called from the engine's thread
        loop.call_soon_threadsafe(happened.put_nowait, ("step", step))

    await stream.event(
        "waiting", {"request_id": request_id, "ahead": max(0, service.admission.waiting - 1)}
    )
    answering = asyncio.ensure_future(
        service.answer(
            asked,
            on_start=lambda: happened.put_nowait(("started", {})),
            on_step=watch,
        )
    )
    answering.add_done_callback(lambda _: happened.put_nowait(None))
    try:
        while (event := await _next(happened, stream, service.settings.keep_alive_s)) is not None:
            name, data = event
            await stream.event(name, data if name == "started" else public(data.to_json()))
        try:
            answer = answering.result()
        except ApiError as problem:
            await stream.event("error", problem.to_json(request_id))
        else:
            await stream.event("answer", answer_json(answer, request_id, trace=asked.fields.trace))
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


async def _next(
    happened: asyncio.Queue[tuple[str, Any] | None], stream: EventStream, silence_s: float
) -> tuple[str, Any] | None:
    """Return what happened next, None at the end; comments fill the silence before it."""
    while True:
        try:
            async with asyncio.timeout(silence_s):
                return await happened.get()
        except TimeoutError:
            await stream.comment()
