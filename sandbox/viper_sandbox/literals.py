"""The texts of a program and where they stand, for a host that may put others in their place.

A text that is one plain literal has a place in the normalised source; replacing it by another literal
leaves the rest of the program as it is. Pieces of f-strings, literals that are written in several parts,
and literals in triple quotes are told without a place. Docstrings and annotations do nothing and are
left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from viper_sandbox.findings import StringLiteral

__all__ = ["MAX_LITERALS", "MAX_LITERAL_CHARACTERS", "string_literals"]

MAX_LITERALS = 200
MAX_LITERAL_CHARACTERS = 400
# A program for one question has ten literals of a few words; what has more is no template for another.

_NO_VALUES = frozenset({"annotation", "returns", "ctx", "op", "ops"})

_ONE_LITERAL = re.compile(r"""[rRuU]?(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")""")


def string_literals(tree: ast.Module, source: str) -> tuple[StringLiteral, ...] | None:
    """Return the texts of a program in the order of the source, those without a place last.

    Args:
        tree: The program as `parse` gave it.
        source: What was parsed, lines ended by newlines alone.

    Returns:
        None when there are too many, or one is too long, to be told.
    """
    lines = source.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def offset(line: int, column: int) -> int:
        """Turn ast's line and column, which counts UTF-8 bytes, into an index of the source."""
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
    """Yield the texts, and whether each is a whole expression, not a piece of an f-string."""
    # Every program comes through here, so this is written for speed: `match` takes twice as long.
    pending: list[tuple[ast.AST, bool]] = [(tree, True)]
    while pending:
        node, whole = pending.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                yield node, whole
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring, or a text that stands alone
        # Before Python 3.12 the places inside an f-string are wrong.
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
