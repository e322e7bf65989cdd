"""JSON of a file that may come from a stranger: every fault is one error, and lines have a bounded length.

`json` raises several errors: for what is no JSON, for a number of more than 4,300 digits, for brackets within
brackets beyond the limit of recursion. A file may be a single line of gigabytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

__all__ = ["MAX_LINE_BYTES", "JsonError", "numbered_lines", "parse_json"]

MAX_LINE_BYTES = 16_000_000
"""Size of the longest line: a row with an answer, its program and its trace takes some 100 kB."""


class JsonError(ValueError):
    """A text is no JSON that can be read; the message goes on after its name: "is not JSON …"."""


def parse_json(data: bytes | str) -> Any:
    """Return the value of a JSON text.

    Raises:
        JsonError: It is not JSON, not UTF-8, nested too deeply, or holds a number of too many digits.
    """
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        raise JsonError("is not JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        place = f"{line}column {error.colno}"
        raise JsonError(f"is not JSON: {error.msg} at {place}") from None
    except RecursionError:
        raise JsonError("is not JSON that can be read: it is nested too deeply") from None
    except ValueError as error:
        raise JsonError(f"is not JSON that can be read: {str(error)[:160]}") from None


def numbered_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each line of a file with its number, from 1.

    Raises:
        JsonError: A line is longer than `MAX_LINE_BYTES`.
    """
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise JsonError(f"has more than {MAX_LINE_BYTES:,} bytes in line {number}")
        yield number, line
