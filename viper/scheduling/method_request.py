"""Calls of a plugin module's methods: the requests, their results, and objects kept on the host."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.images.values import iterate_values, map_value
from viper.usage import Usage

__all__ = ["Found", "HostObject", "MethodRequest", "ModuleResult", "Refused"]

Scalar: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True, eq=False)
class HostObject:
    """An object that a module's method returned, and that programs refer to by a handle."""

    kind: str
    """Its class in the API, such as "Mask"."""
    value: Any = field(repr=False)  # of any type; given back to the module only
    """The object itself."""
    attributes: Mapping[str, Scalar]
    """Attributes that programs may read."""
    token: str = field(default_factory=lambda: secrets.token_hex(12), repr=False)
    """Identifies it among all objects of all processes; part of the keys of requests about it."""

    def to_record(self) -> dict[str, Any]:
        """Return the JSON object that represents it in a trace."""
        return {
            "type": "object",
            "class": self.kind,
            "attributes": dict(self.attributes),
            "id": self.token,
        }


@dataclass(frozen=True, slots=True, eq=False)
class MethodRequest:
    """One call of a module's method.

    Requests are equal if their patches and arguments are, including content and name of the image.
    """

    patch: Patch | None
    """The patch whose method it is; None for a function."""
    given: Mapping[str, Any]  # typed by the API, HostObject for a handle
    """Arguments by name, with defaults; a handle is its `HostObject`."""

    @property
    def view(self) -> View:
        """The view of the patch; `view.pixels()` is the crop, shape (h, w, 3), uint8 RGB.

        Raises:
            ValueError: It is a call of a function, which has no patch.
        """
        if self.patch is None:
            raise ValueError("A function has no patch of its own; look among its arguments.")
        return self.patch.view

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments by name: patches as `Patch`, handles as the objects that the module returned."""
        return {name: _opened(value) for name, value in self.given.items()}

    def __getitem__(self, name: str) -> Any:
        """Return an argument by its name."""
        return _opened(self.given[name])

    @property
    def image(self) -> ImageRef | None:
        """The image of its patch or of a patch argument; None if there is none."""
        parts = iterate_values([self.patch, *self.given.values()])
        return next((part.view.image for part in parts if isinstance(part, Patch)), None)

    def of(self, patch: Patch) -> MethodRequest:
        """Return the same request for another patch."""
        return replace(self, patch=patch)

    def parts(self, by_name: bool = False) -> tuple[object, ...]:
        """Return everything that the result depends on, as texts, numbers and tuples of these.

        Args:
            by_name: Whether images with equal pixels but different names are different.
        """
        given = ((name, _parts(value, by_name)) for name, value in self.given.items())
        return (_parts(self.patch, by_name), *given)

    def __eq__(self, other: object) -> bool:
        if type(other) is not MethodRequest:
            return NotImplemented
        return self.parts(True) == other.parts(True)

    def __hash__(self) -> int:
        return hash(self.parts(True))


@dataclass(frozen=True, slots=True)
class Found:
    """A patch in a result, without its image, so that it can be cached."""

    box_xyxy: tuple[float, float, float, float]
    """In pixels of the image, origin top left."""
    category: str
    score: float


@dataclass(frozen=True, slots=True)
class Refused:
    """Takes the place of a result: the program made a mistake, which it can catch as a ValueError."""

    message: str


@dataclass(frozen=True, slots=True)
class ModuleResult:
    """Checked result of a module's method: scalars, lists, dicts, `Found`, `HostObject` or `Refused`."""

    value: Any
    usage: Usage = field(default_factory=Usage)
    """Tokens that were billed."""


def _opened(value: Any) -> Any:
    return map_value(value, lambda part: part.value if isinstance(part, HostObject) else part)


def _parts(value: Any, by_name: bool) -> tuple[object, ...]:
    # The first text of each names its kind, so that no value equals one of another kind.
    match value:
        case Patch():
            image = value.view.image
            name = image.source_name if by_name else ""
            content = (image.content_hash, image.size, name)
            return ("patch", content, value.box_xyxy, value.category, value.score)
        case HostObject():
            return ("object", value.token)
        case list():
            return ("list", *(_parts(item, by_name) for item in value))
        case dict():
            return ("dict", *((key, _parts(item, by_name)) for key, item in sorted(value.items())))
        case _:
            return (type(value).__name__, value)
