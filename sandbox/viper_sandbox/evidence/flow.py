"""What is known of a program's data flow before it runs: its functions, and where each name gets its values.

`marking` fills this in while it guards the program; `roles` and `absence` read it after the run. It is a
hint: names are told apart by function, but the order of statements does not count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

__all__ = [
    "AGAIN",
    "COUNTED",
    "GUARDS",
    "INDEXED",
    "ITEM",
    "LEFT",
    "SEEN",
    "VALUE",
    "Control",
    "Definition",
    "Flow",
]
__all__ += ["FunctionFlow", "Loop", "Return", "attribute_of", "called", "names_in", "site_of"]
__all__ += ["unwrapped"]

SEEN: Final = "_seen_"
"""Records the item of a loop, or one that a statement of a loop keeps or counts."""
VALUE: Final = "_value_"
"""Records the patches in the value of an expression."""
ITEM: Final = "_item_"
"""Records the items of a comprehension for which its element is not false, empty or None."""
COUNTED: Final = "_counted_"
"""Records the items of a comprehension, whatever its element is: a place, which may be 0."""
INDEXED: Final = "_indexed_"
"""Records the patch that an index of a loop stands for."""
AGAIN: Final = "_again_"
"""Records the patches once more that the indexes of a loop stand for now."""
LEFT: Final = "_left_"
"""Records the variables of a function that returns."""
GUARDS: Final = frozenset({SEEN, VALUE, ITEM, COUNTED, INDEXED, AGAIN, LEFT})
"""Names of the recorder's functions; programs cannot use such names."""

Loop: TypeAlias = "ast.For | ast.While"
Control: TypeAlias = "ast.If | ast.For | ast.While"


@dataclass(slots=True)
class Definition:
    """One place where a name gets a value, or its value is changed."""

    value: ast.expr | None
    """What is assigned or added; None where nobody can say."""
    controls: tuple[Control, ...] = ()
    """The statements around it in its function, outermost first."""
    kept: dict[int, int] = field(default_factory=dict)
    """Loop (its `id`) → the site that recorded its items here."""
    loop: ast.For | None = None
    """The loop whose target it is; the value is what the loop walks through."""
    changes: bool = False
    """Whether it only adds to a value."""


@dataclass(slots=True)
class Return:
    """A return statement."""

    node: ast.Return
    controls: tuple[Control, ...]


@dataclass(slots=True)
class FunctionFlow:
    """A function of the program, or the module around them."""

    node: ast.FunctionDef | ast.Lambda | ast.Module
    parent: FunctionFlow | None
    parameters: tuple[str, ...] = ()
    definitions: dict[str, list[Definition]] = field(default_factory=dict)
    returns: list[Return] = field(default_factory=list)

    def define(self, name: str, definition: Definition) -> None:
        """Add a definition of a name."""
        self.definitions.setdefault(name, []).append(definition)

    def owner(self, name: str) -> FunctionFlow | None:
        """Return the innermost function, from this one outwards, in which the name has a value."""
        scope: FunctionFlow | None = self
        while scope is not None:
            if name in scope.definitions or name in scope.parameters:
                return scope
            scope = scope.parent
        return None


class Flow:
    """The data flow of one program."""

    def __init__(self, module: ast.Module) -> None:
        self.module = FunctionFlow(module, None)
        self.functions: dict[str, FunctionFlow] = {}
        """Functions by name; of several with one name, the last."""
        self.calls: dict[str, list[tuple[ast.Call, FunctionFlow]]] = {}
        """Calls of plain names, and the function that each is in."""
        self.return_sites: dict[int, tuple[FunctionFlow, Return]] = {}
        self.sites = 0
        """Number of sites that record."""
        self.site_of: dict[int, int] = {}
        """Loop, comprehension's generator or element (its `id`) → site."""
        self.index_sites: dict[int, list[int]] = {}
        """Loop over numbers (its `id`) → sites of items that its index stands for."""
        self.tests: dict[int, list[ast.expr]] = {}
        """Loop (its `id`) → the conditions of `if` statements in it."""

    def new_site(self) -> int:
        """Return the number of a new site."""
        self.sites += 1
        return self.sites - 1


_AROUND = frozenset({VALUE, ITEM, COUNTED, INDEXED, LEFT})


def called(node: ast.AST) -> str | None:
    """Return the plain name that is called; None if there is none."""
    if type(node) is ast.Call and type(node.func) is ast.Name:
        return node.func.id
    return None


def unwrapped(node: ast.expr) -> ast.expr:
    """Return an expression without the recorder's call around it."""
    while type(node) is ast.Call and type(node.func) is ast.Name and node.func.id in _AROUND:
        node = node.args[1]
    return node


def site_of(call: ast.Call) -> int:
    """Return the site of a call of the recorder's."""
    site = call.args[0]
    assert isinstance(site, ast.Constant), "the marking wrote it"
    number = site.value
    assert isinstance(number, int), "it is the number of a site"
    return number


def attribute_of(node: ast.expr) -> tuple[ast.expr, str] | None:
    """Return the owner and the name of a guarded attribute; None for another expression."""
    if type(node) is ast.Call and type(node.func) is ast.Name and node.func.id == "_getattr_":
        owner, name = node.args
        assert isinstance(name, ast.Constant), "the policy wrote it"
        return owner, str(name.value)
    return None


def names_in(target: ast.expr) -> Iterator[str]:
    """Yield the names that a target binds, in order."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            yield from names_in(element)
    elif isinstance(target, ast.Starred):
        yield from names_in(target.value)
