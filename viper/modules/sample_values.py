"""Sample images, patches and arguments for the check of modules."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from viper.images.image import ImageRef, Pixels, View
from viper.images.region import Patch
from viper.methods.typed_values import sample
from viper.programs.api_spec import Parameter
from viper.scheduling.method_request import HostObject
from viper_sandbox.api import parse_type

__all__ = ["sample_images", "sample_patches", "sample_value"]

_WIDTH, _HEIGHT = 160, 120
_CHOICES: Mapping[str, Sequence[Any]] = {
    "bool": (True, False),
    "int": range(4),
    "float": (0.0, 0.25, 0.5, 0.75, 1.0),
    "str": ("cup", "a red car", "What is this?"),
    "list": range(3),
}


def sample_images(path: str | None) -> list[ImageRef]:
    """Return the image in a file, or two drawn images.

    Raises:
        InputError: The file is not an image.
    """
    if path is not None:
        from viper.images.decoding import open_image

        return [open_image(path)]
    return [_image(number) for number in range(2)]


def sample_patches(images: Sequence[ImageRef], count: int) -> list[Patch]:
    """Return patches of different sizes and contents: whole images first, then parts of them."""
    patches: list[Patch] = []
    for number in range(count):
        image = images[number % len(images)]
        width, height = image.size
        share = 1 - number / (count + 1)
        box = (0.0, 0.0, max(1.0, round(width * share)), max(1.0, round(height * share)))
        patches.append(Patch(View(image, box), "image" if number < len(images) else "object"))
    return patches


def sample_value(
    parameter: Parameter,
    handles: frozenset[str],
    patch: Patch,
    objects: Mapping[str, Sequence[HostObject]],
    number: int,
) -> Any:  # Any: of the parameter's type
    """Return an argument for a parameter: its default for number 0, then values of its type.

    Raises:
        LookupError: It takes an object that no method of the module returned.
    """
    if number == 0 and not parameter.required:
        return parameter.default

    def handle(kind: str, number: int) -> HostObject:
        candidates = objects.get(kind)
        if not candidates:
            raise LookupError(f"it takes a {kind}, but no method of the module returned one here")
        return candidates[number % len(candidates)]

    return sample(parse_type(parameter.type, handles), _CHOICES, patch, handle, number)


def _image(number: int) -> ImageRef:
    """Draw an image with a gradient and two blocks of color."""
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    pixels: Pixels = np.stack(
        [x * 255 // _WIDTH, y * 255 // _HEIGHT, np.full_like(x, 60 + 90 * number)], axis=2
    ).astype(np.uint8)
    pixels[20:60, 20:70] = (220, 30, 30) if number else (30, 30, 220)
    pixels[70:110, 90:150] = (240, 240, 240)
    pixels.setflags(write=False)
    content = hashlib.sha256(pixels.tobytes()).hexdigest()
    return ImageRef(content, (_WIDTH, _HEIGHT), f"sample {number + 1}", lambda: pixels)
