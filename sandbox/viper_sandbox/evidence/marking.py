"""Marks, while a program is guarded, the places at which a run records what became of its patches.

    return len([p for p in people if p.verify_property(…)])

    return _left_(3, len([_item_(1, p, p) for p in people if _seen_(2, p) if p.verify_property(…)]))

A mark changes neither values nor their order, nor lines. The names of the recorder's functions are reserved,
so that a program can neither read nor hide them. What is known of the data flow is noted on the way (`Flow`).
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Any

from viper_sandbox.evidence.flow import (
    AGAIN,
    COUNTED,
    GUARDS,
    INDEXED,
    ITEM,
    LEFT,
    SEEN,
    VALUE,
    Control,
    Definition,
    Flow,
    FunctionFlow,
    Return,
    attribute_of,
    called,
    names_in,
)
from viper_sandbox.findings import Finding
from viper_sandbox.policy import Policy

__all__ = ["MOST_NODES", "apply_marking_policy"]

MOST_NODES = 5_000
"""Largest syntax tree of a program that is recorded. Programs of people and of language models have some
hundred nodes; marks on a large one would cost time and memory that belong to the program."""

_CHOOSING = frozenset("best_image_match sorted min max list tuple set next".split())
_TAKING = frozenset("pop get intersection difference union".split())
_ADDING = frozenset("append add extend insert update setdefault".split())
# Most loops around a statement that are recorded; programs of people have two or three.
_MOST_LOOPS = 4
# Most indexed items that a statement of a loop refers to, and are recorded with it.
_MOST_INDEXES = 8


def apply_marking_policy(
    tree: ast.Module, finding_methods: Collection[str] = ("find",)
) -> tuple[ast.Module, tuple[Finding, ...], Flow]:
    """Guard a program as `policy.apply_policy` does, and mark where its run is recorded.

    Args:
        tree: The parsed program; it is changed in place.
        finding_methods: Methods and functions of the API that return patches.

    Returns:
        The guarded tree, the findings of the policy and the data flow.
    """
    policy = _MarkingPolicy(tree, frozenset(finding_methods))
    guarded = policy.visit(tree)
    policy.forget_deleted()
    return guarded, tuple(policy.findings), policy.flow


class _MarkingPolicy(Policy):
    """The policy, with marks at what is recorded."""

    def __init__(self, tree: ast.Module, finding_methods: frozenset[str]) -> None:
        super().__init__()
        self.flow = Flow(tree)
        self._function = self.flow.module
        self._controls: tuple[Control, ...] = ()
        self._repeating = 0  # loops and comprehensions around
        self._choosing = _CHOOSING | finding_methods
        self._methods = finding_methods | _TAKING
        self._indexes: list[
            tuple[str, int]
        ] = []  # (index, site) of items that were indexed by name
        self._deleted: set[str] = set()
        self._reads: list[tuple[ast.Call, set[str]]] = []  # and the names that each reads

    def forget_deleted(self) -> None:
        """Let no mark read a name that the program deletes: it might be unbound there."""
        for call, names in self._reads if self._deleted else ():
            if not self._deleted.isdisjoint(names):
                call.args[1] = _number(None)

    # Functions

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """Enter a function."""
        own = FunctionFlow(node, self._function, _parameters(node.args))
        self.flow.functions[node.name] = own
        outer, self._function = self._function, own
        controls, self._controls = self._controls, ()
        try:
            return super().visit_FunctionDef(node)
        finally:
            self._function, self._controls = outer, controls

    def visit_Return(self, node: ast.Return) -> Any:
        """Record the variables of a function that returns."""
        self.node_contents_visit(node)
        left = Return(node, self._controls)
        self._function.returns.append(left)
        if node.value is not None:
            site = self.flow.new_site()
            self.flow.return_sites[site] = (self._function, left)
            node.value = _call(LEFT, [_number(site), node.value], node.value)
        return node

    # Statements that control others

    def visit_If(self, node: ast.If) -> Any:
        """Note the condition for the loops around it."""
        node.test = self.visit(node.test)
        for control in self._controls:
            if not isinstance(control, ast.If):
                self.flow.tests.setdefault(id(control), []).append(node.test)
        outer = self._controls
        self._controls = (*outer, node)
        node.body = self._statements(node.body)
        node.orelse = self._statements(node.orelse)
        self._controls = outer
        return node

    def visit_For(self, node: ast.For) -> Any:
        """Record what a loop walks through."""
        self._check_target(node.target)
        node.iter = self.visit(node.iter)
        node.target = self.visit(node.target)
        for name in names_in(node.target):
            self._function.define(name, Definition(node.iter, self._controls, loop=node))
        earlier = len(self._indexes)
        node.body = self._repeated(node)
        node.orelse = self._statements(node.orelse)
        if called(node.iter) == "range":
            own = set(names_in(node.target))
            self.flow.index_sites[id(node)] = [s for n, s in self._indexes[earlier:] if n in own]
        else:
            site = self.flow.site_of[id(node)] = self.flow.new_site()
            node.body.insert(0, self._record(site, node.target, node.target))
        return node

    def visit_While(self, node: ast.While) -> Any:
        """Take the indexes in a loop for its items."""
        earlier = len(self._indexes)
        self._repeating += 1
        node.test = self.visit(node.test)
        self._repeating -= 1
        node.body = self._repeated(node)
        node.orelse = self._statements(node.orelse)
        self.flow.index_sites[id(node)] = [site for _, site in self._indexes[earlier:]]
        return node

    # Statements that keep or count

    def visit_Assign(self, node: Any) -> Any:
        """Note what names are bound to."""
        self.node_contents_visit(node)
        marks: list[ast.stmt] = []
        for target in node.targets:
            match target, node.value:
                case (
                    (ast.Tuple() | ast.List() as names),
                    (ast.Tuple() | ast.List() as values),
                ) if len(names.elts) == len(values.elts):
                    pairs = list(zip(names.elts, values.elts, strict=True))
                case _:
                    pairs = [(target, node.value)]
            for bound, value in pairs:
                if isinstance(bound, ast.Subscript):
                    marks += self._change(_base(bound), value)
                else:
                    for name in names_in(bound):
                        definition = Definition(value, self._controls)
                        self._function.define(name, definition)
                        marks += self._kept(definition, node)
        return [*marks, node] if marks else node

    def visit_AugAssign(self, node: Any) -> Any:
        """Note what is added to a name."""
        self.node_contents_visit(node)
        marks = self._change(_base(node.target), node.value)
        return [*marks, node] if marks else node

    def visit_Expr(self, node: ast.Expr) -> Any:
        """Note what is put into a list, set or dict."""
        self.node_contents_visit(node)
        call = node.value
        if not isinstance(call, ast.Call) or not call.args:
            return node
        method = attribute_of(call.func)
        if method is None or method[1] not in _ADDING:
            return node
        marks = self._change(_base(method[0]), call.args[-1])
        return [*marks, node] if marks else node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> Any:
        """Note what a name is bound to."""
        made = super().visit_NamedExpr(node)
        if isinstance(node.target, ast.Name):
            self._function.define(node.target.id, Definition(node.value, self._controls))
        return made

    def visit_Delete(self, node: ast.Delete) -> Any:
        """Note names that are unbound from here on."""
        self._deleted.update(name for target in node.targets for name in names_in(target))
        return super().visit_Delete(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        """Note the name that is unbound behind the handler."""
        if node.name:
            self._deleted.add(node.name)
        return super().visit_ExceptHandler(node)

    # Expressions

    def visit_ListComp(self, node: Any) -> Any:
        """Record what a comprehension walks through, and what of it is kept."""
        self._repeating += 1
        getattr(super(), f"visit_{type(node).__name__}")(node)
        self._repeating -= 1
        flow = self.flow
        held = "value" if type(node) is ast.DictComp else "elt"
        element: ast.expr = getattr(node, held)
        first = flow.site_of[id(node)] = flow.sites
        flow.sites += len(node.generators)
        is_place = type(element) is ast.BinOp or attribute_of(element) is not None
        given = [_number(first), element]
        for part in node.generators:
            item = _loaded(part.target)
            given.append(item)
            if called(part.iter) != "range":
                site = flow.site_of[id(part)] = flow.new_site()
                part.ifs.insert(0, _call(SEEN, [_number(site), item], part.iter))
        setattr(node, held, _call(COUNTED if is_place else ITEM, given, element))
        return node

    visit_SetComp = visit_ListComp  # noqa: N815
    visit_DictComp = visit_ListComp  # noqa: N815
    visit_GeneratorExp = visit_ListComp  # noqa: N815

    def visit_Call(self, node: Any) -> Any:
        """Record the patches that a call finds or chooses."""
        self.node_contents_visit(node)
        function = node.func
        if type(function) is not ast.Name:
            method = attribute_of(function)
            return self._valued(node) if method is not None and method[1] in self._methods else node
        name, functions = function.id, self.flow.functions
        self.flow.calls.setdefault(name, []).append((node, self._function))
        if name in ("filter", "map") and node.args and isinstance(node.args[0], ast.Lambda):
            self._mark_lambda(node.args[0], COUNTED if name == "map" else ITEM)
        helps = name in functions and self._function is not functions[name]
        return self._valued(node) if helps or name in self._choosing else node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """Record the patches in what two sets have in common, or not."""
        made = super().visit_BinOp(node)
        kind = type(node.op)
        of_names = type(node.left) is ast.Name and type(node.right) is ast.Name
        return self._valued(node) if kind in _OF_SETS or (kind is ast.Sub and of_names) else made

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """Record the patches that an index chooses."""
        made = super().visit_Subscript(node)
        if type(node.ctx) is not ast.Load:
            return made
        index = node.slice
        if type(index) is ast.Name and self._repeating:
            self._indexes.append((index.id, self.flow.sites))
            return self._valued(node, INDEXED)
        return self._valued(node) if type(index) in _CHOICES else made

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        """Record the patch that a condition chooses."""
        self.node_contents_visit(node)
        parts = (node.body, node.orelse)
        return node if any(isinstance(p, ast.Constant) for p in parts) else self._valued(node)

    # Marks

    def _mark_lambda(self, function: ast.Lambda, mark: str) -> None:
        names = [argument.arg for argument in function.args.args]
        site = self.flow.site_of[id(function)] = self.flow.sites
        self.flow.sites += len(names)
        items = [_name(name, function.body) for name in names]
        function.body = _call(mark, [_number(site), function.body, *items], function.body)

    def _valued(self, node: ast.expr, mark: str = VALUE) -> ast.expr:
        return _call(mark, [_number(self.flow.new_site()), node], node)

    def _change(self, name: str | None, value: ast.expr) -> list[ast.stmt]:
        """Note that a value is added to what a name holds; return the marks before it."""
        if name is None:
            return []
        definition = Definition(value, self._controls, changes=True)
        self._function.define(name, definition)
        return self._kept(definition, value)

    def _kept(self, definition: Definition, like: Any) -> list[ast.stmt]:
        """Return statements that record the items of the loops around a definition."""
        marks: list[ast.stmt] = []
        for loop in [c for c in self._controls if not isinstance(c, ast.If)][-_MOST_LOOPS:]:
            site = definition.kept[id(loop)] = self.flow.new_site()
            if isinstance(loop, ast.For) and called(loop.iter) != "range":
                marks.append(self._record(site, loop.target, like))
                continue
            own = set(names_in(loop.target)) if isinstance(loop, ast.For) else None
            sites = [number for index, number in self._indexes if own is None or index in own]
            sites = sites[-_MOST_INDEXES:]
            if sites:
                given: list[ast.expr] = [_number(number) for number in (site, *sites)]
                marks.append(_statement(_call(AGAIN, given, like)))
        return marks

    def _record(self, site: int, target: ast.expr, like: ast.AST) -> ast.stmt:
        call = _call(SEEN, [_number(site), _loaded(target)], like)
        self._reads.append((call, set(names_in(target))))
        return _statement(call)

    # The walk. The policy removes expressions that it refuses; here they stay, for the marks around them.

    def generic_visit(self, node: ast.AST) -> Any:
        """Refuse a construct that nobody knows."""
        super().generic_visit(node)
        return node

    def visit_Await(self, node: ast.Await) -> Any:
        """Refuse the construct."""
        super().visit_Await(node)
        return node

    def _statements(self, body: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for statement in body:
            visited = self.visit(statement)
            if isinstance(visited, list):
                made += visited
            elif visited is not None:
                made.append(visited)
        return made

    def _repeated(self, loop: ast.For | ast.While) -> list[ast.stmt]:
        """Visit the body of a loop."""
        outer = self._controls
        self._controls = (*outer, loop)
        self._repeating += 1
        made = self._statements(loop.body)
        self._repeating -= 1
        self._controls = outer
        return made


def _parameters(arguments: ast.arguments) -> tuple[str, ...]:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return tuple(argument.arg for argument in named)


def _base(node: ast.expr) -> str | None:
    """Return the name whose value is changed by storing into a node; None if there is none."""
    while True:
        match node:
            case ast.Name(id=name):
                return name
            case ast.Subscript(value=inner):
                node = inner
            case ast.Call(func=ast.Name(id="_write_" | "_value_" | "_indexed_"), args=[*_, inner]):
                node = inner
            case _:
                return None


def _loaded(target: ast.expr) -> ast.expr:
    """Return the expression of the names that a target binds."""
    if type(target) is ast.Name:
        return _name(target.id, target)
    loads: list[ast.expr] = [_name(name, target) for name in names_in(target)]
    return ast.Tuple(
        loads,
        _LOAD,
        lineno=target.lineno,
        col_offset=target.col_offset,
        end_lineno=target.end_lineno,
        end_col_offset=target.end_col_offset,
    )


def _name(name: str, like: ast.expr) -> ast.Name:
    return ast.Name(
        name,
        _LOAD,
        lineno=like.lineno,
        col_offset=like.col_offset,
        end_lineno=like.end_lineno,
        end_col_offset=like.end_col_offset,
    )


def _call(mark: str, arguments: list[ast.expr], like: Any) -> ast.Call:
    """Return the call of a recorder's function at the place of a node."""
    return ast.Call(
        _FUNCTIONS[mark],
        arguments,
        [],
        lineno=like.lineno,
        col_offset=like.col_offset,
        end_lineno=like.end_lineno,
        end_col_offset=like.end_col_offset,
    )


def _statement(call: ast.Call) -> ast.stmt:
    return ast.Expr(
        call,
        lineno=call.lineno,
        col_offset=call.col_offset,
        end_lineno=call.end_lineno,
        end_col_offset=call.end_col_offset,
    )


def _number(number: int | None) -> ast.Constant:
    """Return the expression of a site's number."""
    is_shared = number is not None and number < len(_NUMBERS)
    return _NUMBERS[number] if is_shared and number is not None else _constant(number)


def _constant(value: int | None) -> ast.Constant:
    return ast.Constant(value, lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)


# Nodes that are the same wherever they stand: none can fail, so that their places do not matter. Most of the
# time of marking goes into making nodes.
_LOAD = ast.Load()
_NUMBERS = [_constant(number) for number in range(100)]
_FUNCTIONS = {
    mark: ast.Name(mark, _LOAD, lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)
    for mark in GUARDS
}
_CHOICES = (ast.Constant, ast.UnaryOp, ast.Slice)
_OF_SETS = (ast.BitAnd, ast.BitOr, ast.BitXor)
