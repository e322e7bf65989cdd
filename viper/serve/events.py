"""An answer as server-sent events, in this order:

    event: waiting   {"request_id", "ahead"}      the request has a queue slot
    event: started   {}                           it has a worker slot
    event: step      a step, in the format of `viper.trace.steps`; any number
    event: answer    the body of a response without streaming
    event: error     the body of an API error, instead of an answer

Event ids count from 0. During silence, comments keep the connection alive.
"""  # noqa: D415  (a list)

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.types import Send

from viper.serve.api_error import ApiError
from viper.serve.redaction import redact
from viper.serve.requests import QueryRequest
from viper.serve.service import Service, answer_json
from viper.trace import Step

__all__ = ["EventStream", "stream_answer"]


class EventStream:
    """Writes events to a response."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._next_id = 0

    async def start(self) -> None:
        """Send status and headers."""
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),  # otherwise nginx buffers events
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def event(self, name: str, data: Any) -> None:
        """Send an event; its JSON data contains no raw line breaks, so it is one line."""
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        await self._write(f"event: {name}\nid: {self._next_id}\ndata: {text}\n\n")
        self._next_id += 1

    async def keep_alive(self) -> None:
        """Send a comment, which clients ignore and which keeps proxies from closing the connection."""
        await self._write(": still here\n\n")

    async def end(self) -> None:
        """End the response."""
        await self._write("", more=False)

    async def _write(self, text: str, *, more: bool = True) -> None:
        body = text.encode("utf-8", "replace")
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


async def stream_answer(
    stream: EventStream, service: Service, request: QueryRequest, request_id: str
) -> None:
    """Answer a request that holds a queue slot, and send events meanwhile."""
    events: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def on_step(step: Step) -> None:  # called from the engine's thread
        loop.call_soon_threadsafe(events.put_nowait, ("step", step))

    await stream.event(
        "waiting", {"request_id": request_id, "ahead": max(0, service.admission.waiting - 1)}
    )
    task = asyncio.ensure_future(
        service.answer(
            request,
            on_start=lambda: events.put_nowait(("started", {})),
            on_step=on_step,
        )
    )
    task.add_done_callback(lambda _: events.put_nowait(None))
    try:
        while (event := await _next(events, stream, service.settings.keep_alive_s)) is not None:
            name, data = event
            await stream.event(name, data if name == "started" else redact(data.to_json()))
        try:
            body = answer_json(task.result(), request_id, trace=request.fields.trace)
        except ApiError as error:
            await stream.event("error", error.to_json(request_id))
        else:
            await stream.event("answer", body)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _next(
    events: asyncio.Queue[tuple[str, Any] | None], stream: EventStream, silence_s: float
) -> tuple[str, Any] | None:
    """Return the next event, None at the end; send comments during silence."""
    while True:
        try:
            async with asyncio.timeout(silence_s):
                return await events.get()
        except TimeoutError:
            await stream.keep_alive()
