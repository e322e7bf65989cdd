"""Notes what was dropped on the way to a value that holds patches, and what others were compared with."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from viper_sandbox.evidence.collected import Scope, loops_of
from viper_sandbox.evidence.expressions import ExpressionWalk, is_guard
from viper_sandbox.evidence.flow import (
    COUNTED,
    INDEXED,
    ITEM,
    LEFT,
    SEEN,
    VALUE,
    Definition,
    FunctionFlow,
    Loop,
    attribute_of,
    called,
    names_in,
    site_of,
    unwrapped,
)

__all__ = ["ChoiceWalk"]

_KEEPING = frozenset("pop copy get values items keys".split())


class ChoiceWalk(ExpressionWalk):
    """Explains values: by conditions, choices and loops."""

    def _explain(self, node: ast.expr, scope: Scope) -> None:
        """Note what was dropped on the way to a value whose patches have been taken."""
        self._step()
        match node:
            case ast.Name(id=name):
                found = None if name in scope else self._held(name)
                if found is not None:
                    patches, definitions, owner = found
                    self._take(patches, "rejected")
                    self._explain_definitions(name, definitions, owner, scope)
            case ast.Call():
                self._explain_call(node, scope)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self._explain_comprehension(node, scope)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._explain(body, scope)
                self._explain(orelse, scope)
                if not is_guard(test):
                    self._walk(test, "reference", scope)
            case ast.Lambda():
                pass
            case ast.Subscript(value=value):
                self._explain(value, scope)
            case _:
                for part in ast.iter_child_nodes(node):
                    if isinstance(part, ast.expr):
                        self._explain(part, scope)

    def _explain_call(self, node: ast.Call, scope: Scope) -> None:
        name = called(node)
        if name in (VALUE, INDEXED, LEFT):
            self._take(self._record.patches[site_of(node)], "rejected")
            self._explain(node.args[1], scope)
        elif name in (ITEM, COUNTED):
            self._explain(node.args[1], scope)
        elif name in self._flow.functions:
            self._explain_function(node, self._flow.functions[name], scope)
        elif name in ("filter", "map") and node.args and isinstance(node.args[0], ast.Lambda):
            names = [argument.arg for argument in node.args[0].args.args]
            self._walk(node.args[0].body, "reference", {**scope, **dict.fromkeys(names)})
            for walked in node.args[1:]:
                self._explain(walked, scope)
        elif name in ("filter", "map") and node.args:
            self._walk_key(node.args[0], scope)
            for walked in node.args[1:]:
                self._explain(walked, scope)
        elif name is not None:
            for argument in node.args:
                self._explain(argument, scope)
            self._walk_keys(node, scope)
        else:
            method = attribute_of(node.func)
            if method is not None and method[1] in (
                "pop",
                "copy",
                "get",
                "values",
                "items",
                "keys",
            ):
                self._explain(method[0], scope)

    def _explain_function(self, node: ast.Call, function: FunctionFlow, scope: Scope) -> None:
        for argument in node.args:
            self._explain(argument, scope)
        if not self._is_new("explained function", id(function.node)):
            return
        outer, self._function = self._function, function
        inside = {**scope, **dict.fromkeys(function.parameters)}
        for left in function.returns:
            if left.node.value is not None:
                self._explain(unwrapped(left.node.value), inside)
        self._function = outer

    def _explain_comprehension(self, node: Any, scope: Scope) -> None:
        own = {name: None for part in node.generators for name in names_in(part.target)}
        element = unwrapped(node.value if isinstance(node, ast.DictComp) else node.elt)
        held = self._names_in(element)
        for part in node.generators:
            seen = self._log(part)
            names = set(names_in(part.target))
            is_subject = not held.isdisjoint(names) or len(node.generators) == 1
            self._take(seen, "rejected" if is_subject else "reference")
            self._leave_untested(part.iter, seen)
            self._explain(part.iter, scope)
            for test in part.ifs:
                if called(test) != SEEN:
                    self._walk(test, "reference", {**scope, **own})

    # Names and loops

    def _explain_definitions(
        self, name: str, definitions: list[Definition], owner: FunctionFlow, scope: Scope
    ) -> None:
        if not self._is_new("explained", name, id(owner)):
            return
        outer, self._function = self._function, owner
        for definition in definitions:
            loops = loops_of(definition.controls)
            if definition.loop is not None:
                self._drop_items(definition.loop, scope)
            elif loops:
                self._account_for(definition.controls, self._items_kept(definition))
            if definition.value is not None and definition.loop is None:
                self._explain(definition.value, scope)
        self._function = outer

    def _account_for(self, controls: Sequence[Any], scope: Scope) -> None:
        """Note what loops around a statement have dropped, and what their conditions compared with."""
        loops = loops_of(controls)
        subject = self._subject(loops)
        if subject is None:
            return
        self._drop_items(subject, scope)
        outer = loops[: loops.index(subject) + 1]
        under_test: Scope = {**scope, **{n: None for loop in outer for n in self._targets(loop)}}
        for test in self._flow.tests.get(id(subject), ()):
            if not is_guard(test) and self._is_new("loop", id(test)):
                self._walk(test, "reference", under_test)

    def _drop_items(self, loop: Loop, scope: Scope) -> None:
        seen = self._seen(loop)
        self._take(seen, "rejected")
        if isinstance(loop, ast.For):
            self._leave_untested(loop.iter, seen)
            self._explain(loop.iter, scope)

    def _account_for_comprehension(
        self, node: Any, subject: tuple[str, ...], inside: Scope, scope: Scope
    ) -> None:
        own = {name: None for part in node.generators for name in names_in(part.target)}
        for part in node.generators:
            seen = self._log(part)
            is_subject = not subject or names_in(part.target).__next__() in subject
            self._take(seen, "rejected" if is_subject else "reference")
            self._leave_untested(part.iter, seen)
            self._explain(part.iter, scope)
            under_test = {**inside, **(own if not subject else dict.fromkeys(subject))}
            for test in part.ifs:
                if called(test) != SEEN:
                    self._walk(test, "reference", under_test)
