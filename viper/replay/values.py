"""From the JSON values of a record back to what methods gave: patches again, each value of its type."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from viper.errors import InputError
from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.programs.api_spec import HandleClass
from viper.scheduling.method_request import HostObject
from viper.trace.schema import shown

__all__ = ["RECORDED", "value_of"]

RECORDED = object()
"""Stands for an object of a module that a record tells of: its attributes are known, it is gone."""

_SCALARS: dict[str, type] = {"str": str, "bool": bool, "int": int}


class _OtherTypeError(Exception):
    """The value is not of this type; it may be of the next."""


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
        type_text: Type as the contract spells it, such as `list[ImagePatch] | None`.
        image: The picture that patches are on; its pixels are not looked at.
        where: What to call the value in an error.
        handles: Classes of the contract whose objects stay on the host.

    Raises:
        InputError: It is not of the type, or the type is none of the contract.
    """
    reader = _Reader(image, {handle.name: handle for handle in handles})
    try:
        return reader.read(value, ast.parse(type_text, mode="eval").body)
    except _OtherTypeError:
        raise InputError(
            f"{where} must be {type_text}, but is {shown(value)}. The trace was changed, or made by another "
            "version of the API."
        ) from None
    except LookupError:
        raise InputError(
            f"{where} is of the type {type_text}, which this contract does not know. Install the module that "
            "the run was made with, in its version of then."
        ) from None


@dataclass(frozen=True, slots=True)
class _Reader:
    image: ImageRef
    handles: Mapping[str, HandleClass]

    def read(self, value: Any, node: ast.expr) -> Any:
        match node:
            case ast.BinOp(op=ast.BitOr()):
                return self._first(value, [node.left, node.right])
            case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
                return self._first(value, [inner, ast.Constant(None)])
            case ast.Constant(value=None):
                return _require(value, value is None)
            case ast.Name(id="ImagePatch"):
                return _patch(value, self.image)
            case ast.Name(id=name) if name in self.handles:
                return _object(value, self.handles[name])
            case ast.Name(id="float"):
                return float(_require(value, type(value) in (int, float)))
            case ast.Name(id=name) if name in _SCALARS:
                return _require(value, type(value) is _SCALARS[name])
            case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
                options = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                known = [option.value for option in options if isinstance(option, ast.Constant)]
                return _require(value, any(value == x and type(value) is type(x) for x in known))
            case ast.Subscript(value=ast.Name(id="list"), slice=inner):
                _require(value, isinstance(value, list))
                return [self.read(item, inner) for item in value]
            case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[_, inner])):
                _require(value, isinstance(value, dict))
                return {key: self.read(item, inner) for key, item in value.items()}
            case _:
                raise LookupError(ast.unparse(node))

    def _first(self, value: Any, nodes: list[ast.expr]) -> Any:
        for node in nodes:
            try:
                return self.read(value, node)
            except _OtherTypeError:
                continue
        raise _OtherTypeError


def _require(value: Any, fits: bool) -> Any:
    if not fits:
        raise _OtherTypeError
    return value


def _object(value: Any, known: HandleClass) -> HostObject:
    match value:
        case {"handle": known.name, "attributes": dict(attributes), "object": str(token)}:
            names = [attribute.name for attribute in known.attributes]
            plain = all(
                item is None or type(item) in (bool, int, float, str)
                for item in attributes.values()
            )
            if list(attributes) == names and plain:
                return HostObject(known.name, RECORDED, attributes, token)
    raise _OtherTypeError


def _patch(value: Any, image: ImageRef) -> Patch:
    match value:
        case {
            "box_xyxy": [x1, y1, x2, y2],
            "score": int() | float() as score,
            "category": str(category),
        }:
            edges = (x1, y1, x2, y2)
            width, height = image.size
            if all(type(edge) in (int, float) and math.isfinite(edge) for edge in edges) and (
                0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
            ):
                box = (float(x1), float(y1), float(x2), float(y2))
                return Patch(View(image, box), category, float(score))
    raise _OtherTypeError
