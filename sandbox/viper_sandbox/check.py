"""The static check of a program against the API: reports all findings before the program runs.

It finds unknown names, attributes and modules, calls that do not fit the signatures, and an entry function
that is missing, has parameters without values, or never returns. It helps the author of the program and is
not a security boundary: it misses errors that depend on values at run time.
"""

from __future__ import annotations

import ast
import contextlib
import math
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from viper_sandbox.api import PATCH, Api, Entry, did_you_mean
from viper_sandbox.entry_check import entry_findings, parameters_to_give
from viper_sandbox.extract import entry_function
from viper_sandbox.findings import CallSite, Finding, Literal
from viper_sandbox.hints import MEMBER_HINTS, MODULE_HINTS, NAME_HINTS
from viper_sandbox.imports import guarded_imports, names_of_imports
from viper_sandbox.limits import MAX_CALL_SITES
from viper_sandbox.namespace import ALLOWED_MODULES, BUILTINS, MEMBERS, STATIC_MEMBERS
from viper_sandbox.own_members import members_of_classes, members_of_passed_on_modules
from viper_sandbox.policy import REFUSED_NAMES, is_reserved
from viper_sandbox.scopes import (
    Kinds,
    Scope,
    binding_counts,
    bound_names,
    constants,
    parameter_names,
)
from viper_sandbox.signatures import Signature, own_functions
from viper_sandbox.wire import MAX_INTEGER

__all__ = ["CheckedProgram", "check_program"]

_COMMON_MEMBERS = frozenset().union(*MEMBERS.values(), *STATIC_MEMBERS.values())
# The number of members of ImagePatch; a longer list does not help.
_MAX_LISTED = 30


class CheckedProgram(NamedTuple):
    """The result of the check."""

    findings: tuple[Finding, ...]
    call_sites: tuple[CallSite, ...]
    entry: str
    """Name of the function to call; empty if there is none."""
    parameters: tuple[str, ...]
    """Its positional parameters that get values, in order."""


def check_program(tree: ast.Module, api: Api, arguments: Collection[str]) -> CheckedProgram:
    """Check a parsed program, before the policy rewrites it.

    Args:
        tree: The program.
        api: The API.
        arguments: Names of the arguments that a run passes besides `image`.
    """
    entry = entry_function(tree)
    checker = _Checker(tree, api, entry, arguments)
    checker.generic_visit(tree)
    checker.findings += entry_findings(tree, entry, arguments, api)
    parameters = parameters_to_give(entry, arguments, api)
    sites, name = tuple(checker.call_sites), entry.name if entry else ""
    return CheckedProgram(tuple(checker.findings), sites, name, parameters)


class _Checker(ast.NodeVisitor):
    """Visits the program with its scopes; ignores annotations, and what only follows from another finding."""

    def __init__(
        self,
        tree: ast.Module,
        api: Api,
        entry: ast.FunctionDef | None,
        arguments: Collection[str],
    ) -> None:
        self.findings: list[Finding] = []
        self.call_sites: list[CallSite] = []
        self._tree = tree
        self._api = api
        self._given = frozenset({*BUILTINS, "print", *ALLOWED_MODULES, *api.names})
        self._scope = Scope(bound_names(tree.body), None)
        self._kinds = Kinds(tree, api, entry)
        self._members = (
            api.members
            | api.handle_members
            | _COMMON_MEMBERS
            | members_of_passed_on_modules(tree)
            | members_of_classes(tree)
        )
        self._guarded = guarded_imports(tree)
        self._may_lack = names_of_imports(tree, self._guarded)
        self._faulty: set[int] = set()  # nodes with a finding; what follows from it gets none
        self._refused_values: set[str] = set()
        self._parameters = {"image", *arguments}
        counts = binding_counts(tree)
        self._own = own_functions(tree, counts)
        self._entry_function = entry
        self._constants = constants(tree, counts)
        self._repeating = 0  # number of loops, comprehensions and inner functions around the node

    def _visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _add(self, line: int, message: str, kind: str = "check", at: ast.AST | None = None) -> None:
        self.findings.append(Finding(kind, line, message))
        if at is not None:
            self._faulty.add(id(at))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Leave classes alone: the policy refuses them as a whole."""

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        self._visit_all([*node.args.defaults, *node.args.kw_defaults])
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        names = parameter_names(node.args) | bound_names(body)
        with self._repeated(node is not self._entry_function):
            self._inside(names, body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815
    visit_Lambda = visit_FunctionDef  # noqa: N815

    @contextlib.contextmanager
    def _repeated(self, repeated: bool = True) -> Iterator[None]:
        """Visit parts that may run more than once."""
        self._repeating += repeated
        yield
        self._repeating -= repeated

    def visit_Assign(self, node: ast.Assign) -> None:
        self._visit_all([node.value, *node.targets])
        self._bind_to(node.targets, node.value)

    def _bind_to(self, targets: Iterable[ast.expr], value: ast.expr) -> None:
        """Note names that get what a refused expression would give."""
        if self._follows_from_a_finding(value):
            self._refused_values.update(bound_names(targets))

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._visit_all([node.iter, node.target])
        self._bind_to([node.target], node.iter)
        with self._repeated():
            self._visit_all(node.body)
        self._visit_all(node.orelse)

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_While(self, node: ast.While) -> None:
        with self._repeated():
            self._visit_all([node.test, *node.body])
        self._visit_all(node.orelse)

    def _inside(self, names: frozenset[str], nodes: Collection[ast.AST]) -> None:
        self._scope = Scope(names, self._scope)
        self._visit_all(nodes)
        assert self._scope.parent is not None
        self._scope = self._scope.parent

    def _visit_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> None:
        self.visit(node.generators[0].iter)
        targets = frozenset().union(*(bound_names([g.target]) for g in node.generators))
        inner: list[ast.AST] = [c for g in node.generators for c in g.ifs]
        inner += [g.iter for g in node.generators[1:]]
        inner += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        with self._repeated():
            self._inside(targets, inner)

    visit_ListComp = _visit_comprehension  # noqa: N815
    visit_SetComp = _visit_comprehension  # noqa: N815
    visit_DictComp = _visit_comprehension  # noqa: N815
    visit_GeneratorExp = _visit_comprehension  # noqa: N815

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_all([node.target, node.value])

    def visit_Name(self, node: ast.Name) -> None:
        name = node.id
        if not isinstance(node.ctx, ast.Load) or self._scope.binds(name) or name in self._given:
            return
        if name in REFUSED_NAMES:
            message = f"{name!r} is not part of programs: {REFUSED_NAMES[name]}."
            self._add(node.lineno, message, "policy", at=node)
        elif not is_reserved(name):  # the policy refuses those
            self._add(node.lineno, f"Unknown name {name!r}. {self._instead_of(name)}", at=node)

    def _instead_of(self, name: str) -> str:
        """Return what to write instead of an unknown name."""
        entry = self._entry_function
        if entry is not None and name in self._parameters - parameter_names(entry.args):
            given = [argument.arg for argument in [*entry.args.posonlyargs, *entry.args.args]]
            wanted = ", ".join(["image", name] if not given and name != "image" else [*given, name])
            return f"It is a parameter: write def {entry.name}({wanted})."
        if name == "image_patch":
            return "Write image_patch = ImagePatch(image) before it is used."
        near = did_you_mean(name, self._given | self._scope.all_names()).rstrip()
        return NAME_HINTS.get(name) or near or "Define it before it is used."

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.visit(node.value)
        if node.attr.startswith("_") or not isinstance(node.ctx, ast.Load):
            return
        if self._follows_from_a_finding(node.value):
            return
        members, message = self._members_of(node.value, node.attr)
        if node.attr not in members:
            hint = MEMBER_HINTS.get(node.attr) or did_you_mean(node.attr, members)
            message = f"{message} {(hint or _instead(members)).rstrip()}"
            self._add(node.lineno, message, at=node)

    def _follows_from_a_finding(self, owner: ast.expr) -> bool:
        """Return whether an expression comes from one that is refused already, as in `np.array(x).mean()`."""
        node: ast.AST = owner
        while True:
            if id(node) in self._faulty:
                return True
            match node:
                case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Call(func=inner):
                    node = inner
                case ast.Name(id=name) if name in self._refused_values:
                    return True
                case ast.Name(id=name):
                    refused = self._kinds.imported - self._kinds.overridden - ALLOWED_MODULES.keys()
                    return node is not owner and name in refused - self._api.names
                case _:
                    return False

    def _members_of(self, owner: ast.expr, attribute: str) -> tuple[Collection[str], str]:
        """Return the members that the owner of an attribute may have, and the message for others."""
        if self._kinds.of(owner) == "patch":
            return self._api.members, f"ImagePatch has no attribute {attribute!r}."
        if isinstance(owner, ast.Name) and owner.id in self._may_lack:
            return (
                attribute,
            ), ""  # a module where it can be imported, else whatever the handler says
        if isinstance(owner, ast.Name) and owner.id not in self._kinds.overridden:
            if owner.id == PATCH:
                return self._api.methods, f"The class ImagePatch has no method {attribute!r}."
            if owner.id in ALLOWED_MODULES:
                message = f"The module {owner.id} has no attribute {attribute!r} here."
                return dir(ALLOWED_MODULES[owner.id]), message
            if owner.id in self._kinds.imported:  # refused as an import, or an alias of a module
                return (attribute,), ""
        return self._members, f"There is no attribute {attribute!r} in programs."

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name not in ALLOWED_MODULES and id(node) not in self._guarded:
                self._refuse_import(node.lineno, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        if module == "__future__" or id(node) in self._guarded:
            return
        if module not in ALLOWED_MODULES:
            names = {alias.name for alias in node.names}
            if not names <= self._api.names:  # names of the API may be imported from anywhere
                self._refuse_import(node.lineno, module)
            return
        members = dir(ALLOWED_MODULES[module])
        for alias in node.names:
            if alias.name not in members and not alias.name.startswith(("_", "*")):
                self._add(
                    node.lineno,
                    f"{module} has no member {alias.name!r} here. "
                    f"{did_you_mean(alias.name, members)}".rstrip(),
                )

    def _refuse_import(self, line: int, module: str) -> None:
        modules = ", ".join(ALLOWED_MODULES)
        hint = MODULE_HINTS.get(module.partition(".")[0], "Remove it.")
        self._add(line, f"Programs can import {modules}; not {module!r}. {hint}")

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        entry = self._entry(function)
        signature: Signature | None = None
        call = node
        if entry is not None:
            if entry.is_method and self._is_class(function):  # ImagePatch.find(patch, "dog")
                call = ast.Call(function, node.args[1:], node.keywords)
                if not node.args:
                    self._add(
                        node.lineno, f"{PATCH}.{entry.name} needs a patch as its first argument."
                    )
            if entry.name != PATCH:
                site = CallSite(node.lineno, entry.name, self._literals(call), self._repeating > 0)
                if len(self.call_sites) < MAX_CALL_SITES:
                    self.call_sites.append(site)
            signature = Signature.of_entry(entry)
        elif isinstance(function, ast.Name):
            signature = self._own.get(function.id)
        elif (
            isinstance(function, ast.Attribute)
            and function.attr in self._api.attributes
            and self._kinds.of(function.value) == "patch"
        ):
            name = function.attr
            self._add(node.lineno, f"{name} is a value, not a method. Write .{name} without ().")
        for problem in signature.problems(call) if signature else ():
            self._add(node.lineno, problem)
        self.generic_visit(node)

    def _is_class(self, function: ast.expr) -> bool:
        """Return whether a method is taken from the class, not from a patch."""
        match function:
            case ast.Attribute(value=ast.Name(id=name)):
                return name == PATCH and name not in self._kinds.overridden
            case _:
                return False

    def _literals(self, node: ast.Call) -> tuple[Literal, ...]:
        return tuple(
            _literal(self._constants.get(getattr(argument, "id", ""), argument))
            for argument in node.args
        )

    def _entry(self, function: ast.expr) -> Entry | None:
        """Return the entry of the API that is called; None if that is not certain."""
        if isinstance(function, ast.Name):
            if function.id in self._api.names - self._kinds.overridden:
                is_class = function.id == PATCH
                return self._api.constructor if is_class else self._api.functions[function.id]
        elif isinstance(function, ast.Attribute):
            kind = self._kinds.of(function.value)
            certain = (
                kind == "patch" or self._is_class(function) or function.attr not in _COMMON_MEMBERS
            )
            if kind != "other" and certain:
                return self._api.methods.get(function.attr)
        return None


def _instead(members: Collection[str]) -> str:
    if len(members) > _MAX_LISTED:
        return "Use a method of str, list, dict or set, or of the ImagePatch API."
    return f"There is {', '.join(sorted(members))}."


def _literal(argument: ast.expr) -> Literal:
    if isinstance(argument, (ast.List, ast.Tuple)):
        texts = [item.value for item in argument.elts if isinstance(item, ast.Constant)]
        words = tuple(text for text in texts if isinstance(text, str))
        return words if len(words) == len(argument.elts) else None
    value = argument.value if isinstance(argument, ast.Constant) else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) <= MAX_INTEGER else None
    return value if isinstance(value, str) else None
