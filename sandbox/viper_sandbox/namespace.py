"""The names that a program can use: builtins, the frozen modules math, re and typing, and the guards.

Attributes are allowed by EXACT TYPE: an object of a type that is not in the table has no attributes at all,
so types, functions, generators, frames and exceptions give access to nothing else. No module object is ever
visible: the real `re` alone would give access to `sys` without an underscore.
"""

from __future__ import annotations

import builtins
import math
import re
import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NoReturn

from viper_sandbox.api import did_you_mean
from viper_sandbox.hints import MEMBER_HINTS
from viper_sandbox.limits import CUT
from viper_sandbox.outgoing import outgoing

__all__ = [
    "ALLOWED_MODULES",
    "BUILTINS",
    "MEMBERS",
    "STATIC_MEMBERS",
    "Namespace",
    "Printer",
    "guarded_getattr",
    "guarded_write",
    "make_import",
    "plainly_named",
]

_BUILTINS = (
    "None True False abs all any bool callable chr dict divmod enumerate filter float frozenset int "
    "isinstance iter len list map max min next ord pow range repr reversed round set slice sorted "
    "str sum tuple zip"
)
EXCEPTIONS: Final = (
    "ArithmeticError AssertionError AttributeError EOFError Exception FloatingPointError "
    "ImportError IndexError KeyError LookupError MemoryError ModuleNotFoundError NameError "
    "NotImplementedError OSError OverflowError RecursionError RuntimeError StopIteration "
    "TimeoutError TypeError UnboundLocalError UnicodeError ValueError ZeroDivisionError"
).split()

BUILTINS: Final[Mapping[str, Any]] = {
    name: getattr(builtins, name) for name in [*_BUILTINS.split(), *EXCEPTIONS]
}

_TEXT = (
    "capitalize casefold center count endswith expandtabs find index isalnum isalpha isascii "
    "isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join "
    "ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust rpartition "
    "rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill"
)
_FROZENSET = (
    "copy difference intersection isdisjoint issubset issuperset symmetric_difference union"
)
_SET = (
    f"{_FROZENSET} add clear difference_update discard intersection_update pop remove "
    "symmetric_difference_update update"
)
_INT = "bit_count bit_length is_integer"


def _members(table: Mapping[Any, str]) -> Mapping[Any, frozenset[str]]:
    return {owner: frozenset(names.split()) for owner, names in table.items()}


MEMBERS: Final = _members(
    {
        str: f"{_TEXT} format",
        list: "append clear copy count extend index insert pop remove reverse sort",
        tuple: "count index",
        dict: "clear copy get items keys pop popitem setdefault update values",
        set: _SET,
        frozenset: _FROZENSET,
        int: _INT,
        bool: _INT,
        float: "is_integer",
        range: "count index start step stop",
        re.Pattern: "findall finditer flags fullmatch groups match pattern search split sub subn",
        re.Match: "end endpos group groupdict groups lastgroup lastindex pos span start string",
        **{getattr(builtins, name): "args" for name in EXCEPTIONS},
        re.error: "args msg pattern pos",
    }
)
"""Attributes of instances, by exact type."""

STATIC_MEMBERS: Final = _members(
    {
        str: f"{_TEXT} maketrans",  # key=str.lower, map(str.strip, texts)
        dict: "fromkeys",
        set: "difference intersection symmetric_difference union",
        frozenset: "difference intersection symmetric_difference union",
    }
)
"""Attributes of the builtin types themselves, by identity."""


class Namespace:
    """A module as programs see it: a fixed set of members that cannot be changed.

    Args:
        name: The module's name.
        members: Its public members.
    """

    __slots__ = ("_members", "_name")

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_members", dict(members))

    def __getattr__(self, name: str) -> Any:  # Any: members are of every kind
        try:
            return self._members[name]
        except KeyError:
            raise AttributeError(
                f"{self._name} has no member {name!r} here. {did_you_mean(name, self._members)}"
            ) from None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{self._name} cannot be changed")

    def __dir__(self) -> Iterable[str]:
        return sorted(self._members)

    def __repr__(self) -> str:
        return f"<module {self._name!r}>"


# Messages of Python name the type of what is called, iterated or added: programs know it as a module.
Namespace.__name__ = Namespace.__qualname__ = "module"


class _TypingName:
    """Replaces every name of `typing`: it can be subscripted and joined, without effect."""

    __slots__ = ()

    def __getitem__(self, item: object) -> _TypingName:
        return self

    def __or__(self, other: object) -> _TypingName:
        return self

    __ror__ = __or__

    def __repr__(self) -> str:
        return "typing"


_MATH = Namespace("math", {n: getattr(math, n) for n in dir(math) if not n.startswith("_")})
_RE = Namespace(
    "re",
    {
        name: getattr(re, name)
        for name in (
            "A ASCII DOTALL I IGNORECASE M MULTILINE NOFLAG S U UNICODE VERBOSE X compile error "
            "escape findall finditer fullmatch match search split sub subn"
        ).split()
    },
)
_TYPING = Namespace(
    "typing",
    {
        **dict.fromkeys(
            (
                "AbstractSet Annotated Any Callable ClassVar Collection Dict Final FrozenSet "
                "Generator Hashable Iterable Iterator List Literal Mapping MutableMapping "
                "MutableSequence MutableSet NoReturn Optional Sequence Set Sized Text Tuple Type "
                "Union"
            ).split(),
            _TypingName(),
        ),
        "TYPE_CHECKING": False,
        "cast": lambda kind, value: value,
    },
)
ALLOWED_MODULES: Final[Mapping[str, Namespace]] = {"math": _MATH, "re": _RE, "typing": _TYPING}


def guarded_getattr(owner: Any, name: str) -> Any:  # Any: any object of a program
    """Return an attribute if the exact type of its owner lists it.

    Raises:
        AttributeError: It does not.
    """
    kind = type(owner)
    if name.startswith("_"):
        raise AttributeError(f"The attribute {name!r} is hidden from programs")
    if kind is Namespace:
        return getattr(owner, name)
    allowed = STATIC_MEMBERS.get(owner) if kind is type else MEMBERS.get(kind)
    if allowed is None:
        # Patches and handles, and the class of patches, have their own table.
        resolver = getattr(owner, "_method_of_class_", None) if kind is type else None
        if resolver is not None:
            return resolver(name)
        resolver = getattr(kind, "_program_attribute_", None) if kind is not type else None
        if resolver is not None:
            return resolver(owner, name)
    if allowed is None or name not in allowed:
        what = f"type {owner.__name__!r}" if kind is type else f"{kind.__name__!r} object"
        hint = did_you_mean(name, allowed or ()) or (MEMBER_HINTS.get(name, "") if allowed else "")
        raise AttributeError(f"{what} has no attribute {name!r} here. {hint}".rstrip())
    if name == "format" and kind is str:
        return _plain_format(owner)
    if name == "is_integer" and kind is not float and kind is not type:
        return _true  # before Python 3.12 an int has no such method
    return getattr(owner, name)


def guarded_write(owner: Any) -> Any:  # Any: any object of a program
    """Return the object if its items may be stored or deleted.

    Raises:
        TypeError: It is neither a list nor a dict.
    """
    if type(owner) in (list, dict):
        return owner
    raise TypeError(f"{type(owner).__name__!r} object does not support item assignment")


def make_import(api: Namespace) -> Callable[..., Namespace]:
    """Return the `__import__` of a program.

    Args:
        api: The names of the API, which may be imported from any module.
    """

    def guarded_import(
        name: str,
        globals: object = None,
        locals: object = None,
        fromlist: tuple[str, ...] | None = (),
        level: int = 0,
    ) -> Namespace:
        if level == 0 and name in ALLOWED_MODULES:
            return ALLOWED_MODULES[name]
        if fromlist and set(fromlist) <= set(dir(api)):
            return api
        raise ModuleNotFoundError(
            f"Programs cannot import {name!r}; only {', '.join(ALLOWED_MODULES)}."
        )

    return guarded_import


class Printer:
    """The `print` of a program, which keeps a limited amount of text.

    Args:
        max_bytes: Most UTF-8 bytes to keep.
    """

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self._parts: list[str] = []

    def print(
        self, *values: object, sep: str | None = " ", end: str | None = "\n", **_: object
    ) -> None:
        """Keep the text of the values; `file` and `flush` have no effect."""
        if self._left <= 0:
            return
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        # Before it is cut, which could leave a part of an address.
        data = outgoing(text)[: self._left].encode("utf-8")[: self._left]
        self._left -= len(data)
        self._parts.append(data.decode("utf-8", "ignore"))
        if self._left <= 0:
            self._parts.append(CUT)

    @property
    def text(self) -> str:
        """Everything printed so far; ends in "…" if something was dropped."""
        return "".join(self._parts)


def _plain_format(template: str) -> Callable[..., str]:
    """Return `template.format` for templates whose fields name arguments, not their parts."""

    def format(*args: object, **kwargs: object) -> str:
        _check_fields(template, depth=2)
        return template.format(*args, **kwargs)

    return plainly_named(format)


def _true() -> bool:
    return True


def plainly_named(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """Give a function the name under which programs know it: messages of Python quote it."""
    function.__name__ = function.__qualname__ = name or function.__name__
    function.__module__ = "builtins"  # the only one that such messages leave out
    return function


def _check_fields(template: str, depth: int) -> None:
    for _, field, spec, _ in string.Formatter().parse(template):
        if field and not (field.isdecimal() or field.isidentifier()):
            raise ValueError(
                f"A field of format() must be a plain name or number, got {field[:40]!r}. "
                "Use an f-string."
            )
        if spec and depth:
            _check_fields(spec, depth - 1)
