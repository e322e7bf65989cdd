"""Converts any color mode of Pillow to rows of 8-bit RGB, band by band.

- Transparent pixels are laid over white, as on a page, so that hidden colors never show. A fourth sample that
  is 0 everywhere, in a format that does not say what it means, is no transparency: programs leave it at 0.
- Palette, gray, black-and-white, CMYK and YCbCr become RGB by Pillow's formulas; embedded color
  profiles are not applied.
- Samples of 16 and 32 bits stay as they are; `viper.images.pixel_arrays` scales them.

Only a band is converted at a time, so that a conversion does not hold several copies of a large image.
This module is used in the process that decodes images, and imports no numpy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

__all__ = ["DEEP_MODES", "DeepSamples", "layout", "packed_rows", "rows_at_once"]

DEEP_MODES = {"I;16": "<u2", "I;16L": "<u2", "I;16B": ">u2", "I;16N": "=u2", "I": "=i4", "F": "=f4"}
"""Modes whose samples have more than 8 bits, and the type of numpy that reads them."""


class DeepSamples(NamedTuple):
    """What the mode does not say of samples of 16 or 32 bits."""

    bits: int = 16
    """Bits of a 16-bit sample that are in use: 12 or 16."""
    is_inverted: bool = False
    """Whether small samples are light."""
    is_unsigned: bool = False
    """Whether samples of 32 bits have no sign."""
    transparent: int = -1
    """Sample of 16 bits that is transparent; -1 if there is none."""


_BAND_PIXELS = 1 << 19
# BMP has a mask of alpha, which programs fill in without filling the samples; TIFF has a tag for the
# meaning of a fourth sample, which may be missing, or 0: without meaning.
_SAMPLE_MEANINGS, _ALPHA_MEANINGS = 338, {1, 2}
_STRAIGHT_ALPHA = {"La": "LA", "RGBa": "RGBA"}


def layout(image: PillowImage) -> str:
    """Return how `packed_rows` lays out the pixels: "RGB", three bytes each, or one of `DEEP_MODES`."""
    return image.mode if image.mode in DEEP_MODES else "RGB"


def packed_rows(image: PillowImage) -> Iterator[bytes]:
    """Yield the rows of a decoded image, top first, several at a time, without padding."""
    width, height = image.size
    step = rows_at_once(width)
    is_opaque = _has_unused_alpha(image)
    for top in range(0, height, step):
        band = image.crop((0, top, width, min(height, top + step)))
        if is_opaque:
            band = band.convert("RGB")
        yield (band if layout(image) != "RGB" else _rgb(band)).tobytes()


def rows_at_once(width: int) -> int:
    """Return the number of rows that `packed_rows` yields together, but for the last ones."""
    return max(1, _BAND_PIXELS // max(1, width))


def _has_unused_alpha(image: PillowImage) -> bool:
    """Return whether a fourth sample that may be alpha is 0 everywhere, and so is none."""
    form = getattr(image, "format", None)
    if image.mode != "RGBA" or form not in ("BMP", "DIB", "TIFF"):
        return False
    if form == "TIFF" and _ALPHA_MEANINGS & {
        *getattr(image, "tag_v2", {}).get(_SAMPLE_MEANINGS, ())
    }:
        return False
    return image.getchannel("A").getextrema() == (0, 0)


def _rgb(image: PillowImage) -> PillowImage:
    from PIL import Image

    if image.has_transparency_data:
        straight = _STRAIGHT_ALPHA.get(image.mode)
        rgba = (image.convert(straight) if straight else image).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image if image.mode == "RGB" else image.convert("RGB")
