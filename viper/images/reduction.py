"""Scales pixels of any number and shape, in memory and time that hardly depend on them.

Pillow copies pixels to four bytes each, and its filters keep a table of coefficients by the longer side,
which it fills while it holds the interpreter's lock: 2.5 GB and seconds for 1 × 40,000,000 pixels. So more
pixels than photographs have, and longer sides, are first averaged in whole steps, tile by tile, to not less
than the size that is wanted. Ordinary images are scaled by Pillow alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from viper.images.image import Pixels

__all__ = ["Reduced", "averaged", "bitmap_near", "is_huge", "reduced", "resized"]

# Of an ordinary image: a bitmap of 100 MB, and a table of some megabytes.
_MOST_PIXELS = 25_000_000
_MOST_SIDE = 32_768
# Pixels across a pixel of the result that are left to the filter: the first that leaves an ordinary image.
_GAPS = (3, 2, 1)
# Side of a tile; Pillow keeps it in four bytes a pixel.
_TILE_SIDE = 2_048


class Reduced(NamedTuple):
    """Pixels for a filter of Pillow, and the part of them that is the image."""

    pixels: Pixels
    box: tuple[float, float, float, float]
    """Left, top, right and bottom; the last averages may be of fewer pixels."""


def is_huge(size_wh: tuple[int, int]) -> bool:
    """Return whether an image has more pixels, or a longer side, than Pillow scales cheaply."""
    return size_wh[0] * size_wh[1] > _MOST_PIXELS or max(size_wh) > _MOST_SIDE


def resized(pixels: Pixels, size_wh: tuple[int, int], way: Image.Resampling) -> Image.Image:
    """Return an image in another size: just as Pillow makes it, unless it is huge.

    Args:
        pixels: Shape (H, W, 3), uint8 RGB.
        size_wh: Width and height of the result; each at least 1.
        way: Filter of Pillow.
    """
    near = reduced(pixels, size_wh)
    return Image.fromarray(near.pixels).resize(size_wh, way, near.box)


def bitmap_near(pixels: Pixels, longest: int) -> Image.Image:
    """Return an image as it is; a huge one with averages, but of not less than this longest side."""
    height, width = pixels.shape[:2]
    scale = longest / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return Image.fromarray(reduced(pixels, size).pixels)


def reduced(pixels: Pixels, size_wh: tuple[int, int]) -> Reduced:
    """Return pixels as they are; those of a huge image averaged, to not less than a size."""
    height, width = pixels.shape[:2]
    whole = Reduced(pixels, (0.0, 0.0, float(width), float(height)))
    if not is_huge((width, height)):
        return whole
    across = down = 1
    for gap in _GAPS:
        across = max(1, width // (gap * size_wh[0]))
        down = max(1, height // (gap * size_wh[1]))
        if not is_huge((-(-width // across), -(-height // down))):
            break
    if across == down == 1:
        return whole
    return Reduced(averaged(pixels, across, down), (0.0, 0.0, width / across, height / down))


def averaged(pixels: Pixels, across: int, down: int) -> Pixels:
    """Return the averages of `across` × `down` pixels each; those at the right and below may have fewer."""
    height, width = pixels.shape[:2]
    averages = np.empty((-(-height // down), -(-width // across), 3), np.uint8)
    tile_width, tile_height = (count * max(1, _TILE_SIDE // count) for count in (across, down))
    for top in range(0, height, tile_height):
        for left in range(0, width, tile_width):
            tile = pixels[top : top + tile_height, left : left + tile_width]
            found = np.asarray(Image.fromarray(np.ascontiguousarray(tile)).reduce((across, down)))
            y, x = top // down, left // across
            averages[y : y + found.shape[0], x : x + found.shape[1]] = found
    return averages
