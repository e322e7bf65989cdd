"""Attributes that a program may read because of what it defines or passes on itself."""

from __future__ import annotations

import ast

from viper_sandbox.namespace import ALLOWED_MODULES

__all__ = ["members_of_classes", "members_of_passed_on_modules"]


def members_of_classes(tree: ast.Module) -> frozenset[str]:
    """Return the attributes that refused classes would give their objects."""
    names: set[str] = set()
    for owner in ast.walk(tree):
        if isinstance(owner, ast.ClassDef):
            for node in ast.walk(owner):
                match node:
                    case ast.FunctionDef(name=name) | ast.Attribute(attr=name, ctx=ast.Store()):
                        names.add(name)
                    case ast.Name(id=name, ctx=ast.Store()):
                        names.add(name)
                    case _:
                        pass
    return frozenset(names)


def members_of_passed_on_modules(tree: ast.Module) -> frozenset[str]:
    """Return the members of modules that are used as values, so that other names may refer to them."""
    owners = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in owners
    }
    return frozenset().union(*(dir(m) for name, m in ALLOWED_MODULES.items() if name in names))
