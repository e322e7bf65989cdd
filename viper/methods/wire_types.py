"""Checks what comes over the wire against the types that the spec declares.

The child has checked them too, but the child is not to be believed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from viper.errors import ConfigError
from viper.images.region import Patch
from viper.scheduling.method_request import HostObject
from viper_sandbox import HandleRef, PatchRef
from viper_sandbox.api import TypeRule, type_rule

__all__ = ["Resolver", "convert"]

_SCALARS = {"str": str, "int": int, "bool": bool, "None": type(None)}


class Resolver(NamedTuple):
    """Turns what stands for something on the wire into what it stands for; ValueError for a false one."""

    patch: Callable[[PatchRef], Patch]
    handle: Callable[[HandleRef], HostObject]
    classes: frozenset[str] = frozenset()
    """Classes of handles that the spec declares."""


def convert(
    value: Any,  # whatever the wire's decoder let through
    type_text: str,
    resolver: Resolver,
    name: str,
) -> Any:
    """Return a wire value as the host uses it: references resolved, tuples as lists, ints as floats.

    Args:
        value: The decoded value.
        type_text: Type as the stub spells it, such as "list[ImagePatch] | None".
        resolver: Knows patches and objects.
        name: What to call the value in an error.

    Raises:
        TypeError: The value is not of the type; the message says what was expected and received.
        ValueError: It names a patch or an object that there is not.
    """
    try:
        rules = type_rule(type_text, resolver.classes)
    except ValueError as error:
        raise ConfigError(
            f"The spec uses the type {type_text!r}, which has no wire form."
        ) from error
    matched, converted = _any(value, rules, resolver)
    if matched:
        return converted
    raise TypeError(f"{name} must be {type_text}, but got {_describe(value)}.")


def _any(value: Any, rules: tuple[TypeRule, ...], resolver: Resolver) -> tuple[bool, Any]:
    for rule in rules:
        matched, converted = _match(value, rule, resolver)
        if matched:
            return True, converted
    return False, None


def _match(value: Any, rule: TypeRule, resolver: Resolver) -> tuple[bool, Any]:
    match rule.kind:
        case "ImagePatch":
            return (True, resolver.patch(value)) if isinstance(value, PatchRef) else (False, None)
        case "handle":
            if isinstance(value, HandleRef) and (value.kind,) == rule.values:
                return True, resolver.handle(value)
            return False, None
        case "float":
            return (True, float(value)) if type(value) in (int, float) else (False, None)
        case "list" if isinstance(value, (list, tuple)):
            pairs = [_any(element, rule.items, resolver) for element in value]
            return all(matched for matched, _ in pairs), [element for _, element in pairs]
        case "dict" if isinstance(value, dict) and all(type(key) is str for key in value):
            found = {key: _any(element, rule.items, resolver) for key, element in value.items()}
            fits = all(matched for matched, _ in found.values())
            return fits, {key: element for key, (_, element) in found.items()}
        case "literal":
            fits = any(type(value) is type(known) and value == known for known in rule.values)
            return fits, value
        case kind:
            return type(value) is _SCALARS.get(kind), value


def _describe(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, PatchRef):
        return "an ImagePatch"
    if isinstance(value, HandleRef):
        return f"a {value.kind}"
    if isinstance(value, (list, tuple)):
        inner = sorted({_describe(element) for element in value[:10]})
        return f"a {type(value).__name__} of {' and '.join(inner) or 'nothing'}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '…'}"
