"""Follows expressions whose value tells of patches without holding any: counts, comparisons, flags, texts."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from viper_sandbox.evidence.collected import Collected, Items, Scope, UnknownError, loops_of
from viper_sandbox.evidence.flow import (
    COUNTED,
    INDEXED,
    ITEM,
    LEFT,
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
from viper_sandbox.exchange import Role

__all__ = ["ExpressionWalk", "is_guard"]

_COUNTS = frozenset({"len", "sum"})


class ExpressionWalk(Collected, ABC):
    """Follows expressions to the patches that they tell of."""

    @abstractmethod
    def _explain(self, node: ast.expr, scope: Scope) -> None:
        """Note what was dropped on the way to a value whose patches have been taken."""

    @abstractmethod
    def _explain_definitions(
        self, name: str, definitions: list[Definition], owner: FunctionFlow, scope: Scope
    ) -> None:
        """Note what was dropped on the way to the value of a name."""

    @abstractmethod
    def _explain_comprehension(self, node: Any, scope: Scope) -> None:
        """Note what was dropped on the way to what a comprehension made."""

    @abstractmethod
    def _account_for(self, controls: Any, scope: Scope) -> None:
        """Note what loops around a statement have dropped, and what their conditions compared with."""

    @abstractmethod
    def _account_for_comprehension(
        self, node: Any, subject: tuple[str, ...], inside: Scope, scope: Scope
    ) -> None:
        """Note what a comprehension has dropped, and what its conditions compared with."""

    def _walk(self, node: ast.expr, role: Role, scope: Scope) -> bool:
        """Follow an expression whose value tells of patches; return whether it led to any."""
        self._step()
        match node:
            case ast.Name(id=name):
                return self._walk_name(name, role, scope)
            case ast.Call():
                return self._walk_call(node, role, scope)
            case ast.Compare(left=left, comparators=[right, *_], ops=[op, *_]):
                symmetric = isinstance(op, (ast.Eq, ast.NotEq, ast.In, ast.NotIn))
                return self._walk_pair(left, right, role, scope, symmetric=symmetric)
            case ast.BinOp(left=left, right=right, op=op):
                return self._walk_pair(
                    left, right, role, scope, symmetric=not isinstance(op, ast.Sub)
                )
            case ast.BoolOp(values=values):
                tests = [part for part in values if not is_guard(part)] or values
                return self._walk_all(tests, role, scope)
            case ast.UnaryOp(operand=operand):
                return self._walk(operand, role, scope)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                has_patches = [self._walk(part, role, scope) for part in (body, orelse)]
                if not any(has_patches):
                    return self._walk(test, role, scope)
                if not is_guard(test):
                    self._walk(test, "reference", scope)
                return True
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._walk_comprehension(node, role, scope)
            case _:
                parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
                return self._walk_all(parts, role, scope)

    def _walk_all(self, nodes: Iterable[ast.expr], role: Role, scope: Scope) -> bool:
        has_patches = [self._walk(node, role, scope) for node in nodes]
        return any(has_patches)

    def _walk_pair(
        self, left: ast.expr, right: ast.expr, role: Role, scope: Scope, *, symmetric: bool
    ) -> bool:
        """Follow both sides: what is measured, and what it is measured by."""
        has_patches = self._walk(left, role, scope)
        both = symmetric or not has_patches or self._is_count(right)
        return self._walk(right, role if both else "reference", scope) or has_patches

    def _is_count(self, node: ast.expr) -> bool:
        node = unwrapped(node)
        if isinstance(node, ast.Name):
            found = self._held(node.id)
            definitions = found[1] if found else []
            return any(
                d.changes or (d.value is not None and called(unwrapped(d.value)) in _COUNTS)
                for d in definitions
            )
        return called(node) in _COUNTS

    # Names

    def _walk_name(self, name: str, role: Role, scope: Scope) -> bool:
        if name in scope:
            return self._take_items(scope[name], role)
        found = self._held(name)
        if found is None:
            return False
        patches, definitions, owner = found
        loop = next((d.loop for d in definitions if d.loop is not None), None)
        if role != "answer" and loop is not None:
            patches = self._seen(loop) or patches
        if role != "answer" and self._is_item(definitions, scope):
            return False
        if patches:
            self._take(patches, role)
            self._explain_definitions(name, definitions, owner, scope)
            return True
        if name in self._variables.get(
            id(owner), {}
        ):  # an empty list: nothing is left of what was found
            self._explain_definitions(name, definitions, owner, scope)
            return False
        if not self._is_new("name", name, id(owner), role):
            return False
        outer, self._function = self._function, owner
        try:
            has_patches = [self._walk_definition(one, role, scope) for one in definitions]
            return any(has_patches)
        finally:
            self._function = outer

    @staticmethod
    def _is_item(definitions: list[Definition], scope: Scope) -> bool:
        """Return whether a name stands for the item of an index that is under test: `p = people[i]`."""
        return bool(definitions) and all(
            definition.value is not None and _index_of(definition.value) in scope
            for definition in definitions
        )

    def _walk_definition(self, definition: Definition, role: Role, scope: Scope) -> bool:
        """Follow a value without patches: a count, a flag, a text."""
        value = definition.value
        if value is None:
            return False
        loops = loops_of(definition.controls)
        if definition.loop is not None:  # an item without patches, such as a name out of a list
            return self._walk(value, role, scope)
        inside = {**self._items_kept(definition), **scope} if loops else scope
        before = len(self._by_role[role])
        has_patches = self._walk(value, role, inside)
        if loops:
            if not has_patches or isinstance(unwrapped(value), ast.Constant):
                has_patches = self._take_subject(loops, inside, role) or has_patches
            self._account_for(definition.controls, inside)
        elif not has_patches and not definition.changes:
            for control in definition.controls:
                if not isinstance(control, ast.For) and self._is_new("test", id(control), role):
                    has_patches = self._walk(control.test, role, scope) or has_patches
        return has_patches or len(self._by_role[role]) > before

    def _take_subject(self, loops: Sequence[Loop], scope: Scope, role: Role) -> bool:
        """Take the items that a statement in loops counts."""
        subject = self._subject(loops)
        if subject is None:
            if any(isinstance(loop, ast.While) for loop in loops):
                raise UnknownError
            return False
        items = next((scope[name] for name in self._targets(subject) if scope.get(name)), None)
        return self._take_items(items, role)

    # Calls

    def _walk_call(self, node: ast.Call, role: Role, scope: Scope) -> bool:
        name = called(node)
        if name in (VALUE, INDEXED, LEFT):
            return self._walk_recorded(node, role, scope)
        if name in (ITEM, COUNTED):
            return self._walk(node.args[1], role, scope)
        attribute = attribute_of(node)
        if attribute is not None:
            return self._walk(attribute[0], role, scope)
        if name is None:
            return self._walk_method(node, role, scope)
        if name in self._flow.functions:
            return self._walk_function(node, self._flow.functions[name], role, scope)
        if name in ("filter", "map") and node.args and isinstance(node.args[0], ast.Lambda):
            return self._walk_lambda(node, node.args[0], role, scope)
        if name in ("filter", "map") and node.args:
            self._walk_key(node.args[0], scope)
            return self._walk_all(node.args[1:], role, scope)
        if name == "distance" and len(node.args) == 2:
            return self._walk_pair(node.args[0], node.args[1], role, scope, symmetric=False)
        if name in ("any", "all") and len(node.args) == 1:
            return self._walk_tests(node.args[0], role, scope)
        has_patches = self._walk_all(node.args, role, scope)
        self._walk_keys(node, scope)
        return has_patches

    def _walk_tests(self, node: ast.expr, role: Role, scope: Scope) -> bool:
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            return self._walk_comprehension(node, role, scope, tested=True)
        return self._walk(node, role, scope)

    def _walk_method(self, node: ast.Call, role: Role, scope: Scope) -> bool:
        method = attribute_of(node.func)
        if method is None:
            return False
        has_patches = self._walk(method[0], role, scope)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self._walk(argument, "reference" if has_patches else role, scope)
        return has_patches

    def _walk_recorded(self, node: ast.Call, role: Role, scope: Scope) -> bool:
        inner: ast.expr = node.args[1]
        index = _index_of(node)
        if index is not None and index in scope:
            return self._take_items(scope[index], role)
        patches = self._record.patches[site_of(node)]
        if isinstance(inner, ast.Subscript) and isinstance(unwrapped(inner.value), ast.Name):
            name = unwrapped(inner.value)
            assert isinstance(name, ast.Name)
            if name.id in scope:  # an item that is itself a list
                return self._walk_name(name.id, role, scope)
        if not patches and site_of(node) in self._record.empty:
            self._explain(inner, scope)
            return False
        if not patches:
            return self._walk_chosen(inner, role, scope) or self._walk(inner, role, scope)
        self._take(patches, role)
        self._explain(inner, scope)
        return True

    def _walk_chosen(self, node: ast.expr, role: Role, scope: Scope) -> bool:
        """Follow one item of what a comprehension made of patches: `[p.category for p in people][0]`."""
        match node:
            case ast.Subscript(value=value, slice=ast.Constant(value=int(index))):
                made = unwrapped(value)
            case _:
                return False
        if isinstance(made, ast.Name):
            found = self._held(made.id)
            values = [one.value for one in found[1]] if found else []
            made = unwrapped(values[0]) if len(values) == 1 and values[0] else made
        if not isinstance(made, ast.ListComp) or len(made.generators) != 1:
            return False
        kept = list(self._record.patches[self._flow.site_of[id(made)]].items())
        self._explain_comprehension(made, scope)
        return index < len(kept) and self._take(dict([kept[index]]), role)

    def _walk_function(
        self, node: ast.Call, function: FunctionFlow, role: Role, scope: Scope
    ) -> bool:
        """Follow a call of a function of the program: its arguments, and what it compares them with."""
        walks_through = self._walks_through_parameters(function)
        if walks_through and self._walk_returns(function, role, scope):
            for argument in node.args:
                self._explain(argument, scope)
            return True
        has_patches = False
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            has_patches = (
                self._walk(argument, "reference" if has_patches else role, scope) or has_patches
            )
        if has_patches:
            self._walk_body(function, scope)
            return True
        return not walks_through and self._walk_returns(function, role, scope)

    def _walks_through_parameters(self, function: FunctionFlow) -> bool:
        """Return whether a function has a loop over what it is given, so that it counts itself."""
        self._step(100)  # a program has thousands of calls, and a function thousands of nodes
        parts = ast.walk(function.node)
        loops = [part.iter for part in parts if isinstance(part, (ast.For, ast.comprehension))]
        return any(not self._names_in(loop).isdisjoint(function.parameters) for loop in loops)

    def _walk_returns(self, function: FunctionFlow, role: Role, scope: Scope) -> bool:
        """Follow what a function of the program returns."""
        if not self._is_new("returns", id(function.node), role):
            return False
        outer, self._function = self._function, function
        inside = {**scope, **dict.fromkeys(function.parameters)}
        values = [left.node.value for left in function.returns if left.node.value is not None]
        has_patches = self._walk_all(values, role, inside)
        self._function = outer
        return has_patches

    def _walk_lambda(self, node: ast.Call, function: ast.Lambda, role: Role, scope: Scope) -> bool:
        names = [argument.arg for argument in function.args.args]
        site = self._flow.site_of[id(function)]
        kept = self._record.patches[site] if names else {}
        for walked in node.args[1:]:
            self._explain(walked, scope)
        has_patches = self._take(kept, role)
        self._walk(function.body, "reference", {**scope, **dict.fromkeys(names)})
        return has_patches

    def _walk_keys(self, node: ast.Call, scope: Scope) -> None:
        for keyword in node.keywords:
            if keyword.arg == "key":
                self._walk_key(keyword.value, scope)

    def _walk_key(self, function: ast.expr, scope: Scope) -> None:
        """Follow what the items of a choice are compared with: `key=lambda p: distance(p, cup)`."""
        match function:
            case ast.Lambda(args=arguments, body=body):
                own = [argument.arg for argument in arguments.args]
                self._walk(body, "reference", {**scope, **dict.fromkeys(own)})
            case ast.Name(id=name) if name in self._flow.functions:
                self._walk_body(self._flow.functions[name], scope)

    def _walk_body(self, function: FunctionFlow, scope: Scope) -> None:
        """Follow what a function of the program compares its arguments with."""
        if not self._is_new("function", id(function.node)):
            return
        outer, self._function = self._function, function
        inside = {**scope, **dict.fromkeys(function.parameters)}
        for left in function.returns:
            tests = [c.test for c in left.controls if not isinstance(c, ast.For)]
            for part in (*tests, left.node.value):
                if part is not None:
                    self._walk(part, "reference", inside)
        self._function = outer

    # Comprehensions

    def _walk_comprehension(
        self, node: Any, role: Role, scope: Scope, *, tested: bool = False
    ) -> bool:
        first = self._flow.site_of[id(node)]
        inside: dict[str, Items | None] = dict(scope)
        subject: tuple[str, ...] = ()
        has_patches = False
        for number, part in enumerate(node.generators):
            names = tuple(names_in(part.target))
            seen = self._log(part)
            items = Items(self._record.patches[first + number], seen)
            inside.update(dict.fromkeys(names, items))
            if seen and not subject:
                subject = names
        element = unwrapped(node.value if isinstance(node, ast.DictComp) else node.elt)
        is_value = isinstance(element, (ast.Name, ast.Tuple, ast.List))
        if is_value or not subject or (not tested and _counts(element)):
            has_patches = self._walk(element, role, inside)
        if not has_patches and subject:
            own = inside[subject[0]]
            if tested and own is not None and not own.kept and len(own.seen) == 1:
                own = Items(own.seen, own.seen)  # "no" is said of the only one
            has_patches = self._take_items(own, role)
            others = {**inside, **dict.fromkeys(subject)}
            self._walk(element, role if _is_symmetric(element) else "reference", others)
            self._account_for_comprehension(node, subject, inside, scope)
        elif is_value or not subject:
            self._account_for_comprehension(node, subject, inside, scope)
        return has_patches


def _index_of(node: ast.expr) -> str | None:
    """Return the name by which an item of a list is chosen; None for another expression."""
    match unwrapped(node):
        case ast.Subscript(slice=ast.Name(id=name)):
            return name
        case _:
            return None


def _counts(element: ast.expr) -> bool:
    """Return whether an element of a comprehension is itself something found, or its number."""
    node = unwrapped(element)
    if called(node) in _COUNTS:
        return True
    method = attribute_of(node.func) if isinstance(node, ast.Call) else None
    return method is not None and method[1] == "find"


def _is_sum(element: ast.expr) -> bool:
    return called(unwrapped(element)) in _COUNTS


def _is_symmetric(node: ast.expr) -> bool:
    """Return whether both sides of a comparison are what it is about: "do they have the same color?"."""
    return isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.NotEq))


def is_guard(node: ast.expr) -> bool:
    """Return whether a condition only asks if there is anything: `dogs`, `len(dogs) > 0`."""
    node = unwrapped(node)
    match node:
        case ast.Name():
            return True
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return is_guard(operand)
        case ast.BoolOp(values=values):
            return all(map(is_guard, values))
        case ast.Compare(left=left, comparators=[ast.Constant()]):
            return is_guard(left)
        case ast.Call(func=ast.Name(id="len" | "bool"), args=[inner]):
            return is_guard(inner)
        case _:
            return False
