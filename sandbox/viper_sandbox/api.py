"""The API of programs: names, parameters and types, and the check of a call against them.

The host sends the API as plain data; both sides turn it into an `Api`. The child binds and checks the
arguments of a call with it, so that a program gets a `TypeError` that it can catch; the host checks the
same call again, because it does not trust a child.

Types such as `list[ImagePatch] | None` are parsed here and nowhere else (`parse_type`).
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

__all__ = ["Api", "ApiType", "Entry", "Parameter"]
__all__ += ["accepts", "bind", "did_you_mean", "parse_type"]

PATCH = "ImagePatch"

# Words of up to this length are part of too many names to suggest one.
_SHORTEST_PART = 3

# Comparing two names takes time with the product of their lengths, and a program may define thousands.
_LONGEST_NAME = 80
_MOST_NAMES = 1_000

_SCALARS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "None": (type(None),),
}


# Names that the documentation of ViperGPT gives to the same parameters.
_ALIASES: Mapping[str, Mapping[str, str]] = {
    "ImagePatch.verify_property": {"visual_property": "attribute", "property": "attribute"},
    "coerce_to_numeric": {"string": "text"},
    "llm_query": {"query": "question"},
}


class TypeRule(NamedTuple):
    """One alternative of a type."""

    kind: str
    """"str", "int", "float", "bool", "None", "ImagePatch", "list", "dict", "literal" or "handle"."""
    items: tuple[TypeRule, ...] = ()
    """Types of the items of a list, or of the values of a dict."""
    values: tuple[Any, ...] = ()
    """The values of a `Literal`, or the class of a handle."""


ApiType: TypeAlias = tuple[TypeRule, ...]
"""A parsed type: its alternatives, in the order in which they are tried."""


class Parameter(NamedTuple):
    """One parameter of a method or function."""

    name: str
    type: str
    required: bool
    default: Any  # a scalar literal of the stub
    rules: ApiType
    """Its type, parsed."""


class Entry(NamedTuple):
    """A method of ImagePatch, a function or the constructor."""

    name: str
    qualified_name: str
    """`ImagePatch.find` for a method, the bare name for a function."""
    parameters: tuple[Parameter, ...]
    returns: str
    result: ApiType
    """The type that it returns, parsed."""
    remote: bool
    """True if a model serves it; False for geometry, which runs in the child."""
    is_method: bool

    @property
    def aliases(self) -> Mapping[str, str]:
        """Other names of parameters, which programs of other projects use as keywords."""
        names = {parameter.name for parameter in self.parameters}
        found = _ALIASES.get(self.qualified_name, {})
        return {old: new for old, new in found.items() if new in names and old not in names}

    @property
    def signature(self) -> str:
        """As in `find(object_name)`, with the defaults."""
        parts = [p.name if p.required else f"{p.name}={p.default!r}" for p in self.parameters]
        return f"{self.name}({', '.join(parts)})"


class Api(NamedTuple):
    """Everything that a program may use besides the language itself."""

    attributes: frozenset[str]
    constructor: Entry
    methods: Mapping[str, Entry]
    functions: Mapping[str, Entry]
    handles: Mapping[str, tuple[str, ...]] = {}
    """Attributes of objects that stay on the host, by class, in the order in which they are sent."""

    @classmethod
    def from_wire(cls, wire: Mapping[Any, Any]) -> Api:
        """Read an API from plain data.

        Raises:
            ValueError: A part is missing or has a type that cannot be sent.
        """
        try:
            handles = {name: tuple(a) for name, a in wire.get("handles", {}).items()}
            classes = frozenset(handles)
            return cls(
                frozenset(wire["attributes"]),
                _entry(PATCH, wire["constructor"], classes),
                {n: _entry(n, w, classes, is_method=True) for n, w in wire["methods"].items()},
                {n: _entry(n, w, classes) for n, w in wire["functions"].items()},
                handles,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"The specification is incomplete: {error!r}.") from error

    @property
    def names(self) -> frozenset[str]:
        """Global names that a program may use."""
        return frozenset(self.functions) | {PATCH}

    @property
    def members(self) -> frozenset[str]:
        """Attributes and methods of ImagePatch."""
        return self.attributes | frozenset(self.methods)

    @property
    def handle_members(self) -> frozenset[str]:
        """Attributes of handles, whatever their class."""
        return frozenset().union(*self.handles.values())

    @property
    def finding(self) -> frozenset[str]:
        """Methods and functions that return patches, besides crops."""
        entries = (*self.methods.values(), *self.functions.values())
        return frozenset(e.name for e in entries if e.remote and PATCH in e.returns)

    def remote(self, qualified_name: str) -> Entry | None:
        """Return the entry of this name that a model serves; None if there is none."""
        head, dot, name = qualified_name.partition(".")
        if dot and head != PATCH:
            return None
        entry = self.methods.get(name) if dot else self.functions.get(head)
        return entry if entry is not None and entry.remote else None


def bind(entry: Entry, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Put the arguments of a call in the order of the parameters, defaults filled in.

    None stands for a default, as in `simple_query(None)`, if it is no value of the parameter.

    Raises:
        TypeError: Wrong number of arguments or unknown keyword, worded as Python words it.
    """
    parameters = entry.parameters
    if len(args) > len(parameters):
        raise TypeError(
            f"{entry.name}() takes {_count(len(parameters))} but {len(args)} were given: "
            f"{entry.signature}"
        )
    names = [p.name for p in parameters]
    bound = dict(zip(names, args, strict=False))
    for given, value in kwargs.items():
        name = given if given in names else entry.aliases.get(given, given)
        if name not in names:
            raise TypeError(
                f"{entry.name}() has no argument {name!r}. {did_you_mean(name, names)}"
                f"It is {entry.signature}"
            )
        if name in bound:
            raise TypeError(f"{entry.name}() got two values for {name!r}")
        bound[name] = value
    for parameter in parameters:
        if parameter.name not in bound:
            if parameter.required:
                raise TypeError(
                    f"{entry.name}() misses the argument {parameter.name!r}: {entry.signature}"
                )
            bound[parameter.name] = parameter.default
        elif (
            bound[parameter.name] is None and not parameter.required and not _takes_none(parameter)
        ):
            bound[parameter.name] = parameter.default
    return tuple(bound[name] for name in names)


@functools.cache
def parse_type(text: str, handles: frozenset[str] = frozenset()) -> ApiType:
    """Parse a type such as `list[str] | None`.

    Args:
        text: The type as written in a stub.
        handles: Classes whose objects stay on the host.

    Raises:
        ValueError: Values of this type cannot be sent.
    """
    try:
        return _rules(ast.parse(text, mode="eval").body, handles)
    except (SyntaxError, LookupError) as error:
        names = ", ".join([*_SCALARS, PATCH, *sorted(handles), "Literal[…]"])
        raise ValueError(
            f"Unknown wire type {text!r}; known: {names}, list[T], "
            "dict[str, T], Optional[T] and unions."
        ) from error


def accepts(rules: ApiType, value: Any, patch_type: type, handle_type: type | None = None) -> bool:
    """Return whether a value is of a type.

    Args:
        rules: The type.
        value: Anything.
        patch_type: The class that represents `ImagePatch` on this side.
        handle_type: The class that represents handles on this side; its `kind` names the class in the
            API. None if there are no handles.
    """
    return any(_accepts_one(rule, value, patch_type, handle_type) for rule in rules)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return "Did you mean 'a' or 'b'? " for similar words, or "" if there are none."""
    import difflib  # imported only for wrong programs

    if len(word) > _LONGEST_NAME:
        return ""
    names = [name for name in sorted(choices)[:_MOST_NAMES] if len(name) <= _LONGEST_NAME]
    near = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if not near and len(word) > _SHORTEST_PART:
        near = [name for name in names if word in name][:3]  # center → horizontal_center
    return f"Did you mean {' or '.join(repr(name) for name in near)}? " if near else ""


def _entry(
    name: str, wire: Mapping[str, Any], handles: frozenset[str], *, is_method: bool = False
) -> Entry:
    parameters = tuple(
        Parameter(p["name"], p["type"], p["required"], p["default"], parse_type(p["type"], handles))
        for p in wire["params"]
    )
    qualified = f"{PATCH}.{name}" if is_method else name
    returns = wire["returns"]
    result = parse_type(returns, handles)
    return Entry(name, qualified, parameters, returns, result, wire["remote"], is_method)


def _rules(node: ast.expr, handles: frozenset[str]) -> ApiType:
    match node:
        case ast.Constant(value=None):
            return (TypeRule("None"),)
        case ast.Name(id=name) if name in _SCALARS or name == PATCH:
            return (TypeRule(name),)
        case ast.Name(id=name) if name in handles:
            return (TypeRule("handle", values=(name,)),)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return (*_rules(left, handles), *_rules(right, handles))
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return (*_rules(inner, handles), TypeRule("None"))
        case ast.Subscript(value=ast.Name(id="list"), slice=inner):
            return (TypeRule("list", _rules(inner, handles)),)
        case ast.Subscript(
            value=ast.Name(id="dict"), slice=ast.Tuple(elts=[ast.Name(id="str"), v])
        ):
            return (TypeRule("dict", _rules(v, handles)),)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            elements = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return (TypeRule("literal", values=tuple(ast.literal_eval(e) for e in elements)),)
        case _:
            raise LookupError(ast.unparse(node))


def _accepts_one(rule: TypeRule, value: Any, patch_type: type, handle_type: type | None) -> bool:
    if rule.kind == PATCH:
        return type(value) is patch_type
    if rule.kind == "handle":
        handle: Any = value
        return type(value) is handle_type and (handle.kind,) == rule.values
    if rule.kind == "list":
        return type(value) is list and all(
            accepts(rule.items, v, patch_type, handle_type) for v in value
        )
    if rule.kind == "dict":
        return type(value) is dict and all(
            type(k) is str and accepts(rule.items, v, patch_type, handle_type)
            for k, v in value.items()
        )
    if rule.kind == "literal":
        return any(type(value) is type(choice) and value == choice for choice in rule.values)
    return type(value) in _SCALARS[rule.kind]


def _takes_none(parameter: Parameter) -> bool:
    return any(rule.kind == "None" for rule in parameter.rules)


def _count(number: int) -> str:
    return "no arguments" if number == 0 else f"at most {number} argument{'s'[: number > 1]}"
