"""Checks what comes over the wire against the types that the spec declares.

The child has checked them too, but the child is not to be believed.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from typing import Any

from viper.errors import ConfigError
from viper.vision.patch import Patch
from viper_sandbox import PatchRef

__all__ = ["convert"]

_SCALARS: dict[str, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "None": (type(None),)}


def convert(
    value: Any,  # whatever the wire's decoder let through
    type_text: str,
    resolve: Callable[[PatchRef], Patch],
    name: str,
) -> Any:
    """Return a wire value as the host uses it: patches resolved, tuples as lists, ints as floats.

    Args:
        value: The decoded value.
        type_text: Type as the stub spells it, such as "list[ImagePatch] | None".
        resolve: Turns a patch of the wire into the host's patch; raises ValueError for a false one.
        name: What to call the value in an error.

    Raises:
        TypeError: The value is not of the type; the message says what was expected and received.
    """
    for alternative in _alternatives(type_text):
        matched, converted = _match(value, alternative, resolve)
        if matched:
            return converted
    raise TypeError(f"{name} must be {type_text}, but got {_describe(value)}.")


def _match(value: Any, node: ast.expr, resolve: Callable[[PatchRef], Patch]) -> tuple[bool, Any]:
    match node:
        case ast.Constant(value=None):
            return value is None, None
        case ast.Name(id="ImagePatch"):
            return (True, resolve(value)) if isinstance(value, PatchRef) else (False, None)
        case ast.Name(id="int"):
            return type(value) is int, value
        case ast.Name(id="float"):
            return (True, float(value)) if type(value) in (int, float) else (False, None)
        case ast.Name(id=scalar) if scalar in _SCALARS:
            return type(value) in _SCALARS[scalar], value
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            if not isinstance(value, (list, tuple)):
                return False, None
            pairs = [_match(element, item, resolve) for element in value]
            return all(matched for matched, _ in pairs), [element for _, element in pairs]
        case _:
            raise ConfigError(
                f"The spec uses the type {ast.unparse(node)!r}, which has no wire form."
            )


@functools.cache
def _alternatives(type_text: str) -> tuple[ast.expr, ...]:
    def split(node: ast.expr) -> tuple[ast.expr, ...]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return (*split(node.left), *split(node.right))
        return (node,)

    return split(ast.parse(type_text, mode="eval").body)


def _describe(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, PatchRef):
        return "an ImagePatch"
    if isinstance(value, (list, tuple)):
        inner = sorted({_describe(element) for element in value[:10]})
        return f"a {type(value).__name__} of {' and '.join(inner) or 'nothing'}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '…'}"
