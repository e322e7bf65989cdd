"""The string literals of a program with their positions, for hosts that replace them.

A plain literal has a position in the normalized source and can be replaced by another literal without a
change of the rest. Parts of f-strings, concatenated literals and literals in triple quotes are reported
without a position. Docstrings and annotations have no effect and are left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from viper_sandbox.findings import StringLiteral

__all__ = ["MAX_LITERALS", "MAX_LITERAL_CHARACTERS", "string_literals"]

# A program for one question has about ten literals of a few words; one with more is not reused.
MAX_LITERALS = 200
MAX_LITERAL_CHARACTERS = 400

_NO_VALUES = frozenset({"annotation", "returns", "ctx", "op", "ops"})

_ONE_LITERAL = re.compile(
    r"""[rRuU]?(?:'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+")"""
)


def string_literals(tree: ast.Module, source: str) -> tuple[StringLiteral, ...] | None:
    """Return the string literals of a program in the order of the source, those without a position last.

    Args:
        tree: The program as `parse` returned it.
        source: The text that was parsed, with newlines as the only line ends.

    Returns:
        None if there are too many, or if one is too long.
    """
    lines = source.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def offset(line: int, column: int) -> int:
        """Convert a line and a column in UTF-8 bytes to an index of the source."""
        text = lines[line - 1]
        inside = column if text.isascii() else len(text.encode()[:column].decode())
        return starts[line - 1] + inside

    found: list[StringLiteral] = []
    for node, whole in _texts(tree):
        value = str(node.value)
        if len(found) == MAX_LITERALS or len(value) > MAX_LITERAL_CHARACTERS:
            return None
        place: tuple[int, int] | None = None
        if whole and node.end_lineno == node.lineno and node.end_col_offset is not None:
            place = offset(node.lineno, node.col_offset), offset(node.lineno, node.end_col_offset)
            if not _ONE_LITERAL.fullmatch(source, *place) or not _encodable(value):
                place = None
        found.append(StringLiteral(value, *(place or (None, None))))
    return tuple(
        sorted(found, key=lambda text: (text.start is None, text.start or 0, text.value)),
    )


def _texts(tree: ast.Module) -> Iterator[tuple[ast.Constant, bool]]:
    """Yield string constants, and whether each is a whole expression, not part of an f-string."""
    # Written for speed, because it runs for every program: `match` takes twice as long.
    pending: list[tuple[ast.AST, bool]] = [(tree, True)]
    while pending:
        node, whole = pending.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                yield node, whole
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring or another unused text
        # Before Python 3.12 positions inside an f-string are wrong.
        whole = whole and not isinstance(node, ast.JoinedStr)
        for name in node._fields:
            if name in _NO_VALUES:
                continue
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                pending.append((value, whole))
            elif isinstance(value, list):
                pending += [(child, whole) for child in value if isinstance(child, ast.AST)]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which the wire would change
        return False
    return True
