"""Frames and values that the host and the child exchange.

A frame is four bytes of length, most significant first, and that many bytes of UTF-8 JSON. Its value consists
of None, bool, int, float, str, `PatchRef` and `HandleRef`, and of lists, tuples, dicts and sets of these.
Scalars and lists are encoded as they are; everything else is an object with ONE key that names its type:
`{"patch": [...]}`, `{"handle": [...]}`, `{"tuple": [...]}`, `{"dict": [[key, value], ...]}` or
`{"set": [...]}`.

So a program's dict with a special key is ordinary data, and decoding can create only the types above. Both
sides use this module, and neither trusts what it decodes: size, depth, number of values, integers and floats
are bounded, and every violation is a `WireError`.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, TypeAlias, Union

__all__ = [
    "HEADER_BYTES",
    "MAX_DEPTH",
    "MAX_INTEGER",
    "MAX_VALUES",
    "FrameBuffer",
    "HandleRef",
    "PatchRef",
    "TooLargeError",
    "WireError",
    "WireValue",
    "count_values",
    "frame",
    "leaves",
    "pack",
    "payload_length",
    "unpack",
]

# Deeper than any useful answer, and far below Python's own recursion limit.
MAX_DEPTH = 32
MAX_VALUES = 200_000
MAX_INTEGER = 2**63 - 1
_PATCH_PARTS = 7
_HANDLE_PARTS = 3
_MAX_CLASS_NAME = 64
_MAX_ATTRIBUTES = 32

_SURROGATE = re.compile("[\ud800-\udfff]")
_HEADER = struct.Struct(">I")
HEADER_BYTES = _HEADER.size


class WireError(ValueError):
    """A frame or value that must not be exchanged; the message says what is wrong."""


class TooLargeError(WireError):
    """A value has more bytes or parts than may be sent at once."""


@dataclass(frozen=True, slots=True)
class PatchRef:
    """A patch on the wire: the handle of its image and a box."""

    handle: int
    """The host's number of the image, valid in its session only."""
    box_xyxy: tuple[float, float, float, float]
    """`(x1, y1, x2, y2)` in pixels of the whole image, origin TOP LEFT, x2 and y2 exclusive."""
    category: str = "image"
    """The phrase that the patch was found with, or "image"."""
    score: float = 1.0
    """Detector score in 0 … 1, not calibrated; 1.0 for a patch that was not detected."""


@dataclass(frozen=True, slots=True)
class HandleRef:
    """An object of the host on the wire: its number and its readable attributes."""

    kind: str
    """Its class in the API, such as "Mask"."""
    number: int
    """The host's number of the object, valid in its session only."""
    attributes: tuple[bool | int | float | str | None, ...] = ()
    """Values of the attributes in the order of the API; empty on the way to the host, which does not take
    the attributes of its own objects from a child."""


WireValue: TypeAlias = Union[
    bool,
    int,
    float,
    str,
    PatchRef,
    HandleRef,
    "list[WireValue]",
    "tuple[WireValue, ...]",
    "dict[WireValue, WireValue]",
    "set[WireValue]",
    None,
]


class _Tagged(NamedTuple):
    """A JSON object of one key, before its tag is interpreted."""

    tag: str
    body: Any  # JSON of any shape, checked by the decoder of the tag


def leaves(value: WireValue) -> Iterator[WireValue]:
    """Yield the parts of a value that are not containers, keys of dicts included."""
    parts: Iterable[WireValue]
    if isinstance(value, dict):
        parts = [*value, *value.values()]
    elif isinstance(value, (list, tuple, set)):
        parts = value
    else:
        yield value
        return
    for part in parts:
        yield from leaves(part)


def count_values(value: WireValue) -> int:
    """Return the number of values in a value: itself, its items at any depth, keys of dicts included."""
    parts: Iterable[WireValue] = ()
    if isinstance(value, dict):
        parts = [*value, *value.values()]
    elif isinstance(value, (list, tuple, set)):
        parts = value
    return 1 + sum(map(count_values, parts))


def pack(
    value: Any,  # Any: the type is what this function checks
    max_bytes: int,
    *,
    inside: int = 0,
) -> bytes:
    """Encode a value as the payload of a frame.

    Args:
        value: A `WireValue`. A lone surrogate in a text becomes its escape.
        max_bytes: Largest payload allowed.
        inside: Levels of containers that will be around the value when it is sent.

    Raises:
        WireError: The value holds another type, a number out of bounds, or is too deep or large.
    """
    counter = [MAX_VALUES]
    try:
        text = _TO_JSON(_encode(value, MAX_DEPTH - inside, counter))
    except WireError:
        raise
    except ValueError as error:
        raise WireError("A number on the wire must be finite, got inf or nan.") from error
    payload = _utf_8(text)
    if len(payload) > max_bytes:
        raise TooLargeError(f"The value needs {len(payload):,} bytes; {max_bytes:,} are allowed.")
    return payload


def unpack(payload: bytes, most_values: int = MAX_VALUES) -> WireValue:
    """Decode the payload of a frame.

    Args:
        payload: The payload.
        most_values: Most values that it may hold.

    Raises:
        WireError: It is not the encoding of a `WireValue` within all bounds. Nothing else is
            raised, whatever the bytes.
    """
    try:
        tree = _FROM_JSON(payload.decode("utf-8"))
    except WireError:
        raise
    except RecursionError:
        raise WireError(f"The frame is nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError as error:  # malformed UTF-8 or JSON, or an integer of thousands of digits
        raise WireError(f"The frame is not valid JSON: {error}") from error
    return _decode(tree, MAX_DEPTH, [most_values, most_values])


def frame(payload: bytes) -> bytes:
    """Put the length in front of a payload."""
    return _HEADER.pack(len(payload)) + payload


def payload_length(header: bytes, max_bytes: int) -> int:
    """Read the length from the first `HEADER_BYTES` of a frame.

    Raises:
        WireError: The frame is empty or larger than `max_bytes`.
    """
    length: int = _HEADER.unpack(header)[0]
    if not 0 < length <= max_bytes:
        raise WireError(f"A frame announces {length:,} bytes; 1 to {max_bytes:,} are allowed.")
    return length


class FrameBuffer:
    """Splits a stream of bytes into payloads; holds no more than one frame and one read.

    Args:
        max_bytes: Largest payload; a longer one is refused when its header arrives.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Append what was received."""
        self._data += data

    def take(self) -> bytes | None:
        """Remove and return the first whole payload, None if it is not complete yet.

        Raises:
            WireError: The next header announces a frame that is empty or too large.
        """
        end = self._end()
        if end is None:
            return None
        payload = bytes(self._data[HEADER_BYTES:end])
        del self._data[:end]
        return payload

    @property
    def has_frame(self) -> bool:
        """Whether `take` would return a payload, or raise."""
        try:
            return self._end() is not None
        except WireError:
            return True

    def __len__(self) -> int:
        return len(self._data)

    def _end(self) -> int | None:
        """Return where the first payload ends, None if it is not complete yet."""
        if len(self._data) < HEADER_BYTES:
            return None
        end = HEADER_BYTES + payload_length(bytes(self._data[:HEADER_BYTES]), self._max_bytes)
        return end if end <= len(self._data) else None


def _utf_8(text: str) -> bytes:
    """Encode JSON; a lone surrogate becomes the text of its escape, with a backslash that JSON escapes."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda found: f"\\\\u{ord(found[0]):04x}", text).encode("utf-8")


def _encode(value: Any, depth: int, counter: list[int]) -> Any:  # Any: JSON of any shape
    counter[0] -= 1
    if counter[0] < 0:
        raise TooLargeError(f"More than {MAX_VALUES:,} values at once.")
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return _bounded(int(value))
    if isinstance(value, float):
        return float(value)
    if depth == 0:
        raise WireError(f"The value is nested deeper than {MAX_DEPTH} levels.")
    depth -= 1
    if isinstance(value, PatchRef):
        box = [float(edge) for edge in value.box_xyxy]
        return {"patch": [int(value.handle), *box, value.category, float(value.score)]}
    if isinstance(value, HandleRef):
        attributes = [_encode(item, 0, counter) for item in value.attributes]
        return {"handle": [value.kind, _bounded(int(value.number)), attributes]}
    if isinstance(value, list):
        return [_encode(item, depth, counter) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_encode(item, depth, counter) for item in value]}
    if isinstance(value, dict):
        pairs = [
            [_encode(key, depth, counter), _encode(item, depth, counter)]
            for key, item in value.items()
        ]
        return {"dict": pairs}
    if isinstance(value, (set, frozenset)):
        return {"set": [_encode(item, depth, counter) for item in value]}
    raise WireError(f"A value of type {type(value).__name__} cannot cross the wall.")


def _decode(tree: Any, depth: int, counter: list[int]) -> WireValue:
    counter[0] -= 1
    if counter[0] < 0:
        raise WireError(f"More than {counter[1]:,} values in one frame.")
    kind = type(tree)
    if kind is str:
        return _clean(tree)
    if tree is None or kind is bool:
        return tree  # type: ignore[no-any-return]  # JSON null, true or false
    if kind is int:
        return _bounded(tree)
    if kind is float:
        return _finite(tree)
    if depth == 0:
        raise WireError(f"The frame is nested deeper than {MAX_DEPTH} levels.")
    if kind is list:
        return [_decode(item, depth - 1, counter) for item in tree]
    decoder = _DECODERS.get(tree.tag)
    if decoder is None:
        raise WireError(f"Unknown tag {tree.tag[:40]!r} on the wire; known: {sorted(_DECODERS)}.")
    if type(tree.body) is not list:
        raise WireError(f"The tag {tree.tag!r} must hold a list.")
    return decoder(tree.body, depth - 1, counter)


def _decode_patch(body: list[Any], depth: int, counter: list[int]) -> PatchRef:
    # Without a match statement, which takes twice as long: most frames hold a patch.
    if len(body) != _PATCH_PARTS or type(body[0]) is not int or type(body[5]) is not str:
        raise WireError("A patch must be [handle, x1, y1, x2, y2, category, score].")
    handle, x1, y1, x2, y2, category, score = body
    box = (_number(x1), _number(y1), _number(x2), _number(y2))
    return PatchRef(_bounded(handle), box, _clean(category), _number(score))


def _decode_handle(body: list[Any], depth: int, counter: list[int]) -> HandleRef:
    if len(body) != _HANDLE_PARTS or type(body[0]) is not str or type(body[1]) is not int:
        raise WireError("A handle must be [class, number, attributes].")
    kind, number, attributes = body
    if type(attributes) is not list or len(attributes) > _MAX_ATTRIBUTES:
        raise WireError(f"A handle must have a list of at most {_MAX_ATTRIBUTES} attributes.")
    if len(kind) > _MAX_CLASS_NAME or not kind.isidentifier():
        raise WireError(f"The class of a handle must be a name, got {kind[:40]!r}.")
    read: list[Any] = [_decode(item, 0, counter) for item in attributes]  # depth 0: scalars alone
    return HandleRef(kind, _bounded(number), tuple(read))


def _decode_dict(body: list[Any], depth: int, counter: list[int]) -> dict[WireValue, WireValue]:
    result: dict[WireValue, WireValue] = {}
    for pair in body:
        if type(pair) is not list or len(pair) != 2:
            raise WireError("A dict must be a list of [key, value] pairs.")
        key = _hashable(_decode(pair[0], depth, counter))
        if key in result:
            raise WireError("A dict must have each key once.")
        result[key] = _decode(pair[1], depth, counter)
    return result


def _decode_set(body: list[Any], depth: int, counter: list[int]) -> set[WireValue]:
    members = {_hashable(_decode(item, depth, counter)) for item in body}
    if len(members) != len(body):
        raise WireError("A set must have each member once.")
    return members


def _one_key(pairs: list[tuple[str, Any]]) -> _Tagged:
    if len(pairs) != 1:
        raise WireError(f"An object on the wire must have one key, got {len(pairs)}.")
    return _Tagged(*pairs[0])


def _refuse_constant(name: str) -> NoReturn:
    raise WireError(f"A number on the wire must be finite, got {name}.")


# Made once: `json.dumps` and `json.loads` would create a new coder for each frame.
_TO_JSON = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")
).encode
_FROM_JSON = json.JSONDecoder(object_pairs_hook=_one_key, parse_constant=_refuse_constant).decode

_DECODERS: dict[str, Callable[[list[Any], int, list[int]], WireValue]] = {
    "patch": _decode_patch,
    "handle": _decode_handle,
    "tuple": lambda body, *bounds: tuple(_decode(item, *bounds) for item in body),
    "dict": _decode_dict,
    "set": _decode_set,
}


def _hashable(value: WireValue) -> Any:  # Any: known to be hashable from here on
    try:
        hash(value)
    except TypeError as error:
        raise WireError(f"A key or set member cannot be a {type(value).__name__}.") from error
    return value


def _bounded(value: int) -> int:
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise WireError("An integer on the wire must fit into 64 bits.")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):  # JSON has no infinity, but 1e999 overflows
        raise WireError("A number on the wire must be finite, got inf.")
    return value


def _number(value: Any) -> float:  # Any: JSON of any shape
    kind = type(value)
    if kind is float:
        return _finite(value)
    if kind is int:
        return float(_bounded(value))
    raise WireError(f"Expected a number on the wire, got {type(value).__name__}.")


def _clean(text: str) -> str:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:  # it would break the first log or page that prints it
            raise WireError("A text on the wire must not hold lone surrogates.") from error
    return text
