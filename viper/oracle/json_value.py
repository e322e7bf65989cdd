"""A JSON value with its path, so that an error can name the place of a malformed value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from viper.errors import ConfigError

__all__ = ["JsonValue"]


class JsonValue:
    """A JSON value with its path.

    Args:
        value: From `json`.
        name: A field's name, "object 3", or a file's name.
        parent: The value that contains it.
    """

    __slots__ = ("_name", "_parent", "raw")

    def __init__(self, value: Any, name: str, parent: JsonValue | None = None) -> None:
        self.raw = value  # whatever the file holds
        self._name = name
        self._parent = parent

    @property
    def where(self) -> str:
        """Its path, as in "scenes.json: scene 3, object 0, color"."""
        if self._parent is None:
            return self._name
        separator = ":" if self._parent._parent is None else ","
        return f"{self._parent.where}{separator} {self._name}"

    def __contains__(self, name: str) -> bool:
        return isinstance(self.raw, dict) and self.raw.get(name) is not None

    def __getitem__(self, name: str) -> JsonValue:
        """Return a field of an object."""
        if not isinstance(self.raw, dict):
            raise self.wrong("an object")
        if name not in self.raw:
            raise ConfigError(f"{self.where} has no {name!r}.")
        return JsonValue(self.raw[name], name, self)

    def fields(self, each: str) -> Iterator[tuple[str, JsonValue]]:
        """Yield the fields of an object; `each` names one in a path, such as "image"."""
        if not isinstance(self.raw, dict):
            raise self.wrong("an object")
        for name, value in self.raw.items():
            yield name, JsonValue(value, f"{each} {name!r}", self._holder(each))

    def items(self, each: str) -> Iterator[JsonValue]:
        """Yield the elements of a list; `each` names one in a path, such as "object"."""
        if not isinstance(self.raw, list):
            raise self.wrong("a list")
        for index, value in enumerate(self.raw):
            yield JsonValue(value, f"{each} {index}", self._holder(each))

    def optional_items(self, each: str) -> Iterator[JsonValue]:
        """Yield the elements of the field `each` + "s"; none if the object has no such field."""
        yield from self[f"{each}s"].items(each) if f"{each}s" in self else ()

    def _holder(self, each: str) -> JsonValue | None:
        """Return the parent of elements in a path: "object 3" needs no "objects" before it."""
        return self._parent if self._name == f"{each}s" else self

    def text(self) -> str:
        """Return a text that is not empty."""
        if not isinstance(self.raw, str) or not self.raw.strip():
            raise self.wrong("a text")
        return self.raw.strip()

    def number(self, *, above: float = -math.inf) -> float:
        """Return a finite number."""
        # Comparing does not overflow, as converting a whole number of 400 digits would.
        if (
            type(self.raw) not in (int, float)
            or not -_LARGEST < self.raw < _LARGEST
            or not self.raw > above
        ):
            raise self.wrong("a number" + (f" above {above:g}" if above > -math.inf else ""))
        return float(self.raw)

    def pixels(self) -> int:
        """Return a whole number above 0, such as a width in pixels."""
        if type(self.raw) is not int or self.raw < 1:
            raise self.wrong("a whole number above 0")
        return self.raw

    def numbers(self, count: int) -> tuple[float, ...]:
        """Return a list of `count` finite numbers."""
        is_list = isinstance(self.raw, list) and len(self.raw) == count
        if not is_list or any(type(item) not in (int, float) for item in self.raw):
            raise self.wrong(f"a list of {count} numbers")
        return tuple(item.number() for item in self.items("number"))

    def wrong(self, expected: str) -> ConfigError:
        """Return the error for a malformed value."""
        text = repr(self.raw)
        got = text if len(text) <= 60 else f"{text[:57]}…"
        return ConfigError(f"{self.where} must be {expected}, but got {got}.")


# More than any coordinate; keeps products of coordinates finite.
_LARGEST = 1e12
