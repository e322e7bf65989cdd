"""Traces of version 3, in which dicts of programs were plain objects, in the form of version 4.

Version 3 marked a dict only if it had the key "type" itself, so an object without that key is a dict of a
program and nothing else. Only JSON is rewritten here; the reader refuses what is malformed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from viper.images.values import json_dict

__all__ = ["upgraded_from_3"]


def upgraded_from_3(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trace of version 4 that means the same as one of version 3."""
    return {**_changed(value, turns=_each(_turn)), "version": 4}


def _turn(value: Mapping[str, Any]) -> dict[str, Any]:
    observation = _each(lambda seen: _changed(seen, value=_value))
    return _changed(value, returned=_value, observations=observation, calls=_each(_call))


def _call(value: Mapping[str, Any]) -> dict[str, Any]:
    return _changed(value, arguments=_value, result=_value)


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
