"""A program's session in the child: the callables of the API, and values from and for the wire."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from viper_sandbox.api import PATCH, Api, Entry, Parameter, accepts, bind
from viper_sandbox.handle import Handle
from viper_sandbox.limits import MAX_ARGUMENT_VALUES
from viper_sandbox.namespace import plainly_named
from viper_sandbox.outgoing import outgoing
from viper_sandbox.patch import ATTRIBUTES, LOCAL_FUNCTIONS, LOCAL_METHODS, ImagePatch
from viper_sandbox.wire import (
    MAX_DEPTH,
    MAX_VALUES,
    HandleRef,
    PatchRef,
    TooLargeError,
    WireError,
    WireValue,
)

__all__ = ["PROGRAM_FILE", "NotAValueError", "ProgramSession", "lift", "lower"]

PROGRAM_FILE = "<program>"
"""File name of a program's code objects, by which its frames are recognized."""

Ask = Callable[[str, "PatchRef | None", tuple[Any, ...], int], WireValue]
"""Sends a call to the host: (qualified name, receiver, arguments on the wire, line) → result."""

_LISTLIKE: tuple[Any, ...] = (  # Any: generic types, some without a name
    tuple,
    set,
    frozenset,
    range,
    map,
    filter,
    zip,
    reversed,
    type({}.keys()),
    type({}.values()),
    type(empty for empty in range(0)),
)


class NotAValueError(TypeError):
    """A value of a type that cannot be sent; the message is the name of its type."""


class EmptyFind(NamedTuple):
    """The last call that returned an empty list, to explain a later IndexError."""

    call: str
    line: int


class ProgramSession:
    """Gives a program its image and the callables of the API.

    Args:
        api: The API.
        image: The whole image.
        size: (width, height) of the image in pixels.
        ask: Sends a call to the host and returns the result.

    Raises:
        ValueError: The API has geometry that the sandbox does not implement.
    """

    def __init__(self, api: Api, image: PatchRef, size: tuple[float, float], ask: Ask) -> None:
        methods = {name for name, entry in api.methods.items() if not entry.remote}
        functions = {name for name, entry in api.functions.items() if not entry.remote}
        unimplemented = (
            (api.attributes - ATTRIBUTES)
            | (methods - LOCAL_METHODS.keys())
            | (functions - LOCAL_FUNCTIONS.keys())
        )
        if unimplemented:
            raise ValueError(
                f"The API has {sorted(unimplemented)} without a model role, but the sandbox does not "
                "compute them. Mark them as remote."
            )
        self.api = api
        self.handle = image.handle
        self.height = float(size[1])
        self.image = ImagePatch._make(self, image)
        self.empty_find: EmptyFind | None = None
        self._ask = ask

    def globals(self) -> dict[str, Any]:
        """Return the global names that the API gives to the program."""
        functions = {name: self.callable(e, None) for name, e in self.api.functions.items()}
        return {PATCH: ImagePatch, **functions}

    def callable(self, entry: Entry, receiver: ImagePatch | None) -> Callable[..., Any]:
        """Return the function that a program calls for an entry of the API."""

        def call(*args: Any, **kwargs: Any) -> Any:  # Any: whatever a program passes
            bound = bind(entry, args, kwargs)
            if entry.remote:
                return self._remote(entry, receiver, bound)
            if receiver is not None:
                return LOCAL_METHODS[entry.name](receiver, *bound)
            return LOCAL_FUNCTIONS[entry.name](*bound)

        return plainly_named(call, entry.name)

    def _remote(self, entry: Entry, receiver: ImagePatch | None, bound: tuple[Any, ...]) -> Any:
        arguments = tuple(
            _checked(entry, parameter, value)
            for parameter, value in zip(entry.parameters, bound, strict=True)
        )
        if entry.name == "best_image_match" and arguments[0] == []:
            return None  # nothing to choose from: no model is needed
        line = program_line(sys._getframe())
        try:
            sent = tuple(lower(argument, MAX_ARGUMENT_VALUES) for argument in arguments)
            ref = None if receiver is None else receiver._ref()
            result = self._ask(entry.qualified_name, ref, sent, line)
        except WireError as error:  # too large for one call, which the program may catch
            raise ValueError(f"{entry.name}() cannot take this: {error}") from None
        if result == []:
            text = ", ".join(map(repr, arguments))
            self.empty_find = EmptyFind(f"{entry.name}({text[:80]})", line)
        return lift(result, self)


def lower(value: Any, most: int = MAX_VALUES) -> WireValue:
    """Convert a program's value to one for the wire.

    Args:
        value: Anything.
        most: Most values that it may hold, those of its items included.

    Raises:
        NotAValueError: It is, or holds, something other than None, a bool, number, text, patch or
            handle, or a list, tuple, dict or set of these; or it is nested too deeply; or a key or a
            member of a set holds a frozenset; or two of them would be sent as the same text.
        WireError: It has more parts than may be sent at once: nested lists that each hold the same list
            twice are small in memory but have exponentially many parts.
    """
    result: WireValue = _lower(value, MAX_DEPTH, itertools.count(), most)
    return result


def _lower(value: Any, depth: int, counter: Iterator[int], most: int) -> Any:  # Any: hashable keys
    kind = type(value)
    if next(counter) > most:
        raise TooLargeError(f"More than {most:,} values at once.")
    if kind is str:
        return outgoing(value)
    if value is None or kind in (bool, int, float):
        return value
    if kind is ImagePatch or kind is Handle:
        return value._ref()
    if depth == 0:
        raise NotAValueError("value nested too deeply")
    depth -= 1
    if kind is list:
        return [_lower(item, depth, counter, most) for item in value]
    if kind is tuple:
        return tuple([_lower(item, depth, counter, most) for item in value])
    if kind in (set, frozenset):
        return _complete(
            {_hashable(_lower(item, depth, counter, most), "in a set") for item in value}, value
        )
    if kind is dict:
        lowered = {
            _hashable(_lower(key, depth, counter, most), "as a key"): _lower(
                item, depth, counter, most
            )
            for key, item in value.items()
        }
        return _complete(lowered, value)
    raise NotAValueError(kind.__name__)


def _complete(lowered: Any, value: Any) -> Any:  # Any: sets or dicts
    """Return what a set or dict is sent as, unless members or keys became equal."""
    if len(lowered) != len(value):  # two texts that differ in an address alone
        what = "members" if type(lowered) is set else "keys"
        raise NotAValueError(f"{type(lowered).__name__} with {what} that are the same when sent")
    return lowered


def _hashable(value: Any, where: str) -> Any:  # Any: known to be hashable from here on
    """Refuse a frozenset that is a key or in a set, also inside a tuple: sets on the wire are not frozen."""
    try:
        hash(value)
    except TypeError:
        raise NotAValueError(f"frozenset {where}") from None
    return value


def lift(value: WireValue, session: ProgramSession) -> Any:  # Any: whatever a program may hold
    """Convert a value from the wire to a program's: references become patches and handles."""
    if isinstance(value, PatchRef):
        return ImagePatch._make(session, value)
    if isinstance(value, HandleRef):
        return Handle._make(session, value)
    if isinstance(value, list):
        return [lift(item, session) for item in value]
    if isinstance(value, tuple):
        return tuple(lift(item, session) for item in value)
    if isinstance(value, set):
        return {lift(item, session) for item in value}
    if isinstance(value, dict):
        return {lift(key, session): lift(item, session) for key, item in value.items()}
    return value


def program_line(frame: Any) -> int:  # Any: types.FrameType, or None at the outermost
    """Return the line of the program's innermost frame; 1 if there is none."""
    while frame is not None:
        if frame.f_code.co_filename == PROGRAM_FILE:
            return int(frame.f_lineno or 1)
        frame = frame.f_back
    return 1


def _checked(entry: Entry, parameter: Parameter, value: Any) -> Any:
    if isinstance(value, _LISTLIKE) and any(rule.kind == "list" for rule in parameter.rules):
        value = list(value)
    if not accepts(parameter.rules, value, ImagePatch, Handle):
        got = value.kind if type(value) is Handle else type(value).__name__
        raise TypeError(f"{entry.name}() needs {parameter.name} as {parameter.type}, got {got}")
    return value
