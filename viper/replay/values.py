"""Reads the JSON values of a record as results of methods, by the type that the method declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from viper.errors import InputError
from viper.images.image import ImageRef
from viper.images.values import patch_of, plain_items
from viper.programs.api_spec import HandleClass
from viper.scheduling.method_request import HostObject
from viper.trace.places import quote
from viper_sandbox.api import TypeRule, type_rule

__all__ = ["RECORDED", "value_of"]

RECORDED = object()
"""Stands for an object of a module in a record: its attributes are recorded, the object itself is not."""


def value_of(
    value: Any,
    type_text: str,
    image: ImageRef,
    where: str,
    handles: Sequence[HandleClass] = (),
) -> Any:
    """Return the value that a recorded JSON value stands for.

    Args:
        value: As in the record.
        type_text: Type as the API spells it, such as `list[ImagePatch] | None`.
        image: The image that patches are on; its pixels are not needed.
        where: What to call the value in an error.
        handles: Classes of the API whose objects stay on the host.

    Raises:
        InputError: It is not of the type, or the API does not have the type.
    """
    reader = _Reader(image, {handle.name: handle for handle in handles})
    try:
        rules = type_rule(type_text, frozenset(reader.handles))
    except ValueError:
        raise InputError(
            f"{where} is of the type {type_text}, which this API does not have. Install the module that "
            "the run was made with, in the same version."
        ) from None
    try:
        return reader.read(value, rules)
    except ValueError:
        raise InputError(
            f"{where} must be {type_text}, but is {quote(value)}. The trace was changed, or made by another "
            "version of the API."
        ) from None


@dataclass(frozen=True, slots=True)
class _Reader:
    image: ImageRef
    handles: Mapping[str, HandleClass]

    def read(self, value: Any, rules: Sequence[TypeRule]) -> Any:
        """Return the value by the first rule that it fits.

        Raises:
            ValueError: It fits none.
        """
        for rule in rules:
            try:
                return self._read_one(value, rule)
            except ValueError:
                continue
        raise ValueError

    def _read_one(self, value: Any, rule: TypeRule) -> Any:
        kind = type(value)
        match rule.kind:
            case "ImagePatch":
                return patch_of(value, [self.image])
            case "handle":
                return _object(value, self.handles[rule.values[0]])
            case "list" if kind is list:
                return [self.read(item, rule.items) for item in value]
            case "dict" if kind is dict:
                return {
                    key: self.read(item, rule.items) for key, item in plain_items(value).items()
                }
            case "literal" if any(
                kind is type(choice) and value == choice for choice in rule.values
            ):
                return value
            case "float" if kind in (int, float):
                return float(value)
            case "None" | "bool" | "int" | "str" if kind.__name__ in (
                rule.kind,
                f"{rule.kind}Type",
            ):
                return value
            case _:
                raise ValueError


def _object(value: Any, handle: HandleClass) -> HostObject:
    match value:
        case {
            "type": "object",
            "class": handle.name,
            "attributes": dict(attributes),
            "id": str(token),
        }:
            names = [attribute.name for attribute in handle.attributes]
            scalars = (type(None), bool, int, float, str)
            if list(attributes) == names and all(type(x) in scalars for x in attributes.values()):
                return HostObject(handle.name, RECORDED, attributes, token)
    raise ValueError
