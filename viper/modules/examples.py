"""Sample pictures, patches and arguments for the contract test of modules."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from viper.images.image import ImageRef, Pixels, View
from viper.images.region import Patch
from viper.programs.api_spec import Parameter
from viper.scheduling.method_request import HostObject
from viper_sandbox.api import TypeRule, type_rule

__all__ = ["sample_images", "sample_patches", "sample_values"]

_WIDTH, _HEIGHT = 160, 120
_TEXTS = ("cup", "a red car", "What is this?")


def sample_images(path: str | None) -> list[ImageRef]:
    """Return the picture in a file, or two that are drawn.

    Raises:
        InputError: The file is no picture.
    """
    if path is not None:
        from viper.images.decoding import open_image

        return [open_image(path)]
    return [_image(number) for number in range(2)]


def sample_patches(images: Sequence[ImageRef], count: int) -> list[Patch]:
    """Return patches of different sizes and contents: whole pictures, then parts of them."""
    patches: list[Patch] = []
    for number in range(count):
        image = images[number % len(images)]
        width, height = image.size
        share = 1 - number / (count + 1)
        box = (0.0, 0.0, max(1.0, round(width * share)), max(1.0, round(height * share)))
        patches.append(Patch(View(image, box), "image" if number < len(images) else "thing"))
    return patches


def sample_values(
    parameter: Parameter,
    handles: frozenset[str],
    patch: Patch,
    objects: Mapping[str, Sequence[HostObject]],
    number: int,
) -> Any:  # Any: of whichever type the parameter has
    """Return an argument of a parameter's type: its default at first, then others.

    Raises:
        LookupError: It takes an object that no method of the module returned.
    """
    if number == 0 and not parameter.required:
        return parameter.default
    rules = type_rule(parameter.type, handles)
    return _sample(rules[number % len(rules)], patch, objects, number)


def _sample(
    rule: TypeRule, patch: Patch, objects: Mapping[str, Sequence[HostObject]], number: int
) -> Any:
    match rule.kind:
        case "bool":
            return number % 2 == 0
        case "int":
            return number % 4
        case "float":
            return (number % 5) / 4
        case "str":
            return _TEXTS[number % len(_TEXTS)]
        case "literal":
            return rule.values[number % len(rule.values)]
        case "ImagePatch":
            return patch
        case "list":
            items = [rule.items[i % len(rule.items)] for i in range(number % 3)]
            return [_sample(item, patch, objects, number + i) for i, item in enumerate(items)]
        case "dict":
            return {"a": _sample(rule.items[0], patch, objects, number)}
        case "handle":
            (name,) = rule.values
            known = objects.get(name)
            if not known:
                raise LookupError(
                    f"it takes a {name}, but no method of the module returned one here"
                )
            return known[number % len(known)]
        case _:
            return None


def _image(number: int) -> ImageRef:
    """Draw a picture with a gradient and two blocks of colour."""
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    pixels: Pixels = np.stack(
        [x * 255 // _WIDTH, y * 255 // _HEIGHT, np.full_like(x, 60 + 90 * number)], axis=2
    ).astype(np.uint8)
    pixels[20:60, 20:70] = (220, 30, 30) if number else (30, 30, 220)
    pixels[70:110, 90:150] = (240, 240, 240)
    pixels.setflags(write=False)
    content = hashlib.sha256(pixels.tobytes()).hexdigest()
    return ImageRef(content, (_WIDTH, _HEIGHT), f"sample {number + 1}", lambda: pixels)
