"""Splits a program into the lines that Python counts.

`str.splitlines` also breaks at U+2028, form feeds and other characters that a program may hold in a text or
comment: whoever splits there displays lines that never ran, with the numbers of other lines.
"""

from __future__ import annotations

__all__ = ["lines_of"]


def lines_of(source: str) -> list[str]:
    """Return the lines of a program without their line feeds; a final line feed begins no further line.

    Args:
        source: As `viper_sandbox.extract` normalizes it: only line feeds end its lines.
    """
    lines = source.split("\n")
    return lines if lines[-1] else lines[:-1]
