"""Show text of a model, a file or a client on a terminal, where control characters are commands.

    one_line      one printable line, for a message
    printable     several lines, each printable, for a program or a report
    escaped_line  one line in which all of a text can be seen, for a diff
    json_text     JSON of the same value in which such characters are written as escapes

A character is shown as it is if it is printable for Unicode: no control character (C0, DEL, C1 such as
U+009B, which starts a terminal sequence), no mark that changes the direction of writing, as U+202E does,
no separator of lines or paragraphs, nothing invisible, and no lone surrogate.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["escaped_line", "json_text", "one_line", "printable"]

_REPLACEMENT = "\ufffd"
# With its quotation marks. Possessive, and the last one optional: nothing is tried twice, on any text.
_JSON_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?')


def one_line(text: str) -> str:
    """Return a text as one printable line; runs of white space become one space."""
    return _replaced(" ".join(text.split()))


def printable(text: str) -> str:
    """Return a text with its lines and tabs kept and every other character that is not printable replaced.

    Only line feeds end a line: `splitlines` would break at separators that a program may hold in a text.
    """
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    return "\n".join(map(_replaced, lines))


def escaped_line(line: str) -> str:
    r"""Return a line as it is if all of it is visible, else with escapes (`\u2028`) and doubled backslashes.

    Tabs and spaces at the end are not visible. Two lines that are escaped never look the same; whoever
    displays escaped lines beside others has to mark them.
    """
    text = line.rstrip(" ")
    if text == line and line.isprintable():
        return line
    visible = "".join(c if c.isprintable() and c != "\\" else _as_python(c) for c in text)
    return visible + r"\x20" * (len(line) - len(text))


def json_text(value: Any, *, indent: int | None = None, compact: bool = False) -> str:
    """Return JSON that shows letters of all languages and escapes what is not printable.

    A text in which a character is not printable is escaped as a whole, with its letters: that takes no longer
    than writing it, however many such characters it has.

    Args:
        value: Any JSON value, as `json.dumps` takes it.
        indent: Columns of each level; None for one line.
        compact: Whether to leave out spaces after separators.
    """
    separators = (",", ":") if compact else None
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    if text.isprintable():
        return text
    # Outside of its texts, JSON has line breaks at most, and these are `json`'s own.
    return _JSON_TEXT.sub(_escaped, text)


def _replaced(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() or c == "\t" else _REPLACEMENT for c in line)


def _escaped(found: re.Match[str]) -> str:
    """Return a text of JSON in ASCII if it is not printable as it stands."""
    text = found[0]
    return text if text.isprintable() else json.dumps(json.loads(text)).replace("\x7f", r"\u007f")


def _as_python(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
