"""Makes PIL images of a size that every model accepts.

Patches have all shapes: one pixel, or a strip of 20,000 × 10. The preprocessing of libraries fails on some of
them (a side rounded to 0, three rows mistaken for three channels) and makes others a million pixels wide.
"""

from __future__ import annotations

import math

from PIL import Image

from viper.images.image import Pixels
from viper.images.reduction import resized

__all__ = ["bounded_image"]


def bounded_image(pixels: Pixels, *, shortest: int, longest: int, elongation: float) -> Image.Image:
    """Return an image whose sides are within bounds, with its aspect ratio if possible.

    Args:
        pixels: Shape (H, W, 3), uint8 RGB.
        shortest: Least side in pixels; smaller images are enlarged.
        longest: Greatest side in pixels; larger images are reduced.
        elongation: Greatest ratio of the sides; thinner images are widened.
    """
    given = (pixels.shape[1], pixels.shape[0])
    long, short = max(given), min(given)
    scale = 1.0
    if long > longest:
        scale = longest / long
    elif short < shortest:
        # A strip is not enlarged beyond what the shortest side and the elongation allow: it is
        # widened below.
        scale = max(1.0, min(shortest / short, shortest * elongation / long))
    width, height = (min(longest, round(side * scale)) for side in given)
    least = max(shortest, math.ceil(max(width, height) / elongation))
    size = (max(width, least), max(height, least))
    if size == given:
        return Image.fromarray(pixels)
    return resized(pixels, size, Image.Resampling.BICUBIC)
