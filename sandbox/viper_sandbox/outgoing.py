"""Texts of a program as they leave its process: results, keys, arguments of calls, prints and messages.

Without addresses: Python's text of a function or a generator ends in its place in memory, which differs from
run to run and tells how the memory of all children is laid out. And without half a character (a lone
surrogate), which has no UTF-8: it is written as its escape, so that it is seen.
"""

from __future__ import annotations

import re

__all__ = ["outgoing", "with_escapes"]

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]{1,16}+>")
_START = " at 0x"  # most texts have none, and a search for it is faster


def outgoing(text: str) -> str:
    """Return a text without addresses, `<function find at 0x7f…>` → `<function find>`, and with escapes."""
    if _START in text:
        text = _ADDRESS.sub(">", text)
    return with_escapes(text)


def with_escapes(text: str) -> str:
    r"""Return a text that has UTF-8: a lone surrogate is written as in a literal, `\ud800`."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
