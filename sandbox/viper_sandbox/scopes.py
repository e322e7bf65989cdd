"""Scopes of a program: the names that it binds, and the expressions that are certainly patches.

The analysis is deliberately simple: scopes ignore the order of statements, and a name is a patch only if all
of its bindings, in any scope, are patches.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from viper_sandbox.api import PATCH, Api

__all__ = ["Kind", "Kinds", "Scope"]
__all__ += ["binding_counts", "bound_names", "constants", "parameter_names"]

Kind: TypeAlias = Literal["patch", "patches", "other"]
_ELEMENT_OF = ("max", "min")
_SAME_AS = ("list", "reversed", "sorted", "tuple")


class Scope(NamedTuple):
    """Names bound in one function, lambda, comprehension or the module."""

    names: frozenset[str]
    parent: Scope | None

    def binds(self, name: str) -> bool:
        """Return whether the name is bound here or in an outer scope."""
        return name in self.names or (self.parent is not None and self.parent.binds(name))

    def all_names(self) -> frozenset[str]:
        """Return all names that are visible here."""
        return self.names | self.parent.all_names() if self.parent else self.names


def parameter_names(arguments: ast.arguments) -> frozenset[str]:
    """Return the names that a signature binds."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    starred = [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return frozenset(argument.arg for argument in [*named, *starred])


def bound_names(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Return the names that statements or targets bind in their own scope."""
    collector = _Bindings()
    for node in nodes:
        collector.visit(node)
    return frozenset(collector.names)


def binding_counts(tree: ast.AST) -> Counter[str]:
    """Return how often each name is bound, in all scopes together."""
    counts: Counter[str] = Counter()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                counts[name] += 1
            case ast.FunctionDef(name=name) | ast.ExceptHandler(name=str(name)):
                counts[name] += 1
            case ast.alias(name=module, asname=name):
                counts[name or module] += 1
            case _:
                pass
    return counts


def constants(tree: ast.AST, counts: Counter[str]) -> dict[str, ast.expr]:
    """Return the value of each name that is bound only once, by a plain assignment.

    This is a hint: a program may change a list after it was assigned.

    Args:
        tree: The program.
        counts: Its `binding_counts`.
    """
    return {
        node.targets[0].id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
        and counts[node.targets[0].id] == 1
    }


class _Bindings(ast.NodeVisitor):
    """Collects the names that statements bind."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.names.add(node.id)

    def visit_FunctionDef(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    ) -> None:
        self.names.add(node.name)
        if not isinstance(node, ast.ClassDef):
            for default in [*node.args.defaults, *node.args.kw_defaults]:
                if default is not None:
                    self.visit(default)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global):  # a function that binds names of the module
                self.names.update(inner.names)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815
    visit_ClassDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:  # unlike the body, it belongs to the scope around the lambda
                self.visit(default)

    def visit_ListComp(self, node: ast.AST) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):  # leaks out of a comprehension, unlike its targets
                self.names.add(inner.target.id)

    visit_SetComp = visit_ListComp  # noqa: N815
    visit_DictComp = visit_ListComp  # noqa: N815
    visit_GeneratorExp = visit_ListComp  # noqa: N815

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self.names.add(alias.asname or alias.name.partition(".")[0])

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.names.add(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.names.add(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs  # noqa: N815


class Kinds:
    """Finds out which expressions are patches or lists of patches.

    Args:
        tree: The program.
        api: The API, for methods that return patches.
        entry: The function that is called with the image.
    """

    def __init__(self, tree: ast.Module, api: Api, entry: ast.FunctionDef | None) -> None:
        self._names: dict[str, Kind] = {}
        self._returns: dict[str, Kind] = {
            name: "patch" if entry.returns == PATCH else "patches"
            for name, entry in api.methods.items()
            if entry.returns in (PATCH, f"list[{PATCH}]")
        }
        bindings = list(_bindings(tree, entry))
        self.imported = {name for name, value, _ in bindings if value == "import"}
        # Names of the API that the program binds to other values.
        self.overridden = {name for name, value, _ in bindings if value not in ("given", "import")}
        for _ in range(3):  # enough for chains as in `for p in patches` above `patches = …`
            self._names = self._settle(bindings)

    def of(self, node: ast.expr) -> Kind | None:
        """Return the kind of an expression; None if it is not certain."""
        match node:
            case ast.Name(id=name):
                return self._names.get(name)
            case ast.Constant() | ast.JoinedStr() | ast.Dict() | ast.Set():
                return "other"
            case ast.Call(func=ast.Name(id=name)) if name == PATCH:
                return "patch"
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in _SAME_AS:
                return self.of(first)
            case ast.Call(func=ast.Name(id=name), args=[only]) if name in _ELEMENT_OF:
                return self._element(only)
            case ast.Call(func=ast.Attribute(value=receiver, attr=name)) if name in self._returns:
                return self._returns[name] if self.of(receiver) == "patch" else None
            case ast.Subscript(value=value, slice=ast.Slice()):
                return self.of(value)
            case ast.Subscript(value=value):
                return self._element(value)
            case _:
                return None

    def _element(self, node: ast.expr) -> Kind | None:
        return "patch" if self.of(node) == "patches" else None

    def _settle(self, bindings: list[_Binding]) -> dict[str, Kind]:
        kinds: dict[str, Kind | None] = {}
        for name, value, is_element in bindings:
            kind: Kind | None = "patch" if value == "image" else None
            if isinstance(value, ast.expr):
                kind = self._element(value) if is_element else self.of(value)
            kinds[name] = kind if kinds.setdefault(name, kind) == kind else None
        return {name: kind for name, kind in kinds.items() if kind is not None}


def _plain_names(target: ast.expr) -> list[str]:
    """Return the names of a target such as `a, b`; empty if it is another."""
    elements = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
    names = [element.id for element in elements if isinstance(element, ast.Name)]
    return names if len(names) == len(elements) else []


_Binding: TypeAlias = "tuple[str, ast.expr | Literal['image', 'given', 'import'] | None, bool]"


def _bindings(tree: ast.Module, entry: ast.FunctionDef | None) -> Iterable[_Binding]:
    """Yield (name, value, True if the name is an element of the value).

    The value is an expression, "image", "import", "given" for another parameter of the entry, or None if
    unknown. "import" and "given" do not rebind a name of the API to something else.
    """
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.For, ast.comprehension)):
            value = node.value if isinstance(node, ast.Assign) else node.iter
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, value, not isinstance(node, ast.Assign)
                elif isinstance(node, ast.Assign) and (names := _plain_names(target)):
                    match value:  # a, b = patches; a, b = left, right
                        case ast.Tuple(elts=parts) | ast.List(elts=parts) if len(parts) == len(
                            names
                        ) and not any(isinstance(part, ast.Starred) for part in parts):
                            yield from (
                                (n, part, False) for n, part in zip(names, parts, strict=True)
                            )
                        case _:
                            yield from ((name, value, True) for name in names)
                else:
                    yield from ((name, None, False) for name in bound_names([target]))
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and isinstance(node.target, ast.Name):
            if node.value is not None:
                yield node.target.id, node.value, False
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, None, False
        elif isinstance(node, (ast.FunctionDef, ast.Lambda, ast.AsyncFunctionDef)):
            for name in parameter_names(node.args):
                passed: Literal["image", "given"] = "image" if name == "image" else "given"
                yield name, passed if node is entry else None, False
            if not isinstance(node, ast.Lambda):
                yield node.name, None, False
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in bound_names([node]):
                yield name, "import", False
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs)) and node.name:
            yield node.name, None, False
