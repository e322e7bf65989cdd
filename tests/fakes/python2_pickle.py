"""Pickles as Python 2 wrote them: texts are byte strings there, which no Python 3 writes."""

from __future__ import annotations

import struct
from typing import Any

__all__ = ["protocol_0", "protocol_2"]


def protocol_0(value: Any) -> bytes:
    """Return the pickle in the oldest protocol, which is text."""
    return _old(value) + b"."


def protocol_2(value: Any) -> bytes:
    """Return the pickle in the binary protocol of Python 2."""
    return b"\x80\x02" + _binary(value) + b"."


def _old(value: Any) -> bytes:
    match value:
        case dict():
            return b"(d" + b"".join(_old(k) + _old(v) + b"s" for k, v in value.items())
        case list():
            return b"(l" + b"".join(_old(item) + b"a" for item in value)
        case str():
            return b"S" + repr(value).encode() + b"\n"
        case int():
            return b"I%d\n" % value
        case float():
            return b"F%r\n" % value
    raise TypeError(type(value))


def _binary(value: Any) -> bytes:
    match value:
        case dict():
            pairs = b"".join(_binary(k) + _binary(v) for k, v in value.items())
            return b"}(" + pairs + b"u"
        case list():
            return b"](" + b"".join(map(_binary, value)) + b"e"
        case str():
            coded = value.encode()
            return b"U" + bytes([len(coded)]) + coded
        case int():
            return b"J" + struct.pack("<i", value)
        case float():
            return b"G" + struct.pack(">d", value)
    raise TypeError(type(value))
