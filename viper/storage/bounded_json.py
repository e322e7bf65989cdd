"""Parses JSON of strangers: size, values, nesting and digits are bounded, and every key occurs once.

    table = parse_json(content, max_bytes=20_000_000)
    for number, line in enumerate(bounded_lines(stream, max_bytes=1_000_000), start=1):
        row = parse_json(line)

The parser of the standard library is linear in the size of a text, except for long integers, but what it
returns may take thirty times the memory of the text, and whoever walks through it recursively may run out
of stack. Two readers of one text may also disagree about it: a key that occurs twice, an infinite number and
an encoding other than UTF-8 are therefore errors.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from viper.storage.files import read_regular_file

__all__ = ["bounded_lines", "holds_more_values", "parse_json", "read_json", "table_of"]

MAX_DEPTH = 64
"""The deepest file of a model, a benchmark or a service has fewer than 20 levels."""
MAX_DIGITS = 320
"""Of one number: the largest double has 309 digits. Longer ones take quadratic time."""


def parse_json(
    content: bytes | str, *, max_bytes: int = 1_000_000, max_values: int = 200_000
) -> Any:
    """Return the value of a JSON text in UTF-8, with or without a byte order mark.

    Args:
        content: The text.
        max_bytes: Longest text; characters, where it is decoded already.
        max_values: Most values, counted by brackets and commas outside of strings.

    Raises:
        ValueError: It is not such a text; the message is a clause of one line.
    """
    if len(content) > max_bytes:
        raise ValueError(f"it is larger than {max_bytes:,} bytes")
    if holds_more_values(content, max_values):
        raise ValueError(f"it holds more than {max_values:,} values")
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"it is not UTF-8 text at byte {error.start}") from None
    content = content.removeprefix("\ufeff")
    try:
        value = json.loads(
            content,
            object_pairs_hook=table_of,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _check_depth(value)
    return value


def read_json(
    path: Path,
    *,
    what: str,
    max_bytes: int = 1_000_000,
    max_values: int = 200_000,
    below: Path | None = None,
) -> Any:
    """Return the value in a regular file, as `parse_json` does; `below` as in `read_regular_file`.

    Raises:
        InputError: There is no such file, or it is larger than `max_bytes`.
        ValueError: It is not such a text.
    """
    content = read_regular_file(str(path), max_bytes=max_bytes, what=what, below=below)
    return parse_json(content, max_bytes=max_bytes, max_values=max_values)


def bounded_lines(stream: BinaryIO, *, max_bytes: int) -> Iterator[bytes]:
    """Yield the lines of a stream with their ends, each read into memory only up to a size.

    Raises:
        ValueError: A line is longer than `max_bytes`; the message is a clause.
    """
    while line := stream.readline(max_bytes + 1):
        if len(line) > max_bytes:
            raise ValueError(f"it is longer than {max_bytes:,} bytes")
        yield line


_TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"


# What stands before a string, and the string: what a program, a model or a stranger said holds any marks.
# Possessive: otherwise `re` keeps 150 bytes for each escape, to return to, which is gigabytes for 30 MB.
_UP_TO_STRING = r'([^"]*+)(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"?)?'
_BYTES_UP_TO_STRING = re.compile(_UP_TO_STRING.encode(), re.DOTALL)
_TEXT_UP_TO_STRING = re.compile(_UP_TO_STRING, re.DOTALL)


def holds_more_values(content: bytes | str, most: int) -> bool:
    """Return whether a JSON text has more brackets, braces and commas outside of strings than `most`.

    It takes no memory for the values, and little time unless strings hold many marks as well.
    """
    if _marks(content) <= most:
        return False
    parts: Iterator[re.Match[Any]] = (
        _BYTES_UP_TO_STRING.finditer(content)
        if isinstance(content, bytes)
        else _TEXT_UP_TO_STRING.finditer(content)
    )
    marks = 0
    for strings, part in enumerate(parts):
        marks += _marks(part[1])
        # JSON has a mark for every two strings; what is none need not be read to its end.
        if marks > most or strings // 2 > most:
            return True
    return False


def _marks(content: bytes | str) -> int:
    if isinstance(content, bytes):
        return sum(content.count(mark) for mark in (b"[", b"{", b","))
    return sum(content.count(mark) for mark in ("[", "{", ","))


def table_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the keys and values of an object; the `object_pairs_hook` of a parser.

    Raises:
        ValueError: A key occurs twice.
    """
    table = dict(pairs)
    if len(table) != len(pairs):
        for key, _ in pairs:  # each is taken out once
            if key not in table:
                raise ValueError(f"the key {key[:60]!r} occurs twice")
            del table[key]
    return table


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"it holds a number of {len(text):,} digits")
    return int(text)


def _float(text: str) -> float:
    if len(text) > MAX_DIGITS or not math.isfinite(number := float(text)):
        raise ValueError(f"it holds the number {text[:20]}…, which is too large or too long")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is not JSON")


def _check_depth(value: Any) -> None:
    """Refuse deep nesting, level by level, so that the check itself needs no stack."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH + 1):
        level = [
            part
            for whole in level
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(part, (dict, list))
        ]
        if not level:
            return
    raise ValueError(_TOO_DEEP)
