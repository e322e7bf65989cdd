"""Traces of version 2, which Viper 0.1 wrote, in the form of version 3.

Only JSON is rewritten here; the reader refuses what is malformed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from viper.images.values import json_dict
from viper.trace.version_3 import doubts_of

__all__ = ["upgraded_from_2"]

_NARROWER = " (narrower)"

# Requests per forward; keeps the product with a number of 64 bits finite.
_MOST = 1e12


def upgraded_from_2(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trace of version 3 that means the same as one of version 2."""
    trace = _renamed(
        value, image="images", attempts="turns", lookahead="prefetch", mean_batch="requests"
    )
    if "images" in trace:
        trace["images"] = [trace["images"]]
    _change(trace, "turns", lambda turns: _each(turns, _turn))
    _change(trace, "patches", _value)
    _change(trace, "requests", lambda means: _requests(means, trace.get("forwards")))
    _change(trace, "embedded", _embedded)
    if trace.get("failure") is not None:
        return {**trace, "version": 3, "outcome": "no_answer", "doubts": []}
    doubts = doubts_of(trace.get("unverified"))
    outcome = "answered_with_doubts" if doubts else "answered"
    return {**trace, "version": 3, "outcome": outcome, "doubts": doubts}


def _turn(attempt: dict[str, Any]) -> dict[str, Any]:
    turn = _renamed(attempt, memo="from_program_cache")
    unverified = _strings(turn.get("unverified"))
    _change(turn, "calls", lambda calls: _each(calls, lambda call: _call(call, unverified)))
    _change(turn, "returned", _value)
    return {**turn, "outcome": "returned" if turn.get("failure") is None else "failed"}


def _call(call: dict[str, Any], unverified: list[str]) -> dict[str, Any]:
    made = _renamed(call, failure="error", ahead="prefetched")
    _change(made, "arguments", _value)
    _change(made, "result", _value)
    if "unverified" not in made:  # Viper 0.1 wrote them only in the notes
        notes = (note for note in _strings(made.get("notes")) if note.endswith(_NARROWER))
        conditions = (note.removesuffix(_NARROWER) for note in notes)
        made["unverified"] = [condition for condition in conditions if condition in unverified]
    return {**made, "image": None if made.get("box_xyxy") is None else 0}


def _value(value: Any) -> Any:
    """Return a value of a program with the tags of version 3."""
    match value:
        case list():
            return [_value(item) for item in value]
        case {"box_xyxy": [_, _, _, _], "score": _, "category": _} if len(value) == 3:
            return {"type": "patch", "image": 0, **value}
        case {"handle": kind, "attributes": attributes, "object": token} if len(value) == 3:
            return {"type": "object", "class": kind, "attributes": attributes, "id": token}
        case dict():
            return json_dict({key: _value(item) for key, item in value.items()})
        case _:
            return value


def _requests(means: Any, forwards: Any) -> Any:
    """Return numbers of requests from the mean per forward, which has two decimals."""
    if not isinstance(means, dict) or not isinstance(forwards, dict):
        return means
    return {
        role: round(mean * forwards[role])
        if type(mean) is float and abs(mean) < _MOST and type(forwards.get(role)) is int
        else mean
        for role, mean in means.items()
    }


def _embedded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    made = _renamed(value, picture="images")
    _change(made, "images", lambda uri: [uri])
    _change(made, "crops", lambda crops: _each(crops, lambda crop: {"image": 0, **crop}))
    return made


def _renamed(value: Mapping[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(key, key): item for key, item in value.items()}


def _change(holder: dict[str, Any], key: str, change: Callable[[Any], Any]) -> None:
    if key in holder:
        holder[key] = change(holder[key])


def _each(value: Any, change: Callable[[dict[str, Any]], Any]) -> Any:
    if not isinstance(value, list):
        return value
    return [change(item) if isinstance(item, dict) else item for item in value]


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
