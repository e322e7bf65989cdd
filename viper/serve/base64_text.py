"""Decodes the base64 text of an image, part by part.

A call of C code holds the interpreter's lock until it returns: 20 MB in one call would stop all other clients
for a third of a second. So each part is small, and others may go on between two of them. What is held is the
text as it arrived and the decoded bytes, nothing else of their size.
"""

from __future__ import annotations

import binascii
import io
import re
import time

from viper.serve.api_error import ApiError, too_large

__all__ = ["decode_base64"]

# Decoded in less than 1 ms.
_PART_BYTES = 262_144
# A type may have parameters, as in data:image/png;charset=utf-8;base64,… (RFC 2397).
_DATA_URI = re.compile(rb"data:[^,;]{0,80}(?:;[^,;]{0,80}){0,8}; {0,2}base64 {0,2},", re.IGNORECASE)
_DATA_URI_BYTES = 1_000
_ADDRESS = re.compile(rb"[a-z][a-z0-9+.-]{1,20}://", re.IGNORECASE)


def decode_base64(text: str | memoryview, max_bytes: int) -> bytes:
    """Return the bytes that a text stands for: base64, or a data URI with base64.

    Args:
        text: A text; or, as a part of a JSON body, a text that may hold escapes of a slash.
        max_bytes: Most bytes of the result.

    Raises:
        ApiError: It is something else (400), or too large (413); the message names the field.
    """
    is_escaped = not isinstance(text, str)
    whole = memoryview(text.encode("utf-8", "replace")) if isinstance(text, str) else text
    prefix = _prefix_bytes(bytes(whole[: 2 * _DATA_URI_BYTES]), is_escaped=is_escaped)
    decoded = io.BytesIO()  # gives its buffer away without a copy
    pending = b""
    for start in range(prefix, len(whole), _PART_BYTES):
        part = pending + bytes(whole[start : start + _PART_BYTES])
        is_last = start + _PART_BYTES >= len(whole)
        part, pending = _whole_groups(part, is_escaped=is_escaped, is_last=is_last)
        decoded.write(_decoded(part, is_last=is_last))
        if decoded.tell() > max_bytes:
            raise too_large("The image", max_bytes)
        if not is_last:
            time.sleep(0)  # others may go on
    return decoded.getvalue()


def _prefix_bytes(head: bytes, *, is_escaped: bool) -> int:
    """Return how many bytes of a text stand before its base64."""
    plain = head.replace(b"\\/", b"/") if is_escaped else head
    prefix = _DATA_URI.match(plain)
    # A value that begins with "/" may be a JPEG in base64; if it is a path, decoding fails.
    if prefix is None and (_ADDRESS.match(plain) or plain.startswith((b"data:", b"."))):
        raise _unusable("Images are not fetched from addresses or files. Send the bytes as base64.")
    if prefix is None:
        return 0
    if not prefix[0].isascii() or not prefix[0].decode().isprintable():
        raise _unusable("A data URI consists of printable ASCII characters.")
    return head.index(b",") + 1  # the first comma ends the prefix, escaped or not


def _whole_groups(part: bytes, *, is_escaped: bool, is_last: bool) -> tuple[bytes, bytes]:
    """Return the groups of four characters of a part without escapes, and what belongs to the next part."""
    rest = b""
    if is_escaped:
        if part.endswith(b"\\") and not is_last:  # the first half of an escape
            part, rest = part[:-1], b"\\"
        part = part.replace(b"\\/", b"/")
        if b"\\" in part:
            raise _unusable("Write a long text without escapes, except for \\/.")
    if is_last:
        return part, b""
    end = len(part) - len(part) % 4
    return part[:end], part[end:] + rest


def _decoded(part: bytes, *, is_last: bool) -> bytes:
    try:
        if part.endswith(b"=") and not is_last:
            raise ValueError("something follows the padding")
        return binascii.a2b_base64(part, strict_mode=True)
    except ValueError:
        raise _unusable("This is not base64.") from None


def _unusable(message: str) -> ApiError:
    return ApiError(400, "request", f"image: {message}")
