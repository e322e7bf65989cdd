"""Imports of a program that do nothing, and imports that it can do without.

Generated programs begin with `import numpy as np` out of habit. Where the name is never used, the import is
dropped; where a `try` catches ImportError, it stays and raises that inside the program.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator

from viper_sandbox.policy import is_reserved
from viper_sandbox.scopes import bound_names

__all__ = ["drop_unused_imports", "guarded_imports", "names_of_imports"]

_OF_THE_ORIGINAL = frozenset(
    {"image_patch", "video_segment", "vision_processes", "main_simple_lib", "utils"}
)
"""Modules of ViperGPT: what `import *` would give of them is there already, or is reported by its name."""

_CATCHES = frozenset({"ImportError", "ModuleNotFoundError", "Exception"})


def drop_unused_imports(tree: ast.Module) -> None:
    """Remove imports of names that the program never reads; the tree is changed in place.

    Names in annotations and in classes do not count: the former are not evaluated, the latter refused.
    """
    guarded = guarded_imports(tree)
    evaluated = list(_evaluated(tree))
    read = {node.id for node in evaluated if isinstance(node, ast.Name)}
    read.update(node.name for node in evaluated if isinstance(node, ast.FunctionDef))  # bound again
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(node, name, None)
            if isinstance(statements, list):
                for index, statement in enumerate(statements):
                    if id(statement) not in guarded:
                        statements[index] = _reduced(statement, read)


def guarded_imports(tree: ast.Module) -> frozenset[int]:
    """Return the `id` of each import statement whose ImportError a `try` around it catches."""
    return frozenset(
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try) and any(_catches(h.type) for h in node.handlers)
        for inner in _statements(node.body)
        if isinstance(inner, (ast.Import, ast.ImportFrom))
    )


def names_of_imports(tree: ast.Module, statements: Collection[int]) -> frozenset[str]:
    """Return the names that import statements bind, which are given by their `id`."""
    return frozenset().union(*(bound_names([n]) for n in ast.walk(tree) if id(n) in statements))


def _reduced(statement: ast.stmt, read: set[str]) -> ast.stmt:
    """Return a statement without the names that it imports in vain."""
    if not isinstance(statement, (ast.Import, ast.ImportFrom)) or _is_special(statement):
        return statement
    if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
        return ast.copy_location(ast.Pass(), statement)
    used = [alias for alias in statement.names if _is_used(alias, read)]
    if len(used) == len(statement.names):
        return statement
    if not used:
        return ast.copy_location(ast.Pass(), statement)
    statement.names = used
    return statement


def _is_used(alias: ast.alias, read: set[str]) -> bool:
    name = alias.asname or alias.name.partition(".")[0]
    return name in read or is_reserved(name)  # which the policy refuses


def _is_special(statement: ast.Import | ast.ImportFrom) -> bool:
    """Return whether an import has no names of its own: one from `__future__`, or `import *`."""
    if not isinstance(statement, ast.ImportFrom):
        return False
    star = any(alias.name == "*" for alias in statement.names)
    return statement.module == "__future__" or (star and statement.module not in _OF_THE_ORIGINAL)


def _catches(kind: ast.expr | None) -> bool:
    match kind:
        case None:
            return True
        case ast.Name(id=name):
            return name in _CATCHES
        case ast.Tuple(elts=kinds):
            return any(map(_catches, kinds))
        case _:
            return False


def _evaluated(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes outside annotations and classes."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.ClassDef):
            continue
        yield node
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns"):
                parts = value if isinstance(value, list) else [value]
                pending += [part for part in parts if isinstance(part, ast.AST)]


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes of a body that run with it, those of functions excepted."""
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            pending.extend(ast.iter_child_nodes(node))
