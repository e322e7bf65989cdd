"""Traces of version 3, in which dicts of programs were plain objects, in the form of version 4.

Their answers are best efforts: conditions that were not tested did not keep an answer back, and were listed
without a reason. Version 3 marked a dict only if it had the key "type" itself, so an object without that key
is a dict of a program and nothing else. Only JSON is rewritten here; the reader refuses what is malformed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from viper.images.values import json_dict

__all__ = ["doubts_of", "upgraded_from_3"]


def upgraded_from_3(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trace of version 4 that means the same as one of version 3."""
    return {"best_effort": True, **_changed(value, turns=_each(_turn)), "version": 4}


def doubts_of(unverified: Any) -> list[dict[str, str]]:
    """Return the doubts, as JSON, of conditions that were recorded alone."""
    texts = unverified if isinstance(unverified, list) else []
    why = "not tested, or only in part"
    return [{"condition": text, "why": why} for text in texts if isinstance(text, str)]


def _turn(value: Mapping[str, Any]) -> dict[str, Any]:
    observation = _each(lambda seen: _changed(seen, value=_value))
    turn = _changed(value, returned=_value, observations=observation, calls=_each(_call))
    return {"doubts": doubts_of(value.get("unverified")), **turn}


def _call(value: Mapping[str, Any]) -> dict[str, Any]:
    call = _changed(value, arguments=_value, result=_value)
    return {"doubts": doubts_of(value.get("unverified")), **call}


def _value(value: Any) -> Any:
    """Return a value of a program with each of its dicts as a list of items."""
    match value:
        case list():
            return [_value(item) for item in value]
        case {"type": "dict", "items": list(items)}:
            return {**value, "items": [_value(item) for item in items]}
        case dict() if "type" not in value:
            return json_dict({key: _value(item) for key, item in value.items()})
        case _:
            return value


def _changed(value: Mapping[str, Any], /, **changes: Callable[[Any], Any]) -> dict[str, Any]:
    return {key: changes[key](item) if key in changes else item for key, item in value.items()}


def _each(change: Callable[[Mapping[str, Any]], Any]) -> Callable[[Any], Any]:
    def changed(items: Any) -> Any:
        if not isinstance(items, list):
            return items
        return [change(item) if isinstance(item, dict) else item for item in items]

    return changed
