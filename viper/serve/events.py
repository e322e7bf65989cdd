"""An answer as server-sent events, in this order:

    event: waiting   {"request_id", "ahead"}      the request has a queue slot
    event: started   {}                           it has a worker slot; again when it had to give that back
                                                  to another client: then its steps begin anew
    event: step      a step, in the format of `viper.trace.steps`; any number
    event: answer    the body of a response without streaming
    event: error     the body of an API error, instead of an answer

Event ids count from 0. During silence, comments keep the connection alive.
"""  # noqa: D415  (a list)

from __future__ import annotations

import asyncio
import re
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Send

from viper.serve.admission import QueueSlot
from viper.serve.api_error import ClientGoneError
from viper.serve.host_places import HostPlaces
from viper.serve.redaction import redacted_step
from viper.serve.requests import QueryRequest
from viper.serve.service import Service, answer_json, until_disconnect
from viper.texts.terminal import json_text
from viper.trace import Step

if TYPE_CHECKING:
    from viper.engine.answer import Answer

__all__ = ["EventStream", "accepts_events", "stream_answer"]

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # otherwise nginx buffers events
]
_QUALITY = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")
# A comment, which clients ignore.
_KEEP_ALIVE = b": still here\n\n"


class EventStream:
    """Sends events as one response, each with the next id."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._ids = count()
        self.request_id = request_id
        self.has_begun = False
        """Whether the head of the response was sent."""
        self._is_sending = False

    async def event(self, name: str, data: Any) -> None:
        """Send an event; `data` is a small JSON value."""
        await self.written(name, written(data))

    async def written(self, name: str, data: bytes) -> None:
        """Send an event; `data` is what `written` returned."""
        await self._send_part(
            b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), next(self._ids), data)
        )

    async def keep_alive(self) -> None:
        """Send a comment, which clients ignore."""
        await self._send_part(_KEEP_ALIVE)

    async def end(self, name: str, data: Any) -> None:
        """Send the last event, and end the response; `data` is a small JSON value."""
        await self.end_written(name, written(data))

    async def end_written(self, name: str, data: bytes) -> None:
        """Send the last event, and end the response; `data` is what `written` returned."""
        await self.written(name, data)
        await self._send({"type": "http.response.body", "body": b""})

    async def _send_part(self, body: bytes) -> None:
        if self._is_sending:  # it was cancelled in the middle of an event: nothing can follow
            raise ClientGoneError
        self._is_sending = True
        if not self.has_begun:
            self.has_begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        self._is_sending = False


def accepts_events(accept: str) -> bool:
    """Return whether a header `Accept` names event streams, and no JSON that it would rather have."""
    events = _quality(accept, "text/event-stream")
    return events > 0 and events >= _quality(accept, "application/json")


def _quality(accept: str, kind: str) -> float:
    """Return the `q` of a media type that is named, 0 to 1; a `*` names none."""
    for item in accept.lower().split(","):
        name, *parameters = [part.strip() for part in item.split(";")]
        if name == kind:
            found = [_QUALITY.fullmatch(parameter) for parameter in parameters]
            return min((float(one[1]) for one in found if one), default=1.0)
    return 0.0


def written(data: Any) -> bytes:
    """Return the data of an event: JSON contains no raw line breaks, so it is one line."""
    return json_text(data, compact=True).encode()


async def stream_answer(
    service: Service, slot: QueueSlot, request: QueryRequest, stream: EventStream, receive: Receive
) -> None:
    """Answer a request, and send events meanwhile.

    Raises:
        ApiError: There is no answer; this is the last event, which the caller sends.
        ClientGoneError: The client closed the connection.
    """
    waiting = max(0, service.admission.waiting - 1)
    await stream.event("waiting", {"request_id": stream.request_id, "ahead": waiting})
    # A step, None when the request gets a worker slot, and the task itself when it is done.
    queue: asyncio.Queue[Step | asyncio.Future[Any] | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def on_step(step: Step) -> None:  # called from the engine's thread
        loop.call_soon_threadsafe(queue.put_nowait, step)

    def write(answer: Answer) -> bytes:
        trace = request.fields.trace
        return written(answer_json(answer, stream.request_id, trace=trace, places=service.places))

    work = service.answer(
        slot, request, write=write, on_start=lambda: queue.put_nowait(None), on_step=on_step
    )
    task = asyncio.ensure_future(until_disconnect(work, receive))
    task.add_done_callback(queue.put_nowait)
    try:
        while True:
            try:
                async with asyncio.timeout(service.settings.keep_alive_s):
                    item = await queue.get()
            except TimeoutError:
                await stream.keep_alive()
                continue
            if isinstance(item, asyncio.Future):
                break
            if item is None:
                await stream.event("started", {})
            else:
                text = await service.threads.run(
                    slot.client, partial(_written_step, item, service.places)
                )
                await stream.written("step", text)
        slot.is_answered = True
        await stream.end_written("answer", task.result())
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _written_step(step: Step, places: HostPlaces) -> bytes:
    return written(redacted_step(step, places).to_json())
