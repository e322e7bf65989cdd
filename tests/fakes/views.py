"""Views on pictures that are made up."""

from __future__ import annotations

import hashlib

import numpy as np

from viper.images.image import ImageRef, View


def image(width: int, height: int, seed: int = 0) -> ImageRef:
    """A picture of random blocks of colour."""
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    rows = np.arange(height) * 4 // height
    columns = np.arange(width) * 4 // width
    pixels = blocks[rows][:, columns]
    name = hashlib.sha256(pixels.tobytes() + bytes(f"{width}x{height}", "ascii")).hexdigest()
    return ImageRef(name, (width, height), load=lambda: pixels)


def view(width: int, height: int, seed: int = 0) -> View:
    """The whole of such a picture."""
    return View(image(width, height, seed), (0.0, 0.0, float(width), float(height)))
