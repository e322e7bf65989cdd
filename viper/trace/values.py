"""JSON values of programs in a trace: what they consist of, for the reader and for the schema.

Lists and scalars stand for themselves. An object is a patch, an object of a module, or a dict of the program
(`viper.images.values` writes them). A program can put nothing else into its values, so that whatever has the
tag of a patch is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from viper.errors import InputError
from viper.trace.places import join_path, quote

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["PLACEHOLDER", "REFERENCE", "VALUE_SCHEMA", "ProgramValue", "check_value", "tag_of"]

_SCALARS = (type(None), bool, int, float, str)
_NUMBERS = (int, float)

_PATCH = {"type", "image", "box_xyxy", "score", "category"}
_OBJECT = {"type", "class", "attributes", "id"}
_DICT = {"type", "items"}


def check_value(value: Any, path: str) -> None:
    """Make sure that a JSON value is one that a program's value is written as.

    Args:
        value: JSON, not deeper than Python's stack allows.
        path: Where it is, for the error.

    Raises:
        InputError: It is not; the message begins with the path of the part that is wrong.
    """
    kind = type(value)
    if kind in _SCALARS:
        return
    if kind in (list, tuple):
        for index, item in enumerate(value):
            if type(item) not in _SCALARS:
                check_value(item, join_path(path, index))
        return
    if trouble := _trouble(value):
        raise InputError(f"{path} {trouble}, but is {quote(value)}.")
    if value["type"] == "dict":
        for index, (_, item) in enumerate(value["items"]):
            check_value(item, f"{path}.items[{index}][1]")


def tag_of(value: Any) -> str | None:
    """Return `patch`, `object` or `dict` for an object that is one as a whole, parts of a dict aside.

    Elsewhere in a trace the keys of an object may be a stranger's, `type` among them: names of roles, and
    attributes. Such an object has the tag None unless it is written exactly like a value of a program.
    """
    if isinstance(value, dict) and not _trouble(value):
        return str(value["type"])
    return None


def _trouble(value: Any) -> str:
    match value:
        case {"type": "patch"}:
            return _patch_trouble(value)
        case {"type": "object"}:
            return _object_trouble(value)
        case {"type": "dict"}:
            return _dict_trouble(value)
        case _:
            return 'must be a JSON value whose objects have the "type" patch, object or dict'


def _patch_trouble(value: dict[str, Any]) -> str:
    if value.keys() != _PATCH:
        return _keys_trouble(_PATCH)
    box = value["box_xyxy"]
    if type(value["image"]) is not int or value["image"] < 0:
        return "must have an index as its image"
    if not isinstance(box, list | tuple) or len(box) != 4 or not _are(box, _NUMBERS):
        return "must have four numbers as its box_xyxy"
    if type(value["score"]) not in _NUMBERS:
        return "must have a number as its score"
    return "" if type(value["category"]) is str else "must have a text as its category"


def _object_trouble(value: dict[str, Any]) -> str:
    if value.keys() != _OBJECT:
        return _keys_trouble(_OBJECT)
    attributes = value["attributes"]
    if type(value["class"]) is not str or type(value["id"]) is not str:
        return "must have texts as its class and id"
    if type(attributes) is not dict or not _are(attributes.values(), _SCALARS):
        return "must have an object of scalars as its attributes"
    return ""


def _dict_trouble(value: dict[str, Any]) -> str:
    if value.keys() != _DICT:
        return _keys_trouble(_DICT)
    items = value["items"]
    if not isinstance(items, list) or not all(map(_is_item, items)):
        return "must have a list of [text, value] as its items"
    return "" if len({key for key, _ in items}) == len(items) else "must have each key once"


def _is_item(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2 and type(item[0]) is str


def _are(values: Any, kinds: tuple[type, ...]) -> bool:
    return all(type(value) in kinds for value in values)


def _keys_trouble(keys: set[str]) -> str:
    return f"must have the keys {', '.join(sorted(keys))}"


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


REFERENCE = {"$ref": "#/$defs/Value"}
_SCALAR_TYPES = ["null", "boolean", "integer", "number", "string"]
VALUE_SCHEMA: dict[str, Any] = {
    "description": "What a program got, gave or returned. Every object says in `type` what it is; a dict of "
    "the program is a list of its items.",
    "anyOf": [
        {"type": _SCALAR_TYPES},
        {"type": "array", "items": REFERENCE},
        _object(
            type={"const": "patch"},
            image={"type": "integer", "minimum": 0},
            box_xyxy={
                "type": "array",
                "items": {"type": "number"},
                "minItems": 4,
                "maxItems": 4,
            },
            score={"type": "number"},
            category={"type": "string"},
        ),
        _object(
            type={"const": "object"},
            **{"class": {"type": "string"}},
            attributes={"type": "object", "additionalProperties": {"type": _SCALAR_TYPES}},
            id={"type": "string"},
        ),
        _object(
            type={"const": "dict"},
            items={
                "type": "array",
                "items": {
                    "type": "array",
                    "prefixItems": [{"type": "string"}, REFERENCE],
                    "minItems": 2,
                    "maxItems": 2,
                },
            },
        ),
    ],
}
"""JSON Schema of a value; it is `#/$defs/Value` in the schema of traces."""


class _ValueForm:
    """Annotation that refers to the schema of values; `viper.trace.read` checks them."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {PLACEHOLDER: True}


PLACEHOLDER = "x-value"
"""Key that stands for the reference to the schema of values, which pydantic would look up too early."""

ProgramValue: TypeAlias = Annotated[Any, _ValueForm()]
"""Type of a field that holds a value of a program."""
