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
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import count
from typing import Any

from starlette.types import Receive, Send

from viper.serve.api_error import ApiError
from viper.serve.redaction import redacted_step
from viper.serve.requests import QueryRequest
from viper.serve.service import Service, answer_json, until_disconnect
from viper.texts.terminal import json_text
from viper.trace import Step

__all__ = ["stream_answer"]

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # otherwise nginx buffers events
]
# A comment, which clients ignore.
_KEEP_ALIVE = ": still here\n\n"


async def stream_answer(
    service: Service, request: QueryRequest, request_id: str, receive: Receive, send: Send
) -> None:
    """Answer a request that holds a queue slot, and send events meanwhile.

    Raises:
        ClientGoneError: The client closed the connection.
    """
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    async with aclosing(_events(service, request, request_id, receive)) as events:
        async for text in events:
            body = text.encode("utf-8", "replace")
            await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _events(
    service: Service, request: QueryRequest, request_id: str, receive: Receive
) -> AsyncGenerator[str, None]:
    ids = count()

    def event(name: str, data: Any) -> str:
        # JSON contains no raw line breaks, so it is one line.
        return f"event: {name}\nid: {next(ids)}\ndata: {json_text(data, compact=True)}\n\n"

    waiting = max(0, service.admission.waiting - 1)
    yield event("waiting", {"request_id": request_id, "ahead": waiting})
    # A step, None when the request gets a worker slot, and the task itself when it is done.
    queue: asyncio.Queue[Step | asyncio.Future[Any] | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def on_step(step: Step) -> None:  # called from the engine's thread
        loop.call_soon_threadsafe(queue.put_nowait, step)

    work = service.answer(request, on_start=lambda: queue.put_nowait(None), on_step=on_step)
    task = asyncio.ensure_future(until_disconnect(work, receive, service.admission))
    task.add_done_callback(queue.put_nowait)
    try:
        while True:
            try:
                async with asyncio.timeout(service.settings.keep_alive_s):
                    item = await queue.get()
            except TimeoutError:
                yield _KEEP_ALIVE
                continue
            if isinstance(item, asyncio.Future):
                break
            if item is None:
                yield event("started", {})
            else:
                yield event("step", redacted_step(item).to_json())
        try:
            body = answer_json(task.result(), request_id, trace=request.fields.trace)
            yield event("answer", body)
        except ApiError as error:
            yield event("error", error.to_json(request_id))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
