"""Converts any color mode of Pillow to 8-bit RGB.

- Transparent pixels are laid over white, as on a page, so that hidden colors never show.
- Palette, gray, black-and-white, CMYK and YCbCr become RGB by Pillow's formulas; embedded color
  profiles are not applied.
- 16-bit gray keeps its upper eight bits (of twelve, where a TIFF says that it has twelve).
- 32-bit integers and floats, whose range no file states, are scaled from the first of 0 … 1,
  0 … 255 and 0 … 65535 that contains all values, else from their minimum to their maximum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from viper.images.image import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

__all__ = ["rgb_pixels", "upright"]

_USUAL_RANGES = (1.0, 255.0, 65535.0)
_STRAIGHT_ALPHA = {"La": "LA", "RGBa": "RGBA"}
_TIFF_BITS_PER_SAMPLE = 258


def rgb_pixels(image: PillowImage) -> Pixels:
    """Convert a decoded image; returns a new array of shape (H, W, 3), uint8 RGB."""
    from PIL import Image

    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image)
        gray = _spread(values) if image.mode in ("I", "F") else _upper_bits(values, image)
        return np.repeat(gray[:, :, None], 3, axis=2)  # (H, W, 3)
    if image.has_transparency_data:
        straight = _STRAIGHT_ALPHA.get(image.mode)
        rgba = (image.convert(straight) if straight else image).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def upright(pixels: Pixels, orientation: object) -> Pixels:
    """Return a view turned upright by an EXIF orientation; values other than 2 … 8 change nothing.

    The numbers are those of tag 0x0112 in CIPA DC-008 (Exif 2.32), section 4.6.4.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _upper_bits(values: NDArray[Any], image: PillowImage) -> Pixels:
    tags = getattr(image, "tag_v2", {})
    bits = 12 if tags.get(_TIFF_BITS_PER_SAMPLE) == (12,) else 16
    return (values >> (bits - 8)).astype(np.uint8)


def _spread(values: NDArray[Any]) -> Pixels:
    finite_values = values[np.isfinite(values)]
    if not finite_values.size:
        return np.zeros(values.shape, np.uint8)
    low, high = float(finite_values.min()), float(finite_values.max())
    fitting = [limit for limit in _USUAL_RANGES if low >= 0.0 and high <= limit]
    bottom, top = (0.0, fitting[0]) if fitting else (low, high)
    # A constant outside the usual ranges has no contrast to show: it becomes black.
    scale = 255.0 / (top - bottom) if top > bottom else 0.0
    finite = np.nan_to_num(values.astype(np.float64), nan=bottom, posinf=top, neginf=bottom)
    return np.rint((finite - bottom) * scale).astype(np.uint8)
