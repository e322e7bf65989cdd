"""Handles: what programs hold in place of objects of the host, with a class, attributes and a number.

The object itself (a mask, the result of a model) never leaves the host. A program may read the attributes
that the API declares, keep the handle, compare it, and pass it back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from viper_sandbox.api import Api, Entry, did_you_mean
from viper_sandbox.wire import HandleRef, WireError

__all__ = ["Handle", "Owner"]


class Owner(Protocol):
    """The session that a patch or handle belongs to."""

    api: Api
    handle: int
    """Handle of the image that patches lie on."""
    height: float
    """Height of that image in pixels."""

    def callable(self, entry: Entry, receiver: Any) -> Callable[..., Any]:
        """Return the function for an entry of the API; the receiver is a patch or None."""
        ...


class Handle:
    """Represents one object of the host; a program can neither create nor change it."""

    __slots__ = ("_attributes", "_number", "_session", "kind")
    kind: str
    """Its class in the API; programs see it in messages only."""
    _attributes: dict[str, Any]
    _number: int
    _session: Owner

    def __init__(self) -> None:
        raise TypeError("A handle comes from a method; it cannot be made")

    @classmethod
    def _make(cls, session: Owner, ref: HandleRef) -> Handle:
        names = session.api.handles.get(ref.kind)
        if names is None or len(names) != len(ref.attributes):
            raise WireError(f"A handle of the class {ref.kind!r}, which is not in the API.")
        handle = object.__new__(cls)
        object.__setattr__(handle, "kind", ref.kind)
        object.__setattr__(handle, "_attributes", dict(zip(names, ref.attributes, strict=True)))
        object.__setattr__(handle, "_number", ref.number)
        object.__setattr__(handle, "_session", session)
        return handle

    def _ref(self) -> HandleRef:
        return HandleRef(self.kind, self._number)

    def _program_attribute_(self, name: str) -> Any:  # Any: a bool, a number, a text or None
        try:
            return self._attributes[name]
        except KeyError:
            raise AttributeError(
                f"{self.kind} has no attribute {name!r}. "
                f"{did_you_mean(name, self._attributes)}".rstrip()
            ) from None

    def __setattr__(self, name: str, value: object = None) -> NoReturn:
        raise AttributeError(f"A {self.kind} cannot be changed")

    __delattr__ = __setattr__

    def __eq__(self, other: object) -> bool:
        if type(other) is not Handle:
            return NotImplemented
        return self._session is other._session and self._number == other._number

    def __hash__(self) -> int:
        return hash((self.kind, self._number))

    def __repr__(self) -> str:
        attributes = (f"{name}={_text(value)}" for name, value in self._attributes.items())
        return f"{self.kind}({', '.join(attributes)})"


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)
