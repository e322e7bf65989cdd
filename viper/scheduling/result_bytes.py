"""Model results as bytes, for the result store: JSON for small ones, plain numbers for arrays, no pickles.

The first byte is the format: `A` an array (its kind and shape as JSON, a line feed, its numbers in the
machine's byte order), `J` a JSON object. Bytes that cannot be read give None.
"""

from __future__ import annotations

import base64
import json
import math
import sys
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.models.roles import Completion, Detection
from viper.scheduling.method_request import ModuleResult
from viper.storage.bounded_json import parse_json

__all__ = ["MAX_VALUE_BYTES", "pack", "size_in_memory", "unpack"]

# Bytes of a key with a number (234), and of a detection (217); measured with CPython 3.11.
_PER_ENTRY = 250
MAX_VALUE_BYTES = 64_000_000
"""Of one packed result; the largest are depth maps and the masks of a few hundred objects."""
# Of one mask, and of all masks of a result: a pixel takes a byte in memory, however few it takes in a row.
_MOST_MASK_PIXELS = 100_000_000
_MOST_PIXELS = 512_000_000
# Of a JSON result: each takes up to 250 bytes in memory, and a result of a detector has eight per object.
_MOST_VALUES = 2_000_000
_KINDS = ("f4", "f8")


def pack(value: Any) -> bytes | None:
    """Return a result as bytes; None if its type cannot be stored."""
    try:
        packed = _packed(value)
        return packed if packed is None or len(packed) <= MAX_VALUE_BYTES else None
    except (TypeError, ValueError):
        return None  # from a third-party backend: a mask of numbers, a phrase that is not a text


def _packed(value: Any) -> bytes | None:
    match value:
        case np.ndarray() if value.dtype.str[1:] in _KINDS:
            head = json.dumps([value.dtype.str[1:], *value.shape]).encode()
            return b"A" + head + b"\n" + np.ascontiguousarray(value).tobytes()
        case float() if math.isfinite(value):
            return _json({"number": value})
        case Completion():
            return _json({"text": value.text})
        case ModuleResult() if _is_plain(value.value):
            return _json({"module": value.value})
        case list() if all(isinstance(item, Detection) for item in value):
            if sum(item.mask.size for item in value if item.mask is not None) > _MOST_PIXELS:
                return None  # it would not be read
            return _json({"detections": [_detection(item) for item in value]})
        case _:
            return None


def unpack(packed: bytes) -> Any | None:
    """Return the result that was packed; None if the bytes are invalid."""
    try:
        if packed[:1] == b"A":
            head, _, content = packed[1:].partition(b"\n")
            kind, *shape = parse_json(head, max_bytes=200)
            if kind in _KINDS and all(type(side) is int and side >= 0 for side in shape):
                return np.frombuffer(content, dtype=kind).reshape(shape)
        match _parsed(packed[1:]) if packed[:1] == b"J" else None:
            case {"number": float(number)}:
                return number
            case {"text": str(text)}:
                return Completion(text)
            case {"module": plain}:
                return ModuleResult(plain)
            case {"detections": list(items)}:
                if sum(_pixels(item) for item in items) > _MOST_PIXELS:
                    return None  # before the first mask takes memory
                return [_read_detection(item) for item in items]
    except (ValueError, TypeError, KeyError, OverflowError, zlib.error):
        pass  # a damaged row is computed again
    return None


def _parsed(text: bytes) -> Any:
    return parse_json(text, max_bytes=MAX_VALUE_BYTES, max_values=_MOST_VALUES)


def _is_plain(value: Any, depth: int = 8) -> bool:
    """Return whether a value survives JSON unchanged: no patch, no object of a module."""
    match value:
        case None | bool() | int() | str():
            return True
        case float():
            return math.isfinite(value)
        case list() if depth:
            return all(_is_plain(item, depth - 1) for item in value)
        case dict() if depth:
            return all(_is_plain(item, depth - 1) for item in value.values())
        case _:
            return False


def _json(value: dict[str, Any]) -> bytes:
    return b"J" + json.dumps(value).encode()


def _detection(detection: Detection) -> dict[str, Any]:
    packed: dict[str, Any] = {
        "box_xyxy": [float(edge) for edge in detection.box_xyxy],
        "phrase": detection.phrase,
        "score": float(detection.score),
    }
    if detection.mask is not None:
        bits = zlib.compress(np.packbits(detection.mask).tobytes(), level=1)
        packed["mask"] = [*detection.mask.shape, base64.b64encode(bits).decode()]
    return packed


def _read_detection(item: dict[str, Any]) -> Detection:
    x1, y1, x2, y2 = map(float, item["box_xyxy"])
    mask = _read_mask(*item["mask"]) if "mask" in item else None
    return Detection((x1, y1, x2, y2), str(item["phrase"]), float(item["score"]), mask)


def _pixels(item: dict[str, Any]) -> int:
    """Return the pixels of a packed detection's mask.

    Raises:
        ValueError: It has no shape of a mask.
    """
    if "mask" not in item:
        return 0
    height, width, _ = item["mask"]
    for side in (height, width):
        # Types first: the product of a text and a number is a long text.
        if type(side) is not int or not 0 < side <= _MOST_MASK_PIXELS:
            raise ValueError("A mask with a side that is none.")
    if height * width > _MOST_MASK_PIXELS:
        raise ValueError(f"A mask of {height}×{width} pixels.")
    return int(height * width)


def _read_mask(height: int, width: int, text: str) -> NDArray[np.bool_]:
    size_bytes = (height * width + 7) // 8
    reader = zlib.decompressobj()
    bits = reader.decompress(base64.b64decode(text), size_bytes + 1)
    if len(bits) != size_bytes or not reader.eof:
        raise ValueError("A mask with more or fewer pixels than its shape.")
    flat = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=height * width)
    return flat.view(np.bool_).reshape(height, width)


def size_in_memory(value: Any) -> int:
    """Return the approximate size of a result in bytes."""
    match value:
        case np.ndarray():
            return _PER_ENTRY + int(value.nbytes)
        case list() | tuple():
            return _PER_ENTRY + sum(map(size_in_memory, value))
        case Detection():
            mask = 0 if value.mask is None else int(value.mask.nbytes)
            return _PER_ENTRY + mask
        case Completion():
            return _PER_ENTRY + sys.getsizeof(value.text)
        case ModuleResult():
            return _PER_ENTRY + _deep_size(value.value)
        case _:
            return _PER_ENTRY + sys.getsizeof(value)


def _deep_size(value: Any, depth: int = 5) -> int:
    """Return the approximate size of a module's value in bytes, arrays and tensors in it included."""
    try:
        size = getattr(value, "nbytes", None)
        if isinstance(size, int):
            return size
        parts: list[Any] = list(getattr(value, "__dict__", {}).values())
        parts += [getattr(value, name, None) for name in getattr(type(value), "__slots__", ())]
        if isinstance(value, dict):
            parts += value.values()
        elif isinstance(value, (list, tuple, set)):
            parts += value
        return sys.getsizeof(value) + sum(_deep_size(part, depth - 1) for part in parts if depth)
    except Exception:  # a third-party object, whose parts may be anything
        return sys.getsizeof(value, _PER_ENTRY)
