"""Reads the stub of a module, and refuses all that the contract has no place for.

The stub is host code that the user installed, so it may be parsed here; it is never run. What it says
goes into prompts, into the check of programs and into the sandbox, so its names must not hide what is
there, and its types must be such as can cross the wall.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import NamedTuple, NoReturn

from RestrictedPython.transformer import INSPECT_ATTRIBUTES

from viper.errors import ConfigError
from viper.models.roles import ROLES, Role
from viper.programs.api_spec import (
    PATCH,
    ApiCallable,
    ApiSpec,
    HandleClass,
    attributes_of,
    callable_of,
    load_spec,
)
from viper_sandbox.api import ApiType, accepts, parse_type
from viper_sandbox.extract import ENTRY
from viper_sandbox.namespace import ALLOWED_MODULES, BUILTINS
from viper_sandbox.policy import REFUSED_NAMES, is_reserved

__all__ = ["MAX_STUB_BYTES", "ModuleApi", "read_stub"]

MAX_STUB_BYTES = 65_536
"""The whole contract of Viper itself takes 12,000 bytes, and all of it goes into prompts."""
_MOST_CALLABLES = 64
_MOST_CLASSES = 16
_MOST_PARAMETERS = 16
_MOST_ATTRIBUTES = 32
_LONGEST_NAME = 64
_LONGEST_TYPE = 200

_TAKEN = (
    frozenset(BUILTINS)
    | frozenset(REFUSED_NAMES)
    | frozenset(ALLOWED_MODULES)
    | {ENTRY, "print", "needs", "image", "image_patch", "query", "possible_answers", "self"}
    | {"str", "int", "float", "bool", "None", "list", "dict", "Literal", "Optional"}
)
"""What a function or class of a module must not be called: it means something in programs already."""
_SCALARS = {"str", "int", "float", "bool", "None"}
_IMPORTS = ("viper_api", "typing", "__future__")


class ModuleApi(NamedTuple):
    """What a module adds to the contract."""

    callables: tuple[ApiCallable, ...]
    """Methods of ImagePatch first, then functions."""
    handles: tuple[HandleClass, ...]


def read_stub(text: str, file: str, roles: Collection[Role]) -> ModuleApi:
    """Read the stub of a module.

    Args:
        text: The stub.
        file: What to call it in messages.
        roles: Roles that the module brings.

    Raises:
        ConfigError: Something in it cannot be part of the contract; the message says where and why.
    """
    return _Reader(file, roles).read(text)


class _Reader:
    """Reads one stub."""

    def __init__(self, file: str, roles: Collection[Role]) -> None:
        self._file = file
        self._roles = (*ROLES, *roles)
        self._base: ApiSpec = load_spec()
        self._handles: dict[str, HandleClass] = {}

    def read(self, text: str) -> ModuleApi:
        size = len(text.encode("utf-8", "replace"))
        if size > MAX_STUB_BYTES:
            self._refuse(1, f"the stub has {size:,} bytes; at most {MAX_STUB_BYTES:,} are read")
        try:
            tree = ast.parse(text, filename=self._file)
        except (SyntaxError, ValueError) as error:
            self._refuse(getattr(error, "lineno", None) or 1, f"this is not Python: {error}")
        except RecursionError:
            self._refuse(1, "the stub is nested too deeply")
        methods: list[ast.FunctionDef] = []
        functions: list[ast.FunctionDef] = []
        for node in tree.body:
            match node:
                case ast.ClassDef(name=name) if name == PATCH:
                    methods += self._patch_methods(node)
                case ast.ClassDef():
                    self._add_handle(node)
                case ast.FunctionDef():
                    functions.append(node)
                case ast.ImportFrom(module=module, level=0) if module in _IMPORTS:
                    pass
                case ast.Expr(value=ast.Constant(value=str())):
                    pass
                case _:
                    self._refuse(
                        node.lineno,
                        f"a stub holds class {PATCH}, classes of handles and functions only, not "
                        f"{type(node).__name__}",
                    )
        callables = [
            *(self._callable(node, is_method=True) for node in methods),
            *(self._callable(node, is_method=False) for node in functions),
        ]
        if not callables:
            self._refuse(1, "the stub declares no method and no function")
        if len(callables) > _MOST_CALLABLES:
            self._refuse(1, f"{len(callables)} methods and functions; at most {_MOST_CALLABLES}")
        self._check_once([*methods, *functions])
        return ModuleApi(tuple(callables), tuple(self._handles.values()))

    def _refuse(self, line: int, why: str) -> NoReturn:
        raise ConfigError(f"{self._file}:{line}: {why}.")

    def _patch_methods(self, node: ast.ClassDef) -> Iterator[ast.FunctionDef]:
        self._check_plain_class(node)
        for member in node.body:
            match member:
                case ast.FunctionDef():
                    yield member
                case ast.Expr(value=ast.Constant()):
                    pass
                case _:
                    self._refuse(member.lineno, f"class {PATCH} of a module holds methods only")

    def _check_plain_class(self, node: ast.ClassDef) -> None:
        if node.bases or node.keywords or node.decorator_list:
            self._refuse(node.lineno, f"class {node.name} must have no bases and no decorators")

    def _add_handle(self, node: ast.ClassDef) -> None:
        self._check_plain_class(node)
        self._check_name(node.name, node.lineno)
        if node.name in _TAKEN or node.name in self._handles or self._is_taken(node.name):
            self._refuse(node.lineno, f"the name {node.name!r} is taken")
        if len(self._handles) >= _MOST_CLASSES:
            self._refuse(node.lineno, f"more than {_MOST_CLASSES} classes of handles")
        doc = ast.get_docstring(node)
        if not doc:
            self._refuse(node.lineno, f"class {node.name} has no docstring; prompts are made of it")
        for member in node.body:
            match member:
                case ast.AnnAssign(target=ast.Name(), value=None) | ast.Expr(value=ast.Constant()):
                    pass
                case _:
                    self._refuse(
                        member.lineno,
                        f"class {node.name} stands for objects of the host: it declares attributes, as in "
                        "'area: float', and nothing else",
                    )
        attributes = tuple(attributes_of(node))
        if len(attributes) > _MOST_ATTRIBUTES:
            self._refuse(node.lineno, f"more than {_MOST_ATTRIBUTES} attributes")
        if len({attribute.name for attribute in attributes}) < len(attributes):
            self._refuse(node.lineno, f"class {node.name} declares an attribute twice")
        for attribute in attributes:
            self._check_name(attribute.name, node.lineno)
            kinds = {rule.kind for rule in self._rules(attribute.type, node.lineno, frozenset())}
            if not kinds <= _SCALARS or kinds == {"None"}:
                self._refuse(
                    node.lineno,
                    f"{node.name}.{attribute.name} must be bool, int, float or str, or one of them or "
                    f"None, not {attribute.type}",
                )
        self._handles[node.name] = HandleClass(node.name, attributes, doc)

    def _callable(self, node: ast.FunctionDef, *, is_method: bool) -> ApiCallable:
        self._check_name(node.name, node.lineno)
        if self._is_member(node.name) if is_method else self._is_taken(node.name):
            self._refuse(node.lineno, f"the name {node.name!r} is taken by Viper itself")
        if not is_method and (node.name in _TAKEN or node.name in self._handles):
            self._refuse(node.lineno, f"the name {node.name!r} means something else in programs")
        names = [argument.arg for argument in node.args.args]
        if is_method and names[:1] != ["self"]:
            self._refuse(node.lineno, f"the first parameter of {node.name} must be self")
        for name in names[is_method:]:
            self._check_name(name, node.lineno)
            if name == "self":
                self._refuse(node.lineno, f"{node.name} has a parameter 'self' too many")
        if len(names) > _MOST_PARAMETERS:
            self._refuse(node.lineno, f"{node.name} has more than {_MOST_PARAMETERS} parameters")
        for statement in node.body:
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                self._refuse(
                    statement.lineno,
                    f"the body of {node.name} must be its docstring: a stub is never run",
                )
        try:
            entry = callable_of(node, self._file, self._roles, is_method=is_method)
        except ValueError as error:
            self._refuse(node.lineno, f"a default of {node.name} is no literal: {error}")
        if entry.needs is None:
            self._refuse(
                node.lineno,
                f"{node.name} has no @needs(role): every method of a module is served by a model",
            )
        self._check_types(entry, node.lineno)
        return entry

    def _check_types(self, entry: ApiCallable, line: int) -> None:
        known = frozenset(self._handles)
        for parameter in entry.parameters:
            rules = self._rules(parameter.type, line, known)
            given = parameter.default
            if parameter.required:
                continue
            if not isinstance(given, str | int | float | bool | None) or given in (
                float("inf"),
                float("-inf"),
            ):
                self._refuse(
                    line, f"the default of {parameter.name} must be a text, number or None"
                )
            if not accepts(rules, given, type(self)):
                self._refuse(
                    line, f"the default {given!r} of {parameter.name} is no {parameter.type}"
                )
        returns = self._rules(entry.returns, line, known)
        self._check_results(returns, entry, line)
        takes_patch = entry.is_method or any(PATCH in p.type for p in entry.parameters)
        if PATCH in entry.returns and not takes_patch:
            self._refuse(line, f"{entry.name} returns {PATCH}, but no patch says of which picture")

    def _check_results(self, rules: ApiType, entry: ApiCallable, line: int) -> None:
        """Refuse results of which nobody could tell what they are."""
        if sum(rule.kind == "handle" for rule in rules) > 1:
            self._refuse(
                line, f"{entry.name} returns one of several classes of handles: choose one"
            )
        for rule in rules:
            self._check_results(rule.items, entry, line)

    def _rules(self, text: str, line: int, handles: frozenset[str]) -> ApiType:
        if len(text) > _LONGEST_TYPE:
            self._refuse(line, f"a type of {len(text)} characters; at most {_LONGEST_TYPE}")
        try:
            rules = parse_type(text, handles)
        except (ValueError, RecursionError) as error:
            self._refuse(line, str(error).rstrip("."))
        self._check_literals(rules, text, line)
        return rules

    def _check_literals(self, rules: ApiType, text: str, line: int) -> None:
        for rule in rules:
            values = rule.values if rule.kind == "literal" else ()
            if not all(isinstance(value, str | int | bool | None) for value in values):
                self._refuse(line, f"a Literal holds texts, integers, bools and None only: {text}")
            self._check_literals(rule.items, text, line)

    def _check_name(self, name: str, line: int) -> None:
        if not name.isascii() or len(name) > _LONGEST_NAME:
            self._refuse(
                line, f"the name {name[:80]!r} must be ASCII, of {_LONGEST_NAME} characters"
            )
        if name.startswith("_") or is_reserved(name):
            self._refuse(line, f"the name {name!r} is private")
        if name in INSPECT_ATTRIBUTES:
            self._refuse(line, f"the name {name!r} is hidden from programs")

    def _is_member(self, name: str) -> bool:
        """Tell whether ImagePatch has a member of this name already."""
        return self._base.method(name) is not None or name in {
            attribute.name for attribute in self._base.attributes
        }

    def _is_taken(self, name: str) -> bool:
        return name == PATCH or self._base.function(name) is not None

    def _check_once(self, nodes: list[ast.FunctionDef]) -> None:
        seen: set[str] = set()
        for node in nodes:
            if node.name in seen:
                self._refuse(node.lineno, f"the name {node.name!r} is declared twice")
            seen.add(node.name)
