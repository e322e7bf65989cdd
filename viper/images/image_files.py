"""Opens image files with Pillow, and says what decoding them will take, from their headers alone.

Only seven decoders see the bytes of a file. This is what the process that decodes images does
(`decoder_child.py`), and the host itself where no process can be forked. This module imports no numpy.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from viper.images.color_modes import DEEP_MODES, DeepSamples
from viper.images.decoding_error import DecodingError
from viper.images.jpeg_segments import JpegScan, jpeg_scans
from viper.images.palette_checks import COLORS, check_frame_of_gif, check_indices, colors_of_bmp
from viper.images.png_chunks import check_png, without_large_texts
from viper.images.run_lengths import check_bmp_runs
from viper.images.tiff_layout import check_tiff, narrow_palette, native_order
from viper.images.tiff_pages import INVERTED, use_main_page

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = [
    "FORMATS",
    "MAX_DECODING_BYTES",
    "MESSAGE_BYTES",
    "canvas_of_webp",
    "decoding_bytes",
    "deep_samples",
    "load",
    "opened",
]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")
"""The decoders in use; EPS, which runs an external program, and rare formats are left out.

Pillow may have been built without AVIF."""

MAX_DECODING_BYTES = 1 << 30
"""Memory that decoding one image, and all images at the same time, may take."""

MESSAGE_BYTES = 4_096
"""Largest message either way, without the bytes that follow some of them."""


# Each scan visits every pixel, however few bytes it has; 100 million visits take 0.1 s.
_MAX_JPEG_VISITS = 1_000_000_000
# Tags of TIFF.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO = 0
# Where a BMP says how long its header is, and how many bits a pixel has.
_BMP_HEADER, _BMP_BITS, _BMP_BITS_OF_SHORT_HEADER = 14, 28, 24
_SHORT_HEADER = 12
_BITS_OF_GRAY = {"1": 1, "L": 8}

# Memory per pixel: Pillow's own, four bytes where no other number is given, and what decoders take besides
# to hold a whole image, as measured. Other decoders work row by row.
_BYTES_OF_MODE = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
_BYTES_OF_DECODER = {"WEBP": 12, "GIF": 4, "TIFF": 4, "BMP": 4, "AVIF": 16}
_BYTES_OF_COEFFICIENT = 2
# A conversion works on bands; small images need room for one.
_BAND_BYTES = 8 << 20


def opened(file: io.BytesIO) -> tuple[ImageFile, int]:
    """Read the header of a file; return the image, not decoded yet, and the number of its JPEG scans.

    The number is one more for a progressive JPEG.
    """
    from PIL import Image, UnidentifiedImageError

    scans: list[JpegScan] = []
    is_progressive = is_inverted = False
    given = file
    with file.getbuffer() as data:
        start = bytes(data[:4])
        if start[:2] == b"\xff\xd8":
            scans, is_progressive = jpeg_scans(data)
        elif start == b"\x89PNG":
            shortened = without_large_texts(data)
            file = given if shortened is None else io.BytesIO(shortened)
    if start[:2] in (b"II", b"MM"):
        is_inverted = use_main_page(file)
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise DecodingError("unidentified") from error
    except Image.DecompressionBombError as error:
        raise DecodingError("pixels") from error
    if len(scans) * image.size[0] * image.size[1] > _MAX_JPEG_VISITS:
        raise DecodingError("attack", f"{len(scans)} JPEG scans of so many pixels")
    with given.getbuffer() as data:
        _check_colors(image, data)
    if is_inverted:
        image.info[INVERTED] = True
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


def _check_colors(image: ImageFile, data: memoryview) -> None:
    """Correct or refuse what Pillow would decode to other colors than those of the file."""
    if image.format == "TIFF":
        _check_tiff(image, getattr(image, "tag_v2", {}), data)
    elif image.format == "PNG":
        from viper.images import png_decoder

        layout, transparent = check_png(data)
        if transparent is not None:
            image.info["transparency"] = transparent
        png_decoder.use(image, layout)
    elif image.format == "GIF":
        check_frame_of_gif(image, data)
    elif image.format == "BMP":
        _check_bmp(image, data)
    elif image.format == "AVIF":
        from viper.images.avif_boxes import check_avif

        check_avif(data)


def _check_tiff(image: ImageFile, tags: Any, data: memoryview) -> None:
    image.info.pop("xmp", None)  # by which Pillow would turn it
    check_tiff(tags, data)
    image.tile = [
        tile._replace(args=(native_order(tile.codec_name, tile.args[0]), *tile.args[1:]))
        if type(tile.args) is tuple
        else tile
        for tile in image.tile
    ]
    colors = narrow_palette(tags)
    if colors is not None and image.mode in ("P", "PA"):
        from PIL import ImagePalette

        image.palette = ImagePalette.raw("RGB;L", colors)


def _check_bmp(image: ImageFile, data: memoryview) -> None:
    bits = data[_BMP_BITS_OF_SHORT_HEADER if data[_BMP_HEADER] == _SHORT_HEADER else _BMP_BITS]
    if not image.tile:
        return
    start: int = image.tile[0].offset
    if image.tile[0].codec_name == "bmp_rle":
        if start % 2:  # Pillow counts from the beginning of the file
            raise DecodingError("unsupported", "run lengths at an odd place")
        check_bmp_runs(data[start:], image.size, bits)
    # A palette of grays is left out, and with it the number of bits and of colors.
    elif bits != _BITS_OF_GRAY.get(image.mode, bits):
        raise DecodingError("unsupported", f"a palette of grays in {bits} bits")
    if image.mode == "L":
        image.info[COLORS] = colors_of_bmp(data)


def load(image: Image) -> None:
    """Decode an image to its end."""
    image.load()
    check_indices(image)


def deep_samples(image: Image) -> DeepSamples:
    """Return what the samples of an image of more than 8 bits mean."""
    tags: Any = getattr(image, "tag_v2", {})
    transparent = image.info.get("transparency")
    return DeepSamples(
        bits=12 if tags.get(_BITS_PER_SAMPLE) == (12,) else 16,
        is_inverted=image.info.get(INVERTED) is True or tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO,
        is_unsigned=tags.get(_BITS_PER_SAMPLE) == (32,) and tags.get(_SAMPLE_FORMAT, (1,)) == (1,),
        transparent=transparent if type(transparent) is int and image.mode in DEEP_MODES else -1,
    )
