"""TOML of a file that may come from a stranger: its size and nesting are bounded before it is parsed.

`tomllib` takes cubic time for a dotted key of many parts, and recurses for each bracket.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

__all__ = ["MAX_TOML_BYTES", "TomlError", "parse_toml"]

MAX_TOML_BYTES = 100_000
"""Size of the largest file; all settings with their comments take 5 kB."""

# A line of settings has about five, a path may have some more; 30 cost the parser less than a millisecond.
_MAX_DOTS = 30
# Brackets that are open at once; settings need two.
_MAX_DEPTH = 20
# Whole numbers are counts and sizes. Python refuses to write out one of more than 4,300 digits.
_MAX_INTEGER_BITS = 64


class TomlError(ValueError):
    """A text is no TOML, or beyond the limits; the message goes on after the file's name: "is not …"."""


def parse_toml(data: bytes) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Args:
        data: Content of the file, or its first `MAX_TOML_BYTES` + 1 bytes.

    Raises:
        TomlError: It is no TOML in UTF-8, is too large or too deeply nested, or holds a huge number.
    """
    if len(data) > MAX_TOML_BYTES:
        raise TomlError(f"is larger than {MAX_TOML_BYTES:,} bytes; give a smaller file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TomlError("is not UTF-8 text") from None
    _check_nesting(text)
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also for a number of too many digits
        raise TomlError(f"is not TOML: {str(error)[:200]}") from None
    _check_integers(tables)
    return tables


def _check_nesting(text: str) -> None:
    """Refuse long dotted keys and deep nesting; for simplicity what texts hold counts, too."""
    depth = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.lstrip().startswith("#"):
            continue
        if line.count(".") > _MAX_DOTS:
            raise TomlError(f"has more than {_MAX_DOTS} dots in line {number}; give shorter keys")
        for bracket in re.findall(r"[\[\]{}]", line):
            depth = depth + 1 if bracket in "[{" else max(0, depth - 1)
            if depth > _MAX_DEPTH:
                raise TomlError(
                    f"has more than {_MAX_DEPTH} brackets within brackets at line {number}"
                )


def _check_integers(tables: dict[str, Any]) -> None:
    pending: list[Any] = [tables]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, int) and value.bit_length() > _MAX_INTEGER_BITS:
            raise TomlError(f"has a whole number of more than {_MAX_INTEGER_BITS} bits")
