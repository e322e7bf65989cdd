"""Scales an image to the input of the network, in memory and time that hardly depend on its size.

The network sees 384 pixels across. Floats of a whole image take twelve bytes a pixel, half a gigabyte for
40 megapixels, and a second. So large images are averaged in bytes first, tile by tile, to at least three
times the size that is wanted, from where the bilinear filter makes nearly the same of them. Smaller images,
those that the models were measured with, are scaled in floats alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from viper.images.image import Pixels

__all__ = ["LARGE_PIXELS", "scaled"]

LARGE_PIXELS = 4_000_000
"""Images with more are averaged in bytes first; so floats take less than 90 MB, whatever the image."""
# Samples across a pixel of the result that are left to the bilinear filter.
_GAP = 3


def scaled(pixels: Pixels, size_wh: tuple[int, int]) -> NDArray[np.float32]:
    """Return an image in another size, shape (3, h, w), 0 … 1.

    Args:
        pixels: Shape (H, W, 3), uint8 RGB.
        size_wh: Width and height of the result; each at least 1.
    """
    height, width = pixels.shape[:2]
    box = (0.0, 0.0, float(width), float(height))
    if width * height > LARGE_PIXELS:
        across, down = (
            max(1, side // (_GAP * wanted))
            for side, wanted in zip((width, height), size_wh, strict=True)
        )
        if across > 1 or down > 1:
            from viper.images.reduction import averaged  # few images are so large

            pixels = averaged(pixels, across, down)
            box = (0.0, 0.0, width / across, height / down)  # the last averages may be of fewer
    floats: NDArray[np.float32] = np.divide(pixels.transpose(2, 0, 1), 255, dtype=np.float32)
    if size_wh == (width, height):
        return floats
    return np.stack([_resized(channel, size_wh, box) for channel in floats])


def _resized(
    channel: NDArray[np.float32], size_wh: tuple[int, int], box: tuple[float, float, float, float]
) -> NDArray[np.float32]:
    """Return a channel in another size, in floats: rounding to bytes would move scores in the third digit."""
    resized = Image.fromarray(np.ascontiguousarray(channel)).resize(
        size_wh, Image.Resampling.BILINEAR, box
    )
    return np.asarray(resized)
