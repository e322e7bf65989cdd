"""Converts the JSON values of a record to results of methods, by the type that the method declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from viper.errors import InputError
from viper.images.image import ImageRef
from viper.images.region import Patch
from viper.images.values import dict_items, patch_of
from viper.methods.typed_values import MismatchError, convert
from viper.programs.api_spec import HandleClass
from viper.scheduling.method_request import HostObject
from viper.trace.places import quote
from viper_sandbox.api import parse_type

__all__ = ["RECORDED", "value_of"]

RECORDED = object()
"""Placeholder for an object of a module: its attributes are recorded, the object itself is not."""


def value_of(
    value: Any,
    type_text: str,
    image: ImageRef,
    where: str,
    handles: Sequence[HandleClass] = (),
) -> Any:
    """Return the value that a recorded JSON value represents.

    Args:
        value: As in the record.
        type_text: Type as the API spells it, such as `list[ImagePatch] | None`.
        image: The image that patches are on; its pixels are not needed.
        where: What to call the value in an error.
        handles: Classes of the API whose objects stay on the host.

    Raises:
        InputError: It is not of the type, or the API does not have the type.
    """
    classes = {one.name: one for one in handles}
    try:
        rules = parse_type(type_text, frozenset(classes))
    except ValueError:
        raise InputError(
            f"{where} is of the type {type_text}, which this API does not have. Install the module that "
            "the run was made with, in the same version."
        ) from None

    def patch(item: Any) -> Patch:
        try:
            return patch_of(item, [image])
        except ValueError:
            raise MismatchError from None

    try:
        return convert(
            _untagged(value), rules, patch, lambda item, name: _object(item, classes[name])
        )
    except MismatchError:
        raise InputError(
            f"{where} must be {type_text}, but is {quote(value)}. The trace was changed, or made by another "
            "version of the API."
        ) from None


def _untagged(value: Any) -> Any:
    """Return a JSON value with dicts for their lists of items; patches and objects stay as they are."""
    match value:
        case list():
            return [_untagged(item) for item in value]
        case {"type": "dict"}:
            return {key: _untagged(item) for key, item in dict_items(value)}
        case _:
            return value


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
    raise MismatchError
