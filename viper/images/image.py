"""An image identified by its content, and a view: a box on an image with its pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viper.images.boxes import Box, pixel_bounds

__all__ = ["ImageRef", "Pixels", "View"]


Pixels = NDArray[np.uint8]
"""Shape (H, W, 3), RGB, 0 … 255."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image identified by its content: images with equal pixels are equal."""

    content_hash: str
    """SHA-256 of the decoded RGB pixels and the size, as hex."""
    size: tuple[int, int]
    """(width, height) in pixels, after EXIF orientation."""
    source_name: str = field(compare=False, default="image")
    """Where it came from, for people and for the oracle: the name of a file, or "image"."""
    load: Callable[[], Pixels] | None = field(compare=False, repr=False, default=None)
    """Returns the pixels, shape (H, W, 3); called when a backend asks, from its thread."""

    def pixels(self) -> Pixels:
        """Return the whole image, shape (H, W, 3), uint8 RGB. Do not write into it."""
        if self.load is None:
            raise ValueError(
                f"Image {self.source_name!r} has no pixels: only its hash is available."
            )
        return self.load()


@dataclass(frozen=True, slots=True)
class View:
    """A box on an image: what a vision model looks at."""

    image: ImageRef
    box_xyxy: Box
    """Floats in pixels of the image, origin top left, clamped to the image, area > 0."""

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """The crop in whole pixels: (left, top, right, bottom), right and bottom exclusive."""
        return pixel_bounds(self.box_xyxy, *self.image.size)

    def pixels(self) -> Pixels:
        """Return the crop, shape (h, w, 3), uint8 RGB, at least 1×1. Do not write into it."""
        left, top, right, bottom = self.bounds
        return self.image.pixels()[top:bottom, left:right]
