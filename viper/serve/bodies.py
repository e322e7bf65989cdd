"""Read request bodies: counted while they arrive, never held beyond a limit, and with a timeout."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Receive

from viper.serve.api_error import ApiError, ClientGoneError, too_large

__all__ = ["Form", "chunks", "media_type", "read_form"]

TEXT_BYTES = 1_000_000
"""Limit in bytes for everything besides the image: the program, the question and the other fields."""
_MAX_PARTS = 200

# The parser also logs what it raises: a line on stderr for each malformed body of a stranger.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())


def media_type(headers: Mapping[str, str]) -> str:
    """Return the media type of a body, without parameters and in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def chunks(
    receive: Receive, headers: Mapping[str, str], *, max_bytes: int, timeout_s: float
) -> AsyncIterator[bytes]:
    """Yield a body as it arrives.

    Raises:
        ApiError: It is too large (413), too slow (408), or compressed (415).
        ClientGoneError: The client closed its connection.
    """
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ApiError(
            415, "media_type", "Compressed bodies are not accepted. Send the body uncompressed."
        )
    declared = headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:19]) > max_bytes:
        raise too_large("The body", max_bytes)
    deadline_s = asyncio.get_running_loop().time() + timeout_s
    arrived = 0
    more = True
    while more:
        try:
            async with asyncio.timeout_at(deadline_s):
                message = await receive()
        except TimeoutError:
            text = f"The body did not arrive within {timeout_s:g} seconds. Send it faster, or a smaller one."
            raise ApiError(408, "slow", text, headers={"Connection": "close"}) from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        arrived += len(chunk)
        if arrived > max_bytes:
            raise too_large("The body", max_bytes)
        if chunk:
            yield chunk
        more = message.get("more_body", False)


async def read_form(
    body: AsyncIterator[bytes], headers: Mapping[str, str], *, max_file_bytes: int
) -> Form:
    """Read a multipart body into memory.

    Raises:
        ApiError: It is malformed (400), or a part is too large (413).
    """
    _, options = parse_options_header(headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise _malformed("its Content-Type names no boundary")
    form = Form(max_file_bytes)
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type] # a TypedDict
        async for chunk in body:
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise _malformed("it is not valid multipart/form-data") from error
    if not form.is_complete:
        raise _malformed("it ends before its last boundary")
    return form


class Form:
    """The parts of a multipart body, collected by callbacks of the parser."""

    def __init__(self, max_file_bytes: int) -> None:
        self.fields: list[tuple[str, str]] = []
        """Names and texts, in order."""
        self.files: list[tuple[str, str, bytes]] = []
        """Field names, file names as they were sent, and contents, in order."""
        self.is_complete = False
        """Whether the last boundary has arrived."""
        self._max_file_bytes = max_file_bytes
        self._text_bytes = 0
        self._parts = 0
        self._header = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._data = bytearray()
        self._name = ""
        self._file_name = ""
        self._is_file = False

    def callbacks(self) -> dict[str, object]:
        """Return the callbacks for the parser."""
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": lambda: setattr(self, "is_complete", True),
        }

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise _malformed(f"it has more than {_MAX_PARTS} parts")
        self._headers, self._data = {}, bytearray()

    def _on_header_end(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if b"name" not in options:
            raise _malformed("a part has no name")
        self._name = options[b"name"].decode("utf-8", "replace")
        self._file_name = options.get(b"filename", b"").decode("utf-8", "replace")
        # A program is text even if it is sent as a file.
        self._is_file = self._name != "program" and (
            b"filename" in options or self._name == "image"
        )

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            if len(self._data) + end - start > self._max_file_bytes:
                raise too_large("The image", self._max_file_bytes)
        else:
            self._text_bytes += end - start
            if self._text_bytes > TEXT_BYTES:
                raise too_large("The text beside the image", TEXT_BYTES)
        self._data += data[start:end]

    def _on_part_end(self) -> None:
        if self._is_file:
            self.files.append((self._name, self._file_name, bytes(self._data)))
            return
        try:
            self.fields.append((self._name, self._data.decode("utf-8")))
        except UnicodeDecodeError:
            raise _malformed(f"the field {self._name[:40]!r} is not UTF-8") from None


def _malformed(why: str) -> ApiError:
    return ApiError(400, "request", f"The form cannot be read: {why}.")
