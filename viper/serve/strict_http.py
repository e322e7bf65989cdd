"""HTTP/1.1 as strictly as a server behind a proxy needs it, and with bounds on heads and chunks.

h11 repairs or overlooks what two programs may read differently: folded header lines, line feeds alone,
several lengths, a length beside chunks, control characters in values; and in chunked bodies whatever stands
behind the size of a chunk, and trailers. A proxy and this server must never disagree about where a request
ends or whom it is for, so such requests are refused and their connection is closed.
"""

from __future__ import annotations

import re
import secrets
from http import HTTPStatus
from typing import Any

import h11
from h11 import NEED_DATA, PAUSED, Event, RemoteProtocolError
from uvicorn.protocols.http.h11_impl import H11Protocol

from viper.serve.api_error import ApiError
from viper.serve.security import RESPONSE_HEADERS
from viper.texts.terminal import json_text

__all__ = ["MAX_HEAD_BYTES", "StrictConnection", "StrictProtocol"]

MAX_HEAD_BYTES = 16_384
"""Size of the largest request head; browsers send one or two thousand bytes."""
_MAX_HEADERS = 100  # browsers send about 20
# Each chunk costs some 15 µs, however small it is. Clients send chunks of 1 to 64 kB; rows of a text may be
# smaller, so the first ones are free.
_FREE_CHUNKS = 1_000
_MIN_MEAN_CHUNK_BYTES = 256

_BLANK_LINE = re.compile(rb"\n\r?\n")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH = re.compile(rb"[0-9]{1,15}")
# The bytes before the content of a chunk: the end of the one before it, and a size, which has neither an
# extension nor a blank; the last one has nothing behind it, so no trailer. 8 digits are 4 GB.
_CHUNK_LINE = re.compile(rb"(?:\r\n)?(?:0{1,8}\r\n\r\n|(?!0+\r)[0-9A-Fa-f]{1,8}\r\n)")
_PART_OF_CHUNK_LINE = re.compile(rb"(?:\r|(?:\r\n)?(?:[0-9A-Fa-f]{1,8}\r?|0{1,8}\r\n\r?)?)")
_MAX_CHUNK_LINE_BYTES = 14
# Headers with one value. Of two, one program may believe the first and another the last.
_SINGLE = frozenset(
    b"authorization content-encoding content-length content-type expect host origin sec-fetch-site "
    b"transfer-encoding".split()
)


class StrictConnection(h11.Connection):
    """An HTTP/1.1 connection of a server that refuses ambiguous heads and chunks, and tiny chunks."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD_BYTES)
        self.refusal = _refused("The request is not valid HTTP/1.1.")
        """Why the request was refused, once `next_event` has raised."""
        self._chunks = 0
        self._chunk_bytes = 0
        self._at_chunk_line = False

    def next_event(self) -> Event | type[NEED_DATA] | type[PAUSED]:
        """Return the next event of the client.

        Raises:
            RemoteProtocolError: The request is refused; `refusal` is the error for the client.
        """
        try:
            if self.their_state is h11.IDLE:
                self._chunks = self._chunk_bytes = 0
                self._at_chunk_line = False
                _check_head(self.trailing_data[0])
            elif self._at_chunk_line:
                received, is_closed = self.trailing_data
                if _check_chunk_line(received, is_first=self._chunks == 0):
                    self._chunks += 1
                    self._at_chunk_line = False
                elif not is_closed:
                    return NEED_DATA
        except ApiError as refusal:
            self.refusal = refusal
            raise RemoteProtocolError(refusal.message, error_status_hint=refusal.status) from None
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._at_chunk_line = any(name == b"transfer-encoding" for name, _ in event.headers)
        elif isinstance(event, h11.Data):
            self._at_chunk_line = event.chunk_end
            self._count(len(event.data))
        return event

    def _count(self, size: int) -> None:
        self._chunk_bytes += size
        if (self._chunks - _FREE_CHUNKS) * _MIN_MEAN_CHUNK_BYTES > self._chunk_bytes:
            self.refusal = _refused(
                f"The body has {self._chunks:,} chunks of less than {_MIN_MEAN_CHUNK_BYTES} bytes on "
                "average. Send larger chunks, or a body with a Content-Length."
            )
            raise RemoteProtocolError(self.refusal.message)


class StrictProtocol(H11Protocol):
    """The protocol of uvicorn on a `StrictConnection`; a refusal is an API error like any other."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn: StrictConnection = StrictConnection()

    def data_received(self, data: bytes) -> None:
        """Process bytes in portions: h11 limits only what is incomplete, and 256 kB may arrive at once."""
        for start in range(0, len(data), MAX_HEAD_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + MAX_HEAD_BYTES])

    def send_400_response(self, msg: str) -> None:
        """Refuse the request and close the connection, which is out of step; `msg` is uvicorn's."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # the application need not answer any more
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()  # a response has begun: nothing can follow it
            return
        refusal, request_id = self.conn.refusal, secrets.token_hex(8)
        body = json_text(refusal.to_json(request_id), compact=True).encode()
        headers = {
            **RESPONSE_HEADERS,
            "content-type": "application/json",
            "content-length": str(len(body)),
            "cache-control": "no-store",
            "x-request-id": request_id,
            "connection": "close",
        }
        # As bytes: h11 would raise an error for what a refused request may have been, such as a HEAD.
        lines = [f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        is_head = self.conn.our_state is h11.SEND_RESPONSE and self.scope["method"] == "HEAD"
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.transport.write(head + (b"" if is_head else body))
        self.transport.close()


def _check_head(received: bytes) -> None:
    """Refuse a request head that is too large, or that two programs may read differently.

    Args:
        received: Bytes from the start of the request; those after its head are not looked at.

    Raises:
        ApiError: It is refused (400 or 431).
    """
    blank = _BLANK_LINE.search(received)
    if (blank.end() if blank else len(received)) > MAX_HEAD_BYTES:
        raise _refused(f"The head of the request is larger than {MAX_HEAD_BYTES:,} bytes.", 431)
    if blank is None:
        return  # the rest is still to come
    request_line, *lines = received[: blank.start()].removesuffix(b"\r").split(b"\r\n")
    if any(b"\n" in line or b"\r" in line for line in (request_line, *lines)):
        raise _refused("A line of the head does not end with CR and LF.")
    if len(lines) > _MAX_HEADERS:
        raise _refused(f"The request has more than {_MAX_HEADERS} headers.", 431)
    if not request_line.endswith((b" HTTP/1.1", b" HTTP/1.0")):
        raise _refused("The request is not HTTP/1.1 or HTTP/1.0.")
    values: dict[bytes, bytes] = {}
    for line in lines:
        if line.startswith((b" ", b"\t")):
            raise _refused("A header is folded onto several lines.")
        name, _, value = line.partition(b":")
        if _CONTROL.search(line):
            raise _refused("A header has a control character.")
        name = name.lower()
        if name in values and name in _SINGLE:
            raise _refused(f"The header {name.decode()} occurs more than once.")
        values[name] = value.strip(b" \t")
    _check_length(values, is_old=request_line.endswith(b"1.0"))


def _check_chunk_line(received: bytes, *, is_first: bool) -> bool:
    """Refuse a chunk whose size h11 and another program may read differently.

    Args:
        received: Bytes from the end of the last chunk's content, or of the head.
        is_first: Whether no chunk came before.

    Returns:
        Whether the line is complete; h11 must not see a part of it.

    Raises:
        ApiError: It is refused (400).
    """
    line = received[:_MAX_CHUNK_LINE_BYTES]
    if is_first == line.startswith(b"\r") and line:
        raise _refused("A chunk does not begin where it must.")
    if _CHUNK_LINE.match(line):
        return True
    if not _PART_OF_CHUNK_LINE.fullmatch(line):
        raise _refused(
            "A chunk must begin with its size, up to 8 hexadecimal digits, and CR and LF; extensions and "
            "trailers are not accepted."
        )
    return False


def _check_length(values: dict[bytes, bytes], *, is_old: bool) -> None:
    """Refuse a head from which the end of the body does not follow clearly."""
    length, coding = values.get(b"content-length"), values.get(b"transfer-encoding")
    if length is not None and coding is not None:
        raise _refused("The request has a Content-Length and a Transfer-Encoding.")
    if length is not None and not _LENGTH.fullmatch(length):
        raise _refused("The Content-Length is not a number of bytes.")
    if coding is not None and (is_old or coding.lower() != b"chunked"):
        raise _refused("The only accepted Transfer-Encoding is chunked, with HTTP/1.1.")


def _refused(message: str, status: int = 400) -> ApiError:
    return ApiError(status, "request", message)
