"""The HTTP client for language models, which reads a reply only up to a size and follows no redirect.

A service is untrusted: a small compressed body may inflate to gigabytes, a body may never end or arrive byte
by byte, the encoding that it names may take quadratic time to decode, and a redirect would send images and
prompts to a place that the user has not named.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import openai

__all__ = ["MAX_REPLY_BYTES", "UnacceptableReplyError", "bounded_client"]

MAX_REPLY_BYTES = 8_000_000
"""A hundred thousand tokens of thinking, escaped, have 1 MB."""
# Each piece takes 30 microseconds; a reply that is not streamed comes in pieces of kilobytes.
_MOST_PIECES = 20_000
_USED_ERROR_BYTES = 100_000
"""The library parses the body of an error in the event loop, so it gets only the beginning of a long one."""


class UnacceptableReplyError(Exception):
    """A reply that is not read; the message completes "it sent a reply that …"."""


def bounded_client(timeout: openai.Timeout) -> openai.DefaultAsyncHttpxClient:
    """Return a client for `openai.AsyncOpenAI`; its requests fail with `UnacceptableReplyError`.

    Args:
        timeout: Limits of connecting and of silence.
    """
    import openai

    # httpx or httpx2, by the version of openai. Any: the two declare different classes.
    name = openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0]
    library: Any = importlib.import_module(name)

    class BoundedStream(library.AsyncByteStream):  # type: ignore[misc] # a class of either library
        def __init__(self, stream: Any, used_bytes: int) -> None:
            self._stream = stream
            self._used_bytes = used_bytes

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = pieces = 0
            async for piece in self._stream:
                size += len(piece)
                pieces += 1
                if size > MAX_REPLY_BYTES:
                    raise UnacceptableReplyError(f"is larger than {MAX_REPLY_BYTES:,} bytes")
                if pieces > _MOST_PIECES:
                    raise UnacceptableReplyError(f"comes in more than {_MOST_PIECES:,} pieces")
                if size <= self._used_bytes:  # the rest is counted only
                    yield piece

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def bound(response: Any) -> None:
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise UnacceptableReplyError("is compressed, although that was not asked for")
        # JSON is UTF-8; the library would decode with any codec of Python that the service names.
        response.headers["Content-Type"] = "application/json"
        response.encoding = "utf-8"
        used_bytes = MAX_REPLY_BYTES if response.status_code < 400 else _USED_ERROR_BYTES
        response.stream = BoundedStream(response.stream, used_bytes)

    return openai.DefaultAsyncHttpxClient(
        timeout=timeout,
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [bound]},
    )
