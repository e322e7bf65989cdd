"""Formats paths in JSON values, and the values, for messages."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["join_path", "quote"]


def join_path(path: str, key: str | int) -> str:
    """Return the path of an item of an object or array; a key that is not a plain word is quoted."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not re.fullmatch(r"\w{1,60}", key):
        return f"{path}[{quote(key)}]"
    return f"{path}.{key}" if path else key


def quote(value: Any) -> str:
    """Return a JSON value for a message: short, on one line, its text quoted."""
    if isinstance(value, dict):
        return f"an object of {len(value)} keys"
    if isinstance(value, list):
        return f"an array of {len(value)} items"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str) and len(value) > 60:
        value = value[:59] + "…"
    return repr(value)[:80]
