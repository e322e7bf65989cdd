"""Reads a JSON body: one flat object of few values, of which the image alone may be long.

What a parser makes of a text may take a hundred times its memory: a body of 20 MB may hold millions of keys.
So the shape is bounded before anything is parsed: the text of the image is cut out, the rest is as short as
the text beside an image in a form, and the values in it are counted.

A call of C code holds the interpreter's lock until it returns, and all other clients wait for it. So nothing
here goes over a whole body except the search for a byte, which takes 1 ms for 20 MB: expressions and the
parser get the short rest, and the long text of the image stays where it is, for `base64_text`.
"""

from __future__ import annotations

import re
from typing import Any

from viper.serve.api_error import ApiError, too_large
from viper.serve.bodies import TEXT_BYTES
from viper.storage.bounded_json import parse_json

__all__ = ["parse_body"]

# The fields are about ten, and one of them is a list of up to 100 texts.
_MAX_VALUES = 200
_MAX_TEXTS = 400
# A longer text of the image is not parsed.
_LONG_BYTES = 65_536
# How much an expression goes over in one call: about 10 ms at worst.
_STEP_BYTES = 131_072
# Of a text, up to its end. Possessive: nothing is tried twice, on any text.
_IN_TEXT = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_COLON = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+")
_MARKS: tuple[bytes, ...] = (b"{", b"[", b",")


def parse_body(body: bytes | bytearray) -> dict[str, Any]:
    """Return the fields of a body; `image` may be as long as the body, all others together `TEXT_BYTES`.

    A long text of `image` is returned as it stands between its quotation marks, as a view of the body: it
    may hold escapes of a slash, and is not checked otherwise.

    Raises:
        ApiError: It is no such object (400), or too large (413).
    """
    try:
        start, end = _long_image_in(body)
        rest = bytes(body[:start]) + b'""' + bytes(body[end:]) if end else bytes(body)
        # Marks are counted already, and here those inside of texts would count as well.
        most = TEXT_BYTES + _LONG_BYTES
        fields = parse_json(rest, max_bytes=most, max_values=most)
    except ValueError as error:
        why = str(error)[:120]
        raise _unusable(f"The body is not JSON that can be read: {why}.") from None
    if not isinstance(fields, dict):
        raise _unusable("The body must be a JSON object.")
    return {**fields, "image": memoryview(body)[start + 1 : end - 1]} if end else fields


def _long_image_in(body: bytes | bytearray) -> tuple[int, int]:
    """Return where the text of the field `image` begins and ends if it is long, (0, 0) otherwise.

    Raises:
        ValueError: The body holds too many values, or an object in another.
        ApiError: A text other than the first of the field `image`, or all of them, are too long.
    """
    image = (0, 0)
    has_image = False
    last, name, beside, texts = 0, b"", 0, 0
    marks = dict.fromkeys(_MARKS, 0)
    while True:
        start = body.find(b'"', last)
        beside += (start if start >= 0 else len(body)) - last
        _check_length(beside)
        _count(marks, body, last, start if start >= 0 else len(body))
        if start < 0:
            return image
        texts += 1
        if texts > _MAX_TEXTS:
            raise ValueError(f"it holds more than {_MAX_TEXTS} texts")
        is_image = (
            not has_image and name == b'"image"' and bool(_COLON.fullmatch(body, last, start))
        )
        has_image = has_image or is_image
        end = _image_end(body, start) if is_image else _text_end(body, start, TEXT_BYTES - beside)
        if not is_image:
            beside += end - start
            _check_length(beside)
        elif end - start > _LONG_BYTES:
            image = start, end
        last = end
        name = bytes(body[start : min(end, start + 20)])


def _image_end(body: bytes | bytearray, start: int) -> int:
    """Return the end of the text of an image, which begins at `start`.

    Raises:
        ValueError: It is long and does not end.
        ApiError: It is long, and holds an escape before its end.
    """
    end = body.find(b'"', start + 1) + 1
    if (end or len(body)) - start <= _LONG_BYTES:
        end = _text_end(body, start, _LONG_BYTES)
        if end - start > _LONG_BYTES:
            raise _escaped()
    elif not end:
        raise ValueError("a text in it does not end")
    elif body[end - 2] == ord("\\"):
        raise _escaped()
    return end


def _text_end(body: bytes | bytearray, start: int, most: int) -> int:
    """Return the end of the text that begins at `start`; somewhere beyond `most` bytes if it is longer."""
    end = body.find(b'"', start + 1) + 1 or len(body)
    if end - start > most or body.find(b"\\", start + 1, end) < 0:
        return end
    end, limit = start + 1, min(len(body), start + most + 2)
    while end < limit and body[end] != ord('"'):
        step = min(end + _STEP_BYTES, limit)
        found = _IN_TEXT.match(body, end, step)
        reached = found.end() if found else end
        if reached == end:  # a backslash is the last byte
            return limit
        end = reached
    return min(end + 1, len(body))


def _check_length(beside: int) -> None:
    if beside > TEXT_BYTES:
        raise too_large("The text beside the image", TEXT_BYTES)


def _count(marks: dict[bytes, int], body: bytes | bytearray, start: int, end: int) -> None:
    """Count the marks of values between two texts."""
    for mark in marks:
        marks[mark] += body.count(mark, start, end)
    if sum(marks.values()) > _MAX_VALUES:
        raise ValueError(f"it holds more than {_MAX_VALUES} values")
    if marks[b"{"] > 1:
        raise ValueError("it holds an object in another")


def _escaped() -> ApiError:
    return _unusable("image: Write a long text without escapes, except for \\/.")


def _unusable(message: str) -> ApiError:
    return ApiError(400, "request", message)
