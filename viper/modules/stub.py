"""Reads the stubs of modules, and accepts only what can be part of the API.

A stub is code that the user installed, so it may be parsed here; it is never run. It goes into prompts, the
check of programs and the sandbox, so its names must not hide existing ones, and values of its types must be
ones that can be sent to the sandbox.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple, NoReturn

from RestrictedPython.transformer import INSPECT_ATTRIBUTES

from viper.errors import ConfigError
from viper.models.roles import ROLES, Role
from viper.programs.api_spec import (
    PATCH,
    ApiCallable,
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
"""Viper's own API takes 12,000 bytes, and all of it goes into prompts."""
_MOST_CALLABLES = 64
_MOST_CLASSES = 16
_MOST_PARAMETERS = 16
_MOST_ATTRIBUTES = 32
_LONGEST_NAME = 64
_LONGEST_TYPE = 200

_RESERVED = {
    *(
        *BUILTINS,
        *REFUSED_NAMES,
        *ALLOWED_MODULES,
        ENTRY,
        "print",
        "needs",
        "ends_program",
        "Literal",
        "Optional",
    ),
    *("image", "image_patch", "query", "possible_answers", "self"),
}
"""Names with a meaning in programs, which functions and classes of modules must not have."""
_SCALARS = {"str", "int", "float", "bool", "None"}
_IMPORTS = ("viper_api", "typing", "__future__")


class ModuleApi(NamedTuple):
    """What a module adds to the API."""

    callables: tuple[ApiCallable, ...]
    """Methods of ImagePatch first, then functions."""
    handles: tuple[HandleClass, ...]


def read_stub(text: str, file: str, roles: Collection[Role]) -> ModuleApi:
    """Read the stub of a module.

    Args:
        text: The stub.
        file: Its name, for messages.
        roles: Roles that the module adds.

    Raises:
        ConfigError: Something in it cannot be part of the API; the message says where and why.
    """
    return _Reader(file, roles).read(text)


class _Reader:
    """Reads one stub."""

    def __init__(self, file: str, roles: Collection[Role]) -> None:
        self._file = file
        self._roles = (*ROLES, *roles)
        self._line = 1  # of the part being read
        self._handles: dict[str, HandleClass] = {}
        self._declared: set[str] = set()
        base = load_spec()
        self._members = {c.name for c in base.callables if c.is_method}
        self._members |= {attribute.name for attribute in base.attributes}
        self._globals = {c.name for c in base.callables if not c.is_method} | {PATCH}

    def read(self, text: str) -> ModuleApi:
        size = len(text.encode("utf-8", "replace"))
        if size > MAX_STUB_BYTES:
            self._refuse(f"the stub has {size:,} bytes; at most {MAX_STUB_BYTES:,} are read")
        try:
            tree = ast.parse(text, filename=self._file)
        except (SyntaxError, ValueError) as error:
            self._line = getattr(error, "lineno", None) or 1
            self._refuse(f"this is not Python: {error}")
        except RecursionError:
            self._refuse("the stub is nested too deeply")
        methods: list[ast.FunctionDef] = []
        functions: list[ast.FunctionDef] = []
        for node in tree.body:
            self._line = node.lineno
            match node:
                case ast.ClassDef(name=name) if name == PATCH:
                    methods += self._methods(node)
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
                        f"a stub holds class {PATCH}, classes of handles and functions only, not "
                        f"{type(node).__name__}"
                    )
        callables = [self._callable(node, is_method=True) for node in methods]
        callables += [self._callable(node, is_method=False) for node in functions]
        self._line = 1
        if not callables:
            self._refuse("the stub declares no method and no function")
        if len(callables) > _MOST_CALLABLES:
            self._refuse(f"{len(callables)} methods and functions; at most {_MOST_CALLABLES}")
        return ModuleApi(tuple(callables), tuple(self._handles.values()))

    def _refuse(self, why: str) -> NoReturn:
        raise ConfigError(f"{self._file}:{self._line}: {why}.")

    def _methods(self, node: ast.ClassDef) -> Iterator[ast.FunctionDef]:
        self._check_plain_class(node)
        for member in node.body:
            match member:
                case ast.FunctionDef():
                    yield member
                case ast.Expr(value=ast.Constant()):
                    pass
                case _:
                    self._line = member.lineno
                    self._refuse(f"class {PATCH} of a module holds methods only")

    def _check_plain_class(self, node: ast.ClassDef) -> None:
        if node.bases or node.keywords or node.decorator_list:
            self._refuse(f"class {node.name} must have no bases and no decorators")

    def _add_handle(self, node: ast.ClassDef) -> None:
        self._check_plain_class(node)
        self._check_name(node.name)
        if node.name in _RESERVED | self._globals | self._handles.keys():
            self._refuse(f"the name {node.name!r} is taken")
        if len(self._handles) >= _MOST_CLASSES:
            self._refuse(f"more than {_MOST_CLASSES} classes of handles")
        doc = ast.get_docstring(node)
        if not doc:
            self._refuse(f"class {node.name} has no docstring; prompts are made of it")
        for member in node.body:
            match member:
                case ast.AnnAssign(target=ast.Name(), value=None) | ast.Expr(value=ast.Constant()):
                    pass
                case _:
                    self._line = member.lineno
                    self._refuse(
                        f"class {node.name} stands for objects of the host: it declares attributes, as in "
                        "'area: float', and nothing else"
                    )
        attributes = tuple(attributes_of(node))
        if len(attributes) > _MOST_ATTRIBUTES:
            self._refuse(f"more than {_MOST_ATTRIBUTES} attributes")
        if len({attribute.name for attribute in attributes}) < len(attributes):
            self._refuse(f"class {node.name} declares an attribute twice")
        for attribute in attributes:
            self._check_name(attribute.name)
            kinds = {rule.kind for rule in self._type(attribute.type, frozenset())}
            if not kinds <= _SCALARS or kinds == {"None"}:
                self._refuse(
                    f"{node.name}.{attribute.name} must be bool, int, float or str, or one of them or "
                    f"None, not {attribute.type}"
                )
        self._handles[node.name] = HandleClass(node.name, attributes, doc)

    def _callable(self, node: ast.FunctionDef, *, is_method: bool) -> ApiCallable:
        self._line = node.lineno
        self._check_name(node.name)
        if node.name in (self._members if is_method else self._globals):
            self._refuse(f"the name {node.name!r} is taken by Viper itself")
        if node.name in self._declared:
            self._refuse(f"the name {node.name!r} is declared twice")
        self._declared.add(node.name)
        if not is_method and (node.name in _RESERVED or node.name in self._handles):
            self._refuse(f"the name {node.name!r} means something else in programs")
        names = [argument.arg for argument in node.args.args]
        if is_method and names[:1] != ["self"]:
            self._refuse(f"the first parameter of {node.name} must be self")
        for name in names[is_method:]:
            self._check_name(name)
            if name == "self":
                self._refuse(f"{node.name} has a parameter 'self' too many")
        if len(names) > _MOST_PARAMETERS:
            self._refuse(f"{node.name} has more than {_MOST_PARAMETERS} parameters")
        for statement in node.body:
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                self._line = statement.lineno
                self._refuse(f"the body of {node.name} must be its docstring: a stub is never run")
        try:
            entry = callable_of(node, self._file, self._roles, is_method=is_method)
        except ValueError as error:
            self._refuse(f"a default of {node.name} is not a literal: {error}")
        if entry.ends:
            self._refuse(f"{node.name} has @ends_program, which only Viper's own functions have")
        if entry.needs is None:
            self._refuse(
                f"{node.name} has no @needs(role): every method of a module is served by a model"
            )
        self._check_types(entry)
        return entry

    def _check_types(self, entry: ApiCallable) -> None:
        classes = frozenset(self._handles)
        for parameter in entry.parameters:
            rules, default = self._type(parameter.type, classes), parameter.default
            if parameter.required:
                continue
            is_scalar = isinstance(default, str | int | float | bool | None)
            if not is_scalar or default in (math.inf, -math.inf):
                self._refuse(f"the default of {parameter.name} must be a text, number or None")
            if not accepts(rules, default, type(self)):
                self._refuse(
                    f"the default {default!r} of {parameter.name} is not of type {parameter.type}"
                )
        self._check_results(self._type(entry.returns, classes), entry)
        takes_patch = entry.is_method or any(PATCH in p.type for p in entry.parameters)
        if PATCH in entry.returns and not takes_patch:
            self._refuse(f"{entry.name} returns {PATCH}, but no argument says on which image")

    def _check_results(self, rules: ApiType, entry: ApiCallable) -> None:
        """Refuse unions of classes of handles: a result does not say which class it is."""
        if sum(rule.kind == "handle" for rule in rules) > 1:
            self._refuse(f"{entry.name} returns one of several classes of handles: choose one")
        for rule in rules:
            self._check_results(rule.items, entry)

    def _type(self, text: str, handles: frozenset[str]) -> ApiType:
        if len(text) > _LONGEST_TYPE:
            self._refuse(f"a type of {len(text)} characters; at most {_LONGEST_TYPE}")
        try:
            rules = parse_type(text, handles)
        except (ValueError, RecursionError) as error:
            self._refuse(str(error).rstrip("."))
        for value in _literals(rules):
            if not isinstance(value, str | int | bool | None):
                self._refuse(f"a Literal holds texts, integers, bools and None only: {text}")
        return rules

    def _check_name(self, name: str) -> None:
        if not name.isascii() or len(name) > _LONGEST_NAME:
            self._refuse(
                f"the name {name[:80]!r} must be ASCII, with at most {_LONGEST_NAME} characters"
            )
        if name.startswith("_") or is_reserved(name):
            self._refuse(f"the name {name!r} is private")
        if name in INSPECT_ATTRIBUTES:
            self._refuse(f"the name {name!r} is hidden from programs")


def _literals(rules: ApiType) -> Iterator[Any]:
    """Yield the values of all `Literal` in a type, and the names of its classes of handles."""
    for rule in rules:
        yield from rule.values
        yield from _literals(rule.items)
