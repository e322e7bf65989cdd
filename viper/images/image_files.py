"""Opens image files with Pillow, and says what decoding them will take, from their headers alone.

Only six decoders see the bytes of a file. This is what the process that decodes images does
(`decoder_child.py`), and the host itself where no process can be forked. This module imports no numpy.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from viper.images.decoding_error import DecodingError
from viper.images.jpeg_segments import JpegScan, jpeg_scans

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = [
    "FORMATS",
    "MAX_DECODING_BYTES",
    "MESSAGE_BYTES",
    "canvas_of_webp",
    "decoding_bytes",
    "opened",
    "orientation",
    "sample_bits",
]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
"""The decoders in use; EPS, which runs an external program, and rare formats are left out."""

MAX_DECODING_BYTES = 1 << 30
"""Memory that decoding one image, and all images at the same time, may take."""

MESSAGE_BYTES = 4_096
"""Largest message either way, without the bytes that follow some of them."""


# Each scan visits every pixel, however few bytes it has; 100 million visits take 0.1 s.
_MAX_JPEG_VISITS = 1_000_000_000
_TILE_SIDES = (322, 323)
_MAX_TILE_PIXELS = 4_000_000

# Memory per pixel: Pillow's own, four bytes where no other number is given, and what decoders take besides
# to hold a whole image, as measured. Other decoders work row by row.
_BYTES_OF_MODE = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
_BYTES_OF_DECODER = {"WEBP": 12, "GIF": 4, "TIFF": 4, "BMP": 4}
_BYTES_OF_COEFFICIENT = 2
# A conversion works on bands; small images need room for one.
_BAND_BYTES = 8 << 20


def opened(file: io.BytesIO) -> tuple[ImageFile, int]:
    """Read the header of a file; return the image, not decoded yet, and the number of its JPEG scans.

    The number is one more for a progressive JPEG.
    """
    from PIL import Image, UnidentifiedImageError

    scans: list[JpegScan] = []
    is_progressive = False
    with file.getbuffer() as data:
        if bytes(data[:2]) == b"\xff\xd8":
            scans, is_progressive = jpeg_scans(data)
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise DecodingError("unidentified") from error
    except Image.DecompressionBombError as error:
        raise DecodingError("pixels") from error
    if len(scans) * image.size[0] * image.size[1] > _MAX_JPEG_VISITS:
        raise DecodingError("attack", f"{len(scans)} JPEG scans of so many pixels")
    _check_tiles(image)
    if scans:
        from viper.images import jpeg_decoder

        jpeg_decoder.use(image, scans)
    # A progressive JPEG keeps its coefficients even if it has one scan.
    return image, len(scans) + is_progressive


def decoding_bytes(form: str, mode: str, size: tuple[int, int], scans: int, file_bytes: int) -> int:
    """Return the memory that decoding an image takes, as measured.

    Args:
        form: Name of the format, as Pillow gives it.
        mode: Color mode of Pillow.
        size: Width and height.
        scans: Number of scans of a JPEG, otherwise 0.
        file_bytes: Size of the file.
    """
    per_pixel = _BYTES_OF_MODE.get(mode, 4) + _BYTES_OF_DECODER.get(form, 0)
    if scans > 1:  # as in a progressive JPEG: all coefficients are kept until the last scan
        per_pixel += _BYTES_OF_COEFFICIENT * {"L": 1, "CMYK": 4}.get(mode, 3)
    # libtiff takes a copy of the file.
    return size[0] * size[1] * per_pixel + 2 * file_bytes + _BAND_BYTES


def canvas_of_webp(data: bytes) -> tuple[int, int]:
    """Return width and height that the header of a WebP names; (0, 0) for any other file.

    libwebp allocates two canvases of four bytes a pixel when it opens a file.
    The layout is that of RFC 9649, sections 2.4 to 2.7.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return 0, 0
    match data[12:16]:
        case b"VP8X":
            return _number(data[24:27]) + 1, _number(data[27:30]) + 1
        case b"VP8L":
            bits = _number(data[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _number(data[26:28]) & 0x3FFF, _number(data[28:30]) & 0x3FFF
        case _:
            return 0, 0


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _check_tiles(image: Image) -> None:
    """Refuse a TIFF whose tiles are far larger than the image: each is decoded as a whole."""
    tags: Any = getattr(image, "tag_v2", {})
    sides = [tags.get(tag, 0) for tag in _TILE_SIDES]
    if not all(type(side) is int for side in sides):
        raise DecodingError("damaged", "its tiles have no size")
    if sides[0] * sides[1] > max(_MAX_TILE_PIXELS, 4 * image.size[0] * image.size[1]):
        raise DecodingError("attack", f"tiles of {sides[0]}×{sides[1]} pixels")


def orientation(image: Image) -> int:
    """Return the EXIF orientation of a decoded image; 1, upright, where there is none."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # broken EXIF data must not make an image unusable
        return 1
    return int(value) if value in range(1, 9) else 1


def sample_bits(image: Image) -> int:
    """Return how many bits of a 16-bit sample are in use: 12 where a TIFF says so, else 16."""
    tags: Any = getattr(image, "tag_v2", {})
    return 12 if tags.get(258) == (12,) else 16
