"""One connection: what it may hold, how long it may wait, and when its bytes are parsed.

bytes that arrive    parsed in slices, once the request before them is answered and the client has paid for
                     its share of the loop; who sends too much ahead of an answer loses the connection
idle                 one timer, from the start of the connection and from the end of each response until
                     the next head is complete, no matter how many bytes arrive
an answer            handed on as fast as it is read: all but its last part has left the process when
                     it ends, so that who reads it slowly is not idle
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import h11

from viper.errors import summarize_error
from viper.serve.clients import client_of
from viper.serve.connections import Connections
from viper.serve.strict_http import StrictProtocol

__all__ = ["PacedProtocol"]

_log = logging.getLogger(__name__)

# Parsed at once: in chunks of one byte, it takes some 50 ms.
_SLICE_BYTES = 16_384
# Bytes behind a request that is not answered yet. A client may send small requests ahead, and none behind
# a POST (RFC 9112, 9.3.2). Not reading on instead would hide that the client has gone.
_MAX_AHEAD_BYTES = 65_536
# What a request costs the loop beside what is measured: waking up, a task, timers, the closing of both.
# It is charged before the request runs, so that many connections at once find a debt, too.
_REQUEST_S = 0.0003


class PacedProtocol(StrictProtocol):
    """An HTTP/1.1 protocol with bounded buffers, a timeout for idle connections, and fair use of the loop.

    uvicorn waits forever for the first head, takes 256 kB more for each request that is answered, and parses
    all that has arrived at once.
    """

    head_s = 10.0
    open_connections = Connections(0)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._timer: asyncio.TimerHandle | None = None
        self._idle_until_s = 0.0
        self._unread = bytearray()
        self._h11_has_more = False  # the start of a request that came with the one before it
        self._waits_since_s: float | None = None  # for the client to have paid for the loop
        self._client = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if the client may have one more connection."""
        super().connection_made(transport)
        self._client = client_of(self.client)
        if not self.open_connections.open(self, self.client):
            transport.abort()
            return
        transport.set_write_buffer_limits(0)  # a part waits until the one before it has left
        # Each request's scope gets a copy of it.
        self.app_state = {**self.app_state, "abort": transport.abort}
        self._restart_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; a run is cancelled."""
        self.open_connections.close(self, self.client)
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; they are parsed when it is their turn."""
        self._unread += data
        self._read_on()
        if self._waits_since_s is not None:
            self.transport.pause_reading()  # uvicorn has resumed it for reasons of its own
        elif self._must_answer_first and len(self._unread) > _MAX_AHEAD_BYTES:
            self.transport.abort()

    def _read_on(self) -> None:
        """Parse what has arrived; whatever fails ends this connection, and no other."""
        try:
            self._parse()
        except Exception as error:
            _log.error("A connection was ended: %s.", summarize_error(error))
            self.transport.abort()

    def _parse(self) -> None:
        """Parse until a request must be answered first or the client has to wait."""
        loop_time = self.open_connections.loop_time
        while (self._unread or self._h11_has_more) and not self.transport.is_closing():
            if self._waits_since_s is not None or self._must_answer_first:
                break
            if loop_time.wait_s(self._client):
                self._waits_since_s = self.loop.time()
                self.transport.pause_reading()
                loop_time.when_paid(self._client, self._resume)
                break
            started_s, cycle = time.thread_time(), self.cycle
            if self._h11_has_more:
                self._h11_has_more = False
                self.handle_events()
            else:
                part = bytes(self._unread[:_SLICE_BYTES])
                del self._unread[:_SLICE_BYTES]
                super().data_received(part)
            extra_s = _REQUEST_S if self.cycle is not cycle else 0.0
            loop_time.charge(self._client, time.thread_time() - started_s + extra_s)
        if self.is_busy:
            self._stop_timer()

    def _resume(self) -> None:
        assert self._waits_since_s is not None
        self._idle_until_s += self.loop.time() - self._waits_since_s
        self._waits_since_s = None
        if not self.transport.is_closing():
            if not self.flow.read_paused:
                self.transport.resume_reading()
            self._read_on()

    def on_response_complete(self) -> None:
        """Go on with the next request, which uvicorn would parse here and now, whoever has to pay for it."""
        self.server_state.total_requests += 1
        self._restart_timer()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.conn.our_state is h11.DONE and self.conn.their_state is h11.DONE:
            self.conn.start_next_cycle()
            self._h11_has_more = True
        self.loop.call_soon(self._read_on)

    def send_400_response(self, msg: str) -> None:
        """Refuse the request; who does not read that is cut, like an idle connection."""
        super().send_400_response(msg)
        self._restart_timer()

    def shutdown(self) -> None:
        """Close the connection when its request has been answered, at once if there is none."""
        if self.is_busy:
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _must_answer_first(self) -> bool:
        return self.is_busy and self.conn.their_state is not h11.SEND_BODY

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def _restart_timer(self) -> None:
        self._idle_until_s = self.loop.time() + self.head_s
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_s, self._end_if_idle)

    def _end_if_idle(self) -> None:
        left_s = self._idle_until_s - (self._waits_since_s or self.loop.time())
        if (
            left_s > 0
        ):  # since the timer was set, there was a response, or a wait that is no idleness
            self._timer = self.loop.call_later(left_s, self._end_if_idle)
        else:
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
