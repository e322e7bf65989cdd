"""Converts values to the API's types on the host, and makes up samples of them.

`convert` is the only interpreter of types on the host. It reads arguments from the wire, results of modules,
cached results and recorded results; these differ only in how they represent patches and objects of modules,
so each caller passes a function for both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from viper_sandbox import HandleRef, PatchRef
from viper_sandbox.api import PATCH, ApiType
from viper_sandbox.wire import MAX_INTEGER

__all__ = ["MismatchError", "convert", "describe", "sample"]

_SCALARS = {"str": str, "bool": bool, "None": type(None)}


class MismatchError(Exception):
    """A value is not of its type; the message, which may be empty, says why."""


def _unsupported(*_: Any) -> NoReturn:
    raise MismatchError


def convert(
    value: Any,
    rules: ApiType,
    patch: Callable[[Any], Any] = _unsupported,
    handle: Callable[[Any, str], Any] = _unsupported,
) -> Any:
    """Return a value as the host uses it: tuples as lists, ints as floats, numpy scalars as numbers.

    Args:
        value: Anything.
        rules: The type; the first of its alternatives that fits is used.
        patch: Converts what represents a patch.
        handle: Converts what represents an object of a module, given the class that the type names.
            Both functions raise `MismatchError` for a value that represents something else.

    Raises:
        MismatchError: The value is not of the type.
    """
    if isinstance(value, np.generic):
        value = value.item()
    given, reason = type(value), ""
    for kind, items, values in rules:
        try:
            match kind:
                case "ImagePatch":
                    return patch(value)
                case "handle":
                    return handle(value, values[0])
                case "list" if given in (list, tuple):
                    return [convert(item, items, patch, handle) for item in value]
                case "dict" if given is dict and all(type(key) is str for key in value):
                    return {key: convert(v, items, patch, handle) for key, v in value.items()}
                case "literal" if any(given is type(v) and value == v for v in values):
                    return value
                case "float" if given in (int, float):
                    if not abs(value) <= sys.float_info.max:
                        raise MismatchError("not a finite number")
                    return float(value)
                case "int" if given is int:
                    if abs(value) > MAX_INTEGER:
                        raise MismatchError("more than 64 bits")
                    return value
                case _ if given is _SCALARS.get(kind):
                    return value
        except MismatchError as error:
            reason = reason or str(error)
    raise MismatchError(reason)


def sample(
    rules: ApiType,
    choices: Mapping[str, Sequence[Any]],
    patch: Any,
    handle: Callable[[str, int], Any],
    number: int = 0,
) -> Any:
    """Return a value of a type.

    Args:
        rules: The type; alternatives are chosen in turn.
        choices: Values by kind of scalar; the lengths of lists under "list".
        patch: The value for `ImagePatch`.
        handle: Returns an object of a class.
        number: Which sample: equal numbers give equal samples.
    """
    kind, items, values = rules[number % len(rules)]
    match kind:
        case "list":
            length = choices[kind][number % len(choices[kind])]
            return [sample(items, choices, patch, handle, number + i) for i in range(length)]
        case "dict":
            return {"stub": sample(items, choices, patch, handle, number)}
        case "handle":
            return handle(values[0], number)
        case "None":
            return None
        case _ if kind == PATCH:
            return patch
        case _:
            options = values or choices[kind]
            return options[number % len(options)]


def describe(value: Any) -> str:
    """Describe a value from the wire for a message, as in "a list of str" or "int 3"."""
    if value is None:
        return "None"
    if isinstance(value, PatchRef):
        return "an ImagePatch"
    if isinstance(value, HandleRef):
        return f"a {value.kind}"
    if isinstance(value, (list, tuple)):
        inner = sorted({describe(element) for element in value[:10]})
        return f"a {type(value).__name__} of {' and '.join(inner) or 'nothing'}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '…'}"
