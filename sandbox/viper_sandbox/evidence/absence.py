"""Finds out whether a program failed because what it looked for was not found.

Programs in the style of the original take the first of a list without asking whether there is one:

    image_patch.find("elephant")[0]      max(dogs, key=…)      next(p for p in people if …)      a, b = cups

or use what `best_image_match` chose of an empty list, which is None. Such an error, where nothing caught it,
says that what the question takes for granted is not in the image, if the list came from `find`: directly, or
filtered, sorted or sliced from one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import NamedTuple, TypeAlias

from viper_sandbox.evidence.flow import (
    GUARDS,
    INDEXED,
    VALUE,
    Definition,
    Flow,
    FunctionFlow,
    attribute_of,
    called,
    site_of,
    unwrapped,
)
from viper_sandbox.evidence.recorder import EvidenceRecorder, Patches

__all__ = ["name_of_absent"]

_SAME = frozenset("sorted list reversed tuple set frozenset iter enumerate".split())
_CHOOSING = frozenset("best_image_match min max next".split())
_EMPTY = re.compile(r"(min|max)\(\) (arg is an empty sequence|iterable argument is empty)")
_TOO_FEW = "not enough values to unpack"
# Which of several a question names. Beyond, a wrong index is more likely a fault of the program.
_ORDINALS = "first second third".split()
_MOST_STEPS = 500
_LONGEST_NAME = 100


def name_of_absent(
    error: Exception,
    flow: Flow,
    record: EvidenceRecorder,
    file_name: str,
    empty: tuple[str, int] | None,
) -> str | None:
    """Return what was looked for and not found, if that is why a program failed; None for another failure.

    Args:
        error: What ended the program.
        flow: The program's data flow.
        record: The record of its run.
        file_name: File name of the program's code objects.
        empty: The last call that returned nothing, such as `find('dog')`, and its line.
    """
    at = _innermost(error.__traceback__, file_name)
    if at is None:
        return None
    try:
        return _Search(flow, record, empty).name(error, at)
    except RecursionError:
        return None


class _Place(NamedTuple):
    """Where a program failed."""

    frame: FrameType
    line: int
    end_line: int
    column: int
    end_column: int

    def is_of(self, node: ast.AST) -> bool:
        return (
            getattr(node, "lineno", None) == self.line
            and getattr(node, "col_offset", None) == self.column
            and getattr(node, "end_lineno", None) == self.end_line
            and getattr(node, "end_col_offset", None) == self.end_column
        )


class _Found(NamedTuple):
    """A list that came from `find`."""

    name: str
    """What was looked for."""
    some: bool
    """Whether there was any before it was filtered."""


_Located: TypeAlias = "tuple[ast.AST, FunctionFlow]"


def _innermost(traceback: TracebackType | None, file_name: str) -> _Place | None:
    last: TracebackType | None = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file_name:
            last = traceback
        traceback = traceback.tb_next
    if last is None:
        return None
    positions = list(last.tb_frame.f_code.co_positions())
    line, end_line, column, end_column = positions[last.tb_lasti // 2]
    if line is None or end_line is None or column is None or end_column is None:
        return None
    return _Place(last.tb_frame, line, end_line, column, end_column)


class _Search:
    def __init__(self, flow: Flow, record: EvidenceRecorder, empty: tuple[str, int] | None) -> None:
        self._flow = flow
        self._record = record
        self._empty = empty
        self._steps = 0
        self._open: set[tuple[str, int]] = set()  # names that are being looked up

    def name(self, error: Exception, at: _Place) -> str | None:
        """Return the name of what is absent."""
        for node, function in self._located(at):
            source = _source(error, node)
            if source is not None:
                found = self._from_find(source, function)
            elif _is_nothing(error) and isinstance(node, ast.expr):
                owner = attribute_of(node)
                found = None if owner is None else self._of_one(owner[0], function)
            else:
                found = None
            if found is not None:
                name = self._described(found, node, at)
                return None if name is None else name[:_LONGEST_NAME]
        return None

    def _located(self, at: _Place) -> Iterator[_Located]:
        """Yield the nodes at a place, each with its function."""
        pending: list[_Located] = [(self._flow.module.node, self._flow.module)]
        flows = {id(flow.node): flow for flow in self._flow.functions.values()}
        while pending:
            node, function = pending.pop()
            function = flows.get(id(node), function)
            if at.is_of(node) or (
                isinstance(node, ast.Assign) and any(map(at.is_of, node.targets))
            ):
                yield node, function
            pending += [(part, function) for part in ast.iter_child_nodes(node)]

    def _described(self, found: _Found, node: ast.AST, at: _Place) -> str | None:
        """Return the name, and which of several it is that was not there.

        None where there are some, and the program wants one that no question names, such as the fiftieth.
        """
        match node:
            case ast.Subscript(value=value, slice=ast.Constant(value=int(index))):
                held, number = self._length(value, at), index
            case ast.Subscript(value=value):
                held, number = self._length(value, at), len(_ORDINALS)
            case ast.Assign(targets=[ast.Tuple(elts=targets) | ast.List(elts=targets)]):
                held, number = self._length(node.value, at), len(targets) - 1
            case _:
                held, number = 0, 0
        if not held:
            return f"{found.name} that fits" if found.some else found.name
        return f"{_ORDINALS[number]} {found.name}" if 0 < number < len(_ORDINALS) else None

    def _length(self, node: ast.expr, at: _Place) -> int:
        """Return how many items a list had when the program failed; 0 if that is not known."""
        if isinstance(node, ast.Call) and called(node) in (VALUE, INDEXED):
            if self._empty is not None and self._empty[1] == node.lineno:
                return 0
            return len(self._record.patches[site_of(node)])
        held = at.frame.f_locals.get(node.id) if isinstance(node, ast.Name) else None
        return len(held) if isinstance(held, (list, tuple)) else 0

    # Where a list comes from

    def _from_find(self, node: ast.expr, function: FunctionFlow) -> _Found | None:
        """Return what was looked for, if a list came from `find`."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            return None
        logged: Patches = {}
        if isinstance(node, ast.Call) and called(node) in GUARDS:
            logged = self._record.patches[site_of(node)]
        node = unwrapped(node)
        match node:
            case ast.Name(id=name):
                return self._of_name(name, function)
            case ast.Subscript(value=value, slice=ast.Slice()):
                return self._from_find(value, function)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self._from_find(node.generators[0].iter, function)
            case ast.BoolOp(op=ast.Or(), values=values):
                return self._of_all(values, function)
            case ast.IfExp(body=body, orelse=orelse):
                return self._of_all([body, orelse], function)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self._of_all([left, right], function)
            case ast.Call(args=[first, *_]) if called(node) in _SAME:
                return self._from_find(first, function)
            case ast.Call(args=[_, second, *_]) if called(node) in ("filter", "map"):
                return self._from_find(second, function)
            case ast.Call() if called(node) in self._flow.functions:
                own = self._flow.functions[str(called(node))]
                values = [left.node.value for left in own.returns if left.node.value is not None]
                return self._of_all([unwrapped(value) for value in values], own)
            case ast.Call(args=[looked_for, *_]):
                method = attribute_of(node.func)
                if method is None or method[1] != "find":
                    return None
                text = self._text(looked_for, function) or self._last_text(node)
                was_last = self._empty is not None and self._empty[1] == node.lineno
                return _Found(text or "such object", bool(logged) and not was_last)
            case _:
                return None

    def _of_all(self, nodes: list[ast.expr], function: FunctionFlow) -> _Found | None:
        """Return what was looked for, if each of several values came from `find` or is empty."""
        nodes = [node for node in nodes if not _is_empty(node)]
        return _joined([self._from_find(node, function) for node in nodes])

    def _of_one(self, node: ast.expr, function: FunctionFlow) -> _Found | None:
        """Return what was looked for, if a value is one of what `find` found, or None."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            return None
        node = unwrapped(node)
        match node:
            case ast.Call(args=[first, *_]) if called(node) in _CHOOSING:
                return self._from_find(first, function)
            case ast.Subscript(value=value):
                return self._from_find(value, function)
            case ast.IfExp(body=body, orelse=orelse):
                parts = [part for part in (body, orelse) if not _is_empty(part)]
                return _joined([self._of_one(part, function) for part in parts])
            case ast.Name(id=name):
                owner = function.owner(name)
                definitions = owner.definitions.get(name, []) if owner else []
                if owner is None or any(d.value is None or d.loop for d in definitions):
                    return None
                values = [d.value for d in definitions if d.value and not _is_empty(d.value)]
                return _joined([self._of_one(value, owner) for value in values])
            case _:
                return None

    def _of_name(self, name: str, function: FunctionFlow) -> _Found | None:
        owner = function.owner(name)
        if owner is None or (name, id(owner)) in self._open:
            return None
        self._open.add((name, id(owner)))
        try:
            if name in owner.parameters and name not in owner.definitions:
                return self._of_parameter(name, owner)
            return self._of_definitions(owner.definitions[name], owner)
        finally:
            self._open.discard((name, id(owner)))

    def _of_definitions(self, definitions: list[Definition], owner: FunctionFlow) -> _Found | None:
        """Return what was looked for, if all values of a name came from `find`, or all that was added."""
        found: list[_Found | None] = []
        for definition in definitions:
            value = definition.value
            if value is None or definition.loop is not None:
                return None
            if _is_empty(value):
                continue
            if definition.changes:
                found.append(self._of_item(value, owner) or self._from_find(value, owner))
            elif isinstance(unwrapped(value), ast.ListComp | ast.Call | ast.Subscript):
                one = self._from_find(value, owner)
                # `people = [p for p in people if …]`: the other definitions say where they come from.
                if one is None and _mentions_itself(value, definitions, owner):
                    continue
                found.append(one)
            else:
                found.append(self._from_find(value, owner))
        return _joined(found)

    def _of_item(self, value: ast.expr, owner: FunctionFlow) -> _Found | None:
        """Return what was looked for, if a value is an item of a loop over what came from `find`."""
        node = unwrapped(value)
        if not isinstance(node, ast.Name):
            return None
        scope = owner.owner(node.id)
        loops = [d.loop for d in scope.definitions.get(node.id, [])] if scope else []
        if not loops or scope is None:
            return None
        iters = [loop.iter for loop in loops if loop is not None]
        return self._of_all(iters, scope) if len(iters) == len(loops) else None

    def _of_parameter(self, name: str, owner: FunctionFlow) -> _Found | None:
        """Return what was looked for, if a function of the program always gets what came from `find`."""
        if not isinstance(owner.node, ast.FunctionDef):
            return None
        place = owner.parameters.index(name)
        found = [
            self._from_find(call.args[place], caller) if place < len(call.args) else None
            for call, caller in self._flow.calls.get(owner.node.name, [])
        ]
        return _joined(found)

    def _last_text(self, node: ast.expr) -> str | None:
        """Return what the last call that found nothing looked for, if it is that on this line."""
        if self._empty is None or self._empty[1] != node.lineno:
            return None
        given = re.fullmatch(r"find\((.*)\)", self._empty[0], re.DOTALL)
        try:
            text = ast.literal_eval(given[1]) if given else None
        except (ValueError, SyntaxError):  # it was cut
            return None
        return " ".join(text.split()) if isinstance(text, str) else None

    def _text(self, node: ast.expr, function: FunctionFlow) -> str | None:
        """Return the text that an expression stands for, if that is certain."""
        match unwrapped(node):
            case ast.Constant(value=str(text)):
                return " ".join(text.split())
            case ast.Name(id=name):
                owner = function.owner(name)
                definitions = owner.definitions.get(name, []) if owner else []
                values = [one.value for one in definitions]
                if owner is not None and len(values) == 1 and isinstance(values[0], ast.Constant):
                    return self._text(values[0], owner)
                return None
            case _:
                return None


def _source(error: Exception, node: ast.AST) -> ast.expr | None:
    """Return the expression that had too few items, if an error at a node says so."""
    method = attribute_of(node.func) if isinstance(node, ast.Call) else None
    match error, node:
        case IndexError(), ast.Subscript(value=value):
            return value
        case IndexError(), ast.Call() if method is not None and method[1] == "pop":
            return method[0]
        case StopIteration(), ast.Call(args=[only]) if called(node) == "next":
            return only
        case ValueError(), ast.Call(args=[only]) if called(node) in ("min", "max"):
            return only if _EMPTY.match(str(error)) else None
        case ValueError(), ast.Assign(value=value) if str(error).startswith(_TOO_FEW):
            return value
        case _:
            return None


def _is_nothing(error: Exception) -> bool:
    return isinstance(error, AttributeError) and str(error).startswith("'NoneType'")


def _joined(found: list[_Found | None]) -> _Found | None:
    """Return several searches as one; None if there is none, or one of them is none."""
    searches = [one for one in found if one is not None]
    if not searches or len(searches) != len(found):
        return None
    names = dict.fromkeys(one.name for one in searches)
    return _Found(" or ".join(names), any(one.some for one in searches))


def _is_empty(node: ast.expr) -> bool:
    match unwrapped(node):
        case ast.List(elts=[]) | ast.Tuple(elts=[]) | ast.Constant(value=None):
            return True
        case ast.Call(args=[], keywords=[]) as call:
            return called(call) in ("list", "set", "tuple")
        case _:
            return False


def _mentions_itself(value: ast.expr, definitions: list[Definition], owner: FunctionFlow) -> bool:
    own = {
        name
        for name, held in owner.definitions.items()
        if held is definitions
    }  # fmt: skip
    return any(isinstance(node, ast.Name) and node.id in own for node in ast.walk(value))
