"""Reads what clients send: counted while it arrives, never held beyond the limit, never for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Receive

from viper.serve.api_error import ApiError, ClientGoneError, too_large

__all__ = ["Form", "chunks", "media_type", "read_bytes", "read_form"]

TEXT_BYTES = 1_000_000
"""What a request may hold beside its picture: a program and a question, and much room."""
_MOST_PARTS = 200


class Form:
    """The parts of a multipart body."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        """Names and texts, in order."""
        self.files: list[tuple[str, str, bytes]] = []
        """Names, file names as they were sent, and contents, in order."""


def media_type(headers: Mapping[str, str]) -> str:
    """Return the type of a body without its parameters, in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def chunks(
    receive: Receive, headers: Mapping[str, str], *, most_bytes: int, seconds: float
) -> AsyncIterator[bytes]:
    """Yield a body as it arrives.

    Raises:
        Problem: It is too large (413), too slow (408), or compressed (415).
        ClientGoneError: The client went away.
    """
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ApiError(
            415, "media_type", "Compressed bodies are not accepted. Send the body as it is."
        )
    declared = headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:19]) > most_bytes:
        raise too_large("The body", most_bytes)
    deadline_s = asyncio.get_running_loop().time() + seconds
    arrived = 0
    more = True
    while more:
        try:
            async with asyncio.timeout_at(deadline_s):
                message = await receive()
        except TimeoutError:
            text = f"The body did not arrive within {seconds:g} seconds. Send it faster, or a smaller one."
            raise ApiError(408, "slow", text, headers={"Connection": "close"}) from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        arrived += len(chunk)
        if arrived > most_bytes:
            raise too_large("The body", most_bytes)
        if chunk:
            yield chunk
        more = message.get("more_body", False)


async def read_bytes(body: AsyncIterator[bytes]) -> bytes:
    """Return a whole body."""
    held = bytearray()
    async for chunk in body:
        held += chunk
    return bytes(held)


async def read_form(
    body: AsyncIterator[bytes], headers: Mapping[str, str], *, most_file_bytes: int
) -> Form:
    """Read a multipart body into memory.

    Raises:
        Problem: It is not well formed (400), or a part is too large (413).
    """
    _, options = parse_options_header(headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise _malformed("its Content-Type names no boundary")
    collecting = _Collecting(most_file_bytes)
    try:
        parser = MultipartParser(boundary, collecting.callbacks())  # type: ignore[arg-type] # a TypedDict
        async for chunk in body:
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise _malformed("it does not follow the rules of multipart/form-data") from error
    if not collecting.ended:
        raise _malformed("it ends before its last boundary")
    return collecting.form


class _Collecting:
    """Keeps what the parser tells of."""

    def __init__(self, most_file_bytes: int) -> None:
        self.form = Form()
        self.ended = False
        self._most_file_bytes = most_file_bytes
        self._text_bytes = 0
        self._parts = 0
        self._header = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._data = bytearray()
        self._name = ""
        self._file_name: str | None = None

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._more,
            "on_part_end": self._end,
            "on_end": self._last,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise _malformed(f"it has more than {_MOST_PARTS} parts")
        self._headers, self._data = {}, bytearray()

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if b"name" not in options:
            raise _malformed("a part has no name")
        self._name = options[b"name"].decode("utf-8", "replace")
        file_name = options.get(b"filename")
        self._file_name = None if file_name is None else file_name.decode("utf-8", "replace")

    @property
    def _is_file(self) -> bool:
        if self._name == "program":  # a text, also where a file of it is sent
            return False
        return self._file_name is not None or self._name == "image"

    def _more(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            if len(self._data) + end - start > self._most_file_bytes:
                raise too_large("The picture", self._most_file_bytes)
        else:
            self._text_bytes += end - start
            if self._text_bytes > TEXT_BYTES:
                raise too_large("What stands beside the picture", TEXT_BYTES)
        self._data += data[start:end]

    def _end(self) -> None:
        if self._is_file:
            self.form.files.append((self._name, self._file_name or "", bytes(self._data)))
        else:
            try:
                text = self._data.decode("utf-8")
            except UnicodeDecodeError:
                raise _malformed(f"the field {self._name[:40]!r} is not UTF-8") from None
            self.form.fields.append((self._name, text))

    def _last(self) -> None:
        self.ended = True


def _malformed(why: str) -> ApiError:
    return ApiError(400, "request", f"The form cannot be read: {why}.")
