"""What a failed program saw: its last calls, told to the language model that is to repair it.

Each call is one JSON object, so that no text of a stranger (an answer of a model, words on a sign) can
end its place in the prompt. Patches are told in the frame of programs, y up, as the API names their
edges. Everything is bounded: a program may make a thousand calls and find a thousand things.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

from viper.images.boxes import Box
from viper.trace import CallRecord

__all__ = ["observed_calls"]

_MOST_CALLS = 6
"""The fault lies in the last few; six of them take fewer tokens than a worked example."""
_MOST_ITEMS = 4
_MOST_CHARACTERS = 120
_MOST_CHARACTERS_PER_CALL = 700
_MOST_DEPTH = 3


def observed_calls(records: Sequence[CallRecord], image_height_px: int) -> tuple[str, ...]:
    """Return the last calls of a program as JSON objects, oldest first.

    Args:
        records: All its calls, in order.
        image_height_px: Height of the image; turns boxes over.
    """
    return tuple(_line(record, image_height_px) for record in records[-_MOST_CALLS:])


def _line(record: CallRecord, height: int) -> str:
    told: dict[str, Any] = {"line": record.line, "call": record.method}
    if record.box_xyxy is not None:
        told["patch"] = _edges(record.box_xyxy, height)
    told["arguments"] = [_bounded(argument, height) for argument in record.arguments]
    if record.failure is not None:
        told["error"] = _shortened(record.failure)
    else:
        told["result"] = _bounded(record.result, height)
        if record.score is not None:
            told["score"] = round(record.score, 3)
    text = _json(told)
    if len(text) > _MOST_CHARACTERS_PER_CALL:
        # Dropping what was said keeps the line JSON; cutting it would not.
        kept = {name: told[name] for name in ("line", "call")}
        text = _json({**kept, "note": "arguments and result are too long to show"})
    return text


def _bounded(value: Any, height: int, depth: int = 0) -> Any:  # any JSON
    """Return a value of a record with long texts and lists cut, and patches in the API's frame."""
    match value:
        case {"type": "patch", "box_xyxy": box, "score": score, "category": category}:
            return {
                "category": _shortened(str(category)),
                "score": round(float(score), 3),
                **_edges(box, height),
            }
        case {"type": "object", "class": str(kind), "attributes": dict(attributes)}:
            return {"class": kind, **_bounded_items(attributes, height, depth)}
        case dict() if depth < _MOST_DEPTH:
            return _bounded_items(value, height, depth)
        case str():
            return _shortened(value)
        case float():
            return round(value, 3)
        case list() | tuple() if depth < _MOST_DEPTH:
            items = [_bounded(item, height, depth + 1) for item in value[:_MOST_ITEMS]]
            left = len(value) - len(items)
            return [*items, f"… {left} more"] if left else items
        case list() | tuple() | dict():
            return "…"
        case _:
            return value


def _bounded_items(value: dict[str, Any], height: int, depth: int) -> dict[str, Any]:
    shown = itertools.islice(value.items(), _MOST_ITEMS)
    return {_shortened(key): _bounded(item, height, depth + 1) for key, item in shown}


def _edges(box_xyxy: Box | Sequence[float], height: int) -> dict[str, float]:
    x1, y1, x2, y2 = box_xyxy
    edges = {"left": x1, "lower": height - y2, "right": x2, "upper": height - y1}
    return {name: round(edge, 1) for name, edge in edges.items()}


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
