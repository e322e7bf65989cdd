"""What is known of a run while roles are sought: its record, read by names and loops; the roles so far."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from viper_sandbox.evidence.flow import (
    VALUE,
    Definition,
    Flow,
    FunctionFlow,
    Loop,
    Return,
    called,
    names_in,
    site_of,
    unwrapped,
)
from viper_sandbox.evidence.recorder import EvidenceRecorder, Patches
from viper_sandbox.exchange import ROLES, Role

__all__ = ["Collected", "Items", "Scope", "UnknownError", "loops_of"]

# Seeking is bounded, in expressions followed and patches taken: a hostile program has thousands of both.
_MOST_STEPS = 20_000


class UnknownError(Exception):
    """What the answer rests on cannot be told."""


class Items(NamedTuple):
    """What a loop variable stands for."""

    kept: Patches
    """The items for which the condition held."""
    seen: Patches
    """All items that were looked at."""


Scope: TypeAlias = Mapping[str, "Items | None"]
"""Loop variables around an expression; None for one whose patches play no role of their own here."""


class Collected:
    """The roles so far, and how the record of a run is read.

    Args:
        flow: The data flow of the program.
        record: The record of its run.
    """

    def __init__(self, flow: Flow, record: EvidenceRecorder) -> None:
        self._flow = flow
        self._record = record
        self._by_role: dict[Role, Patches] = {role: {} for role in ROLES}
        self._untested: Patches = {}
        self._visited: set[tuple[Any, ...]] = set()
        self._steps = 0
        self._names: dict[int, frozenset[str]] = {}
        self._function = flow.module
        self._variables: dict[int, Mapping[str, Patches]] = {}
        """Function (its `id`) → its variables when it returned last."""
        for site, variables in record.variables.items():
            self._variables[id(flow.return_sites[site][0])] = variables

    @property
    def _anything(self) -> bool:
        return bool(self._by_role["answer"])

    def _take(self, patches: Patches, role: Role) -> bool:
        self._step(len(patches))
        self._by_role[role].update(patches)
        return bool(patches)

    def _take_items(self, items: Items | None, role: Role) -> bool:
        """Take what a loop variable stands for: of an answer, those for which the condition held."""
        if items is None:
            return False
        return self._take(items.kept if role == "answer" else items.seen, role)

    def _log(self, key: Any) -> Patches:
        site = self._flow.site_of.get(id(key))
        return {} if site is None else self._record.patches[site]

    def _step(self, number: int = 1) -> None:
        self._steps += number
        if self._steps > _MOST_STEPS:
            raise UnknownError

    def _is_new(self, *key: Any) -> bool:
        if key in self._visited:
            return False
        self._visited.add(key)
        return True

    # Names

    def _held(self, name: str) -> tuple[Patches, list[Definition], FunctionFlow] | None:
        """Return the patches that a name held at the end, and its definitions; None for a parameter."""
        owner = self._function.owner(name)
        if owner is None:
            return None
        held = self._variables.get(id(owner), {}).get(name, {})
        return held, owner.definitions.get(name, []), owner

    def _names_in(self, node: ast.expr) -> frozenset[str]:
        """Return the names in an expression."""
        if type(node) is ast.Name:
            return frozenset((node.id,))
        if id(node) not in self._names:
            found: set[str] = set()
            pending: list[ast.AST] = [node]
            while pending:
                part = pending.pop()
                if type(part) is ast.Name:
                    found.add(part.id)
                pending += ast.iter_child_nodes(part)
            self._names[id(node)] = frozenset(found)
        return self._names[id(node)]

    # Loops

    def _targets(self, loop: Loop) -> tuple[str, ...]:
        """Return the names that stand for the items of a loop; of `while`, the names in its condition."""
        if isinstance(loop, ast.For):
            return tuple(names_in(loop.target))
        return tuple(sorted(self._names_in(loop.test)))

    def _seen(self, loop: Loop) -> Patches:
        """Return the items that a loop has walked through."""
        seen = dict(self._log(loop))
        for site in self._flow.index_sites.get(id(loop), ()):
            seen.update(self._record.patches[site])
        return seen

    def _items_kept(self, definition: Definition) -> dict[str, Items | None]:
        """Return the loop variables at a statement, with the items for which it ran."""
        kept = {
            loop: self._record.patches[site]
            for loop, site in definition.kept.items()
        }  # fmt: skip
        scope: dict[str, Items | None] = {}
        for loop in loops_of(definition.controls):
            items = Items(kept.get(id(loop), {}), self._seen(loop))
            scope.update(dict.fromkeys(self._targets(loop), items))
        return scope

    def _items_of_loops(self, left: Return) -> dict[str, Items | None]:
        """Return the loop variables at a return statement, with what they held when it ran."""
        scope: dict[str, Items | None] = {}
        for loop in loops_of(left.controls):
            for name in self._targets(loop):
                held = self._held(name)
                patches = held[0] if held else {}
                if not patches:  # an index: the item that it stood for last
                    continue
                scope[name] = Items(patches, self._seen(loop))
        return scope

    def _subject(self, loops: Sequence[Loop]) -> Loop | None:
        """Return the loop whose items a statement counts: the outermost, or one over its items."""
        subject: Loop | None = None
        names: tuple[str, ...] = ()
        for loop in loops:
            if self._seen(loop) and (
                subject is None
                or (isinstance(loop, ast.For) and not self._names_in(loop.iter).isdisjoint(names))
            ):
                subject, names = loop, self._targets(loop)
        return subject

    def _leave_untested(self, walked: ast.expr, seen: Patches) -> None:
        """Note the items that a loop did not reach, since it ended before."""
        node = unwrapped(walked)
        if isinstance(node, ast.Name):
            found = self._held(node.id)
            if found is not None:
                self._untested.update({n: p for n, p in found[0].items() if n not in seen})
        elif isinstance(walked, ast.Call) and called(walked) == VALUE:
            values = self._record.patches[site_of(walked)]
            self._untested.update({n: p for n, p in values.items() if n not in seen})


def loops_of(controls: Sequence[Any]) -> list[Loop]:
    """Return the loops among the statements around a statement."""
    if not controls:
        return []
    return [control for control in controls if type(control) is not ast.If]
