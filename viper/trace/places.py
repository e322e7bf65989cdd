"""Formats paths in JSON values, and the values, for messages: both on one line and short."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["join_path", "quote"]

# Characters; a hostile file may nest a hundred keys, and have a million values below them.
_LONGEST_PATH = 300


def join_path(path: str, key: str | int) -> str:
    """Return the path of an item of an object or array; a key that is not a plain word is quoted."""
    if len(path) > _LONGEST_PATH:
        path = f"{path[: _LONGEST_PATH // 2]}…"
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not re.fullmatch(r"\w{1,60}", key):
        return f"{path}[{quote(key)}]"
    return f"{path}.{key}" if path else key


def quote(value: Any) -> str:
    """Return a JSON value for a message: short, on one line, its text quoted."""
    if (
        isinstance(value, dict)
        and value.get("type") == "dict"
        and isinstance(value.get("items"), list)
    ):
        return f"a dict of {len(value['items'])} items"
    if isinstance(value, dict):
        return f"an object of {len(value)} keys"
    if isinstance(value, list):
        return f"an array of {len(value)} items"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str) and len(value) > 60:
        value = value[:59] + "…"
    if isinstance(value, int) and abs(value) > 10**60:
        return "a number of more than 60 digits"  # Python refuses to write thousands
    return repr(value)[:80]
