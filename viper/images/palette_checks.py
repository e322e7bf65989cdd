"""Refuses pixels of a palette image that the file gives no color, where Pillow would choose one.

These are colors beyond the end of a palette, in any format, and what the first frame of a GIF leaves free:
Pillow paints it in color 0 of the frame, GIF89a in the background color, and browsers not at all. The layout
of GIF is that of GIF89a, sections 17 to 21. This module imports no numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from viper.images.decoding_error import DecodingError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = ["COLORS", "check_frame_of_gif", "check_indices", "colors_of_bmp"]

COLORS = "viper_colors"
"""Key of `Image.info`: number of colors of a palette that Pillow took for gray and left out."""

_HAS_PALETTE, _PALETTE_SIZE = 0x80, 0x07
_HEADER_BYTES = 13
_FRAME, _EXTENSION, _FRAME_BYTES = 0x2C, 0x21, 10
# Where a BMP says how long its header is, how many bits a pixel has, and how many colors there are.
_BMP_HEADER, _BMP_BITS, _BMP_COLORS = 14, 28, 46
_SHORT_HEADER, _SHORT_BITS = 12, 24


def check_frame_of_gif(image: ImageFile, data: memoryview) -> None:
    """Check the palette and the place of the first frame of a GIF that is not decoded yet.

    Raises:
        DecodingError: There is no palette, or the frame leaves pixels free that are not transparent.
    """
    colors = _colors_of_gif(data)
    if not colors:
        raise DecodingError("damaged", "its palette is missing")
    image.info[COLORS] = colors
    covers = all(tile.extents == (0, 0, *image.size) for tile in image.tile)
    if not covers and "transparency" not in image.info:
        raise DecodingError("unsupported", "a first frame that does not cover the image")


def _colors_of_gif(data: memoryview) -> int:
    """Return the number of colors of the palette of the first frame; 0 if there is none."""
    try:
        colors = _colors(data[10])
        position = _HEADER_BYTES + 3 * colors
        while data[position] != _FRAME:
            # Pillow skips bytes between blocks that are none.
            position += 1
            if data[position - 1] == _EXTENSION:
                position += 1
                while length := data[position]:
                    position += 1 + length
                position += 1
        return _colors(data[position + _FRAME_BYTES - 1]) or colors
    except IndexError as error:
        raise DecodingError("damaged", "it has no frame") from error


def _colors(flags: int) -> int:
    return 2 << (flags & _PALETTE_SIZE) if flags & _HAS_PALETTE else 0


def colors_of_bmp(data: memoryview) -> int:
    """Return the number of colors of the palette of a BMP."""
    is_short = data[_BMP_HEADER] == _SHORT_HEADER
    bits = data[_SHORT_BITS if is_short else _BMP_BITS]
    named = 0 if is_short else int.from_bytes(data[_BMP_COLORS : _BMP_COLORS + 4], "little")
    return named or 1 << bits


def check_indices(image: Image) -> None:
    """Check that the palette of a decoded image has all colors that it uses.

    Raises:
        DecodingError: It has not.
    """
    colors = image.info.get(COLORS)
    if image.mode in ("P", "PA") and image.palette is not None:
        colors = len(image.palette.palette) // 3
    if colors is None or image.mode not in ("P", "PA", "L"):
        return
    counts: Any = image.histogram()[:256]
    for index in range(colors, 256):
        # A transparent one needs no color.
        if counts[index] and index != image.info.get("transparency"):
            raise DecodingError("damaged", f"color {index} is beyond its palette")
