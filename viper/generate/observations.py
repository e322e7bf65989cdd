"""Observations: the last model calls of a failed program, for the language model that repairs it.

Each call is one JSON object, so that untrusted text (an answer of a model, text in an image) cannot pass
for another part of the prompt. Boxes are in the frame of programs, with y pointing up. Everything is
bounded: a program may make a thousand calls and find a thousand objects.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from viper.images.boxes import Box
from viper.images.values import dict_items, distinct
from viper.trace import CallRecord

__all__ = ["observed_calls"]

_MAX_CALLS = 6
"""The fault is usually in the last few; six take fewer tokens than a worked example."""
_MAX_ITEMS = 4
_MAX_CHARACTERS = 120
_MAX_CALL_CHARACTERS = 700
_MAX_DEPTH = 3


def observed_calls(records: Sequence[CallRecord], image_height_px: int) -> tuple[str, ...]:
    """Return the last calls of a program as JSON objects, oldest first.

    Args:
        records: All calls of the program, in order.
        image_height_px: Height of the image, to flip the y axis of boxes.
    """
    return tuple(_observation(record, image_height_px) for record in records[-_MAX_CALLS:])


def _observation(record: CallRecord, height: int) -> str:
    call: dict[str, Any] = {"line": record.line, "call": record.method}
    details: dict[str, Any] = {}
    if record.box_xyxy is not None:
        details["patch"] = _edges(record.box_xyxy, height)
    details["arguments"] = [_bounded(argument, height) for argument in record.arguments]
    if record.failure is not None:
        details["error"] = _shortened(record.failure)
    else:
        details["result"] = _bounded(record.result, height)
        if record.score is not None:
            details["score"] = round(record.score, 3)
    text = json.dumps(call | details, ensure_ascii=False)
    if len(text) > _MAX_CALL_CHARACTERS:  # cutting the text would not leave valid JSON
        text = json.dumps(call | {"note": "arguments and result are too long to show"})
    return text


def _bounded(value: Any, height: int, depth: int = 0) -> Any:  # any JSON
    """Return a value of a record with long texts and lists shortened, and patches as named edges."""
    match value:
        case {"type": "patch", "box_xyxy": box, "score": score, "category": category}:
            return {
                "category": _shortened(category),
                "score": round(float(score), 3),
                **_edges(box, height),
            }
        case {"type": "object", "class": kind}:
            return {"class": kind, **_bounded_items(dict_items(value), height, depth)}
        case str():
            return _shortened(value)
        case float():
            return round(value, 3)
        case list() | tuple() | dict() if depth >= _MAX_DEPTH:
            return "…"
        case dict():
            return _bounded_items(dict_items(value), height, depth)
        case list() | tuple():
            items = [_bounded(item, height, depth + 1) for item in value[:_MAX_ITEMS]]
            omitted = len(value) - len(items)
            return [*items, f"… {omitted} more"] if omitted else items
        case _:
            return value


def _bounded_items(items: list[tuple[str, Any]], height: int, depth: int) -> dict[str, Any]:
    names = distinct([_shortened(key) for key, _ in items[:_MAX_ITEMS]])
    omitted = {f"… {len(items) - len(names)} more": None} if len(items) > len(names) else {}
    pairs = zip(names, items, strict=False)
    return {name: _bounded(item, height, depth + 1) for name, (_, item) in pairs} | omitted


def _edges(box_xyxy: Box | Sequence[float], height: int) -> dict[str, float]:
    x1, y1, x2, y2 = box_xyxy
    edges = {"left": x1, "lower": height - y2, "right": x2, "upper": height - y1}
    return {name: round(edge, 1) for name, edge in edges.items()}


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 1] + "…"
