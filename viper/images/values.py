"""Walks through the values of programs, and converts them to and from the JSON of traces.

A value is a scalar, a patch, an object of a module, or a list, tuple, set or dict of values. In JSON, every
object is one of the host's, and says in `type` what it stands for:

    {"type": "patch", "image": 0, "box_xyxy": […], "score": 0.9, "category": "cup"}
    {"type": "object", "class": "Mask", "attributes": {…}, "id": "…"}
    {"type": "dict", "items": [[key, value], …]}

Keys and values of a program's dict are items of lists, so that no dict, whatever it holds, can pass for
something that the host wrote. Keys are texts there. Keys that would be written alike (two patches of one
category, 1 and "1") get names of their own: "cube", "cube (2)". So no item of a dict is ever lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from viper.images.image import ImageRef, View
from viper.images.region import Patch

__all__ = [
    "by_category",
    "dict_items",
    "distinct",
    "iterate_values",
    "json_dict",
    "json_patches",
    "map_value",
    "patch_of",
    "to_json_value",
]


def map_value(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a value with each part that is not a container replaced by `change(part)`.

    Lists, tuples, sets and dicts (keys and values) are walked; instances of their subclasses are parts.

    Raises:
        ValueError: Two keys of a dict, or two members of a set, became equal.
    """
    kind = type(value)
    if kind in (list, tuple, set):
        changed = kind(map_value(item, change) for item in value)
    elif kind is dict:
        changed = {map_value(key, change): map_value(item, change) for key, item in value.items()}
    else:
        return change(value)
    if len(changed) != len(value):
        raise ValueError(f"two parts of a {kind.__name__} are the same")
    return changed


def iterate_values(value: Any, *, keys: bool = False) -> Iterator[Any]:
    """Yield each part of a value that is not a container, in order; parts of sets ordered by box.

    Args:
        value: What to walk through.
        keys: Whether to yield the keys of dicts as well.
    """
    match value:
        case list() | tuple():
            for item in value:
                yield from iterate_values(item, keys=keys)
        case set():
            yield from sorted(iterate_values(list(value), keys=keys), key=_set_order)
        case dict():
            yield from iterate_values([*(value if keys else ()), *value.values()], keys=keys)
        case _:
            yield value


def _set_order(part: Any) -> tuple[Any, str]:
    return getattr(part, "box_xyxy", ()), repr(part)


def by_category(value: Any) -> Any:
    """Return a value with the category in place of each patch, and a list in place of each tuple and set."""
    match value:
        case Patch():
            return value.category
        case dict():
            return {name: by_category(item) for name, item in _named_items(value)}
        case list() | tuple() | set():
            return [by_category(item) for item in value]
        case _:
            return value


def to_json_value(value: Any) -> Any:
    """Return a value as the JSON value of a trace, exact to the last bit; sets become sorted lists.

    What is not plain JSON is written by its own `to_record()`.
    """
    match value:
        case list() | tuple():
            return [to_json_value(item) for item in value]
        case set():
            return sorted(map(to_json_value, value), key=repr)
        case dict():
            return json_dict({name: to_json_value(item) for name, item in _named_items(value)})
        case None | bool() | int() | float() | str():
            return value
        case _:
            write = getattr(value, "to_record", None)
            return value if write is None else write()


def distinct(names: Sequence[str], reserved: Iterable[str] = ()) -> list[str]:
    """Return names with a number at the end of each that occurred before, as in "cube", "cube (2)".

    Args:
        names: Any texts, in order.
        reserved: Names that none of them may get.
    """
    used, counts = set(reserved), dict[str, int]()
    found = []
    for name in names:
        own, count = name, counts.get(name, 1)
        while own in used:
            count += 1
            own = f"{name} ({count})"
        counts[name] = count
        used.add(own)
        found.append(own)
    return found


def _named_items(value: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    """Return the items of a dict, each with a text of its own; keys that are texts stay as they are."""
    texts = [key for key in value if isinstance(key, str)]
    others = [str(by_category(key)) for key in value if not isinstance(key, str)]
    names = iter(distinct(others, texts))
    return [(key if isinstance(key, str) else next(names), item) for key, item in value.items()]


def json_dict(items: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object for a program's dict of JSON values."""
    return {"type": "dict", "items": [[key, value] for key, value in items.items()]}


def dict_items(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return keys and values of a program's dict that `json_dict` wrote, or of an object's attributes."""
    match value["type"]:
        case "dict":
            return [(key, item) for key, item in value["items"]]
        case "object":
            return list(value["attributes"].items())
        case _:
            return []


def json_patches(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each patch in a JSON value of a trace, in order."""
    match value:
        case {"type": "patch"}:
            yield value
        case {"type": "dict", "items": items}:
            for _, item in items:
                yield from json_patches(item)
        case list() | tuple():
            for item in value:
                yield from json_patches(item)


def patch_of(value: Any, images: Sequence[ImageRef]) -> Patch:
    """Return the patch that a JSON value represents.

    Args:
        value: A JSON value of a trace.
        images: The images of the trace; their pixels are not read.

    Raises:
        ValueError: It is not a patch on one of these images.
    """
    match value:
        case {
            "type": "patch",
            "image": int(index),
            "box_xyxy": [_, _, _, _] as edges,
            "score": int() | float() as score,
            "category": str(category),
        } if type(index) is int and 0 <= index < len(images):
            width, height = images[index].size
            if all(type(edge) in (int, float) for edge in edges):
                x1, y1, x2, y2 = map(float, edges)
                if 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height:
                    return Patch(View(images[index], (x1, y1, x2, y2)), category, float(score))
    raise ValueError("It is not a patch on an image of the trace.")
