"""Reads a JSON body: one flat object of few values, of which the image alone may be long.

What a parser makes of a text may take a hundred times its memory: a body of 20 MB may hold millions of keys.
So the shape is bounded before anything is parsed: the text of the image is cut out, the rest is as short as
the text beside an image in a form, and the values in it are counted.
"""

from __future__ import annotations

import json
import re
from typing import Any

from viper.serve.api_error import ApiError, too_large
from viper.serve.bodies import TEXT_BYTES
from viper.storage.bounded_json import parse_json

__all__ = ["parse_body"]

# The fields are about ten, and one of them is a list of up to 100 texts.
_MAX_VALUES = 200
_MAX_TEXTS = 400
# With its quotation marks. Possessive, and the last one optional: nothing is tried twice, on any text.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_COLON = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+")
_MARKS: tuple[bytes, ...] = (b"{", b"[", b",")


def parse_body(body: bytes | bytearray) -> dict[str, Any]:
    """Return the fields of a body; `image` may be as long as the body, all others together `TEXT_BYTES`.

    Raises:
        ApiError: It is no such object (400), or too large (413).
    """
    try:
        start, end = _image_in(body)
        if len(body) - (end - start) > TEXT_BYTES:
            raise too_large("The text beside the image", TEXT_BYTES)
        rest = bytes(body[:start] + b'""' + body[end:]) if end else bytes(body)
        # Marks are counted already, and here those inside of texts would count as well.
        fields = parse_json(rest, max_bytes=TEXT_BYTES + 2, max_values=TEXT_BYTES + 2)
        image = json.loads(bytes(body[start:end])) if end else None
    except ValueError as error:
        why = str(error)[:120]
        raise _unusable(f"The body is not JSON that can be read: {why}.") from None
    if not isinstance(fields, dict):
        raise _unusable("The body must be a JSON object.")
    return {**fields, "image": image} if end else fields


def _image_in(body: bytes | bytearray) -> tuple[int, int]:
    """Return where the text of the field `image` begins and ends, (0, 0) if there is none.

    Raises:
        ValueError: The body holds too many values, or an object in another.
    """
    image = (0, 0)
    last, name = 0, b""
    marks = dict.fromkeys(_MARKS, 0)
    for number, found in enumerate(_TEXT.finditer(body)):
        start, end = found.span()
        _count(marks, body, last, start)
        if number >= _MAX_TEXTS:
            raise ValueError(f"it holds more than {_MAX_TEXTS} texts")
        if image == (0, 0) and name == b'"image"' and _COLON.fullmatch(body, last, start):
            image = start, end
        last = end
        name = bytes(body[start : min(end, start + 20)])
    _count(marks, body, last, len(body))
    return image


def _count(marks: dict[bytes, int], body: bytes | bytearray, start: int, end: int) -> None:
    """Count the marks of values between two texts."""
    for mark in marks:
        marks[mark] += body.count(mark, start, end)
    if sum(marks.values()) > _MAX_VALUES:
        raise ValueError(f"it holds more than {_MAX_VALUES} values")
    if marks[b"{"] > 1:
        raise ValueError("it holds an object in another")


def _unusable(message: str) -> ApiError:
    return ApiError(400, "request", message)
