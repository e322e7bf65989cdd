r"""Show text of a model, a file or a client on a terminal, where control characters are commands.

    one_line      one printable line, for a message
    printable     several lines, each printable, for a program or a report
    escaped_line  one line in which all of a text can be seen, for a diff
    visible       a text of any lines for a page, in which all characters can be seen
    json_text     JSON of the same value in which such characters are written as escapes

A character is shown as it is if it is printable for Unicode: no control character (C0, DEL, C1 such as
U+009B, which starts a terminal sequence), no mark that changes the direction of writing, as U+202E does,
no separator of lines or paragraphs, nothing invisible, and no lone surrogate. Unicode counts many characters
without a shape as printable, such as U+3164 and variation selectors, in which whole sentences can be hidden:
they are shown as escapes (`\u3164`).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

__all__ = ["escaped_line", "is_visible", "json_text", "one_line", "printable", "visible"]

_REPLACEMENT = "\ufffd"

# Default_Ignorable_Code_Point of Unicode 16, and the blank characters among letters and symbols: those of
# Braille, Khitan, Egyptian and musical notation.
_SHAPELESS = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\u2800\U00013441\U00013442\U00016fe4\U0001d159]"
)
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
    if text == line and is_visible(line):
        return line
    escaped = "".join(c if is_visible(c) and c != "\\" else _as_python(c) for c in text)
    return escaped + r"\x20" * (len(line) - len(text))


def is_visible(text: str) -> bool:
    """Return whether each character of a text is shown as it is, and can be seen."""
    return text.isprintable() and (text.isascii() or _SHAPELESS.search(text) is None)


def visible(text: str) -> str:
    """Return a text with escapes for characters without a shape; spaces, tabs and line feeds stay.

    That is for pages and notebooks, where a browser shows nothing for such characters, or turns the text.
    """
    if is_visible(text):
        return text
    return "".join(c if c in "\t\n" or _has_shape(c) else _as_python(c) for c in text)


def _has_shape(character: str) -> bool:
    import unicodedata  # needed for rare texts only

    # Lone surrogates have no UTF-8: they become question marks when the page is written.
    return is_visible(character) or unicodedata.category(character) in ("Zs", "Cs")


def json_text(
    value: Any, *, indent: int | None = None, compact: bool = False, ascii_only: bool = False
) -> str:
    """Return JSON that shows letters of all languages and escapes what is not printable.

    A text in which a character is not printable is escaped as a whole, with its letters: that takes no longer
    than writing it, however many such characters it has. A number that is not finite, such as a sum of times
    that somebody made up, is no JSON: it becomes null.

    Args:
        value: Any JSON value, as `json.dumps` takes it.
        indent: Columns of each level; None for one line.
        compact: Whether to leave out spaces after separators.
        ascii_only: Whether to escape all characters but ASCII.
    """
    separators = (",", ":") if compact else None
    options: dict[str, Any] = {
        "ensure_ascii": ascii_only,
        "indent": indent,
        "separators": separators,
    }
    try:
        text = json.dumps(value, allow_nan=False, **options)
    except ValueError:
        text = json.dumps(_finite(value), allow_nan=False, **options)
    if is_visible(text):
        return text
    # Outside of its texts, JSON has line breaks at most, and these are `json`'s own.
    return _JSON_TEXT.sub(_escaped, text)


def _finite(value: Any) -> Any:
    """Return a JSON value with null for each number that is not finite."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value


def _replaced(line: str) -> str:
    if is_visible(line):
        return line
    kept = "".join(c if c.isprintable() or c == "\t" else _REPLACEMENT for c in line)
    return visible(kept)


def _escaped(found: re.Match[str]) -> str:
    """Return a text of JSON in ASCII if it is not printable as it stands."""
    text = found[0]
    return text if is_visible(text) else json.dumps(json.loads(text)).replace("\x7f", r"\u007f")


def _as_python(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
