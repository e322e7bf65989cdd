"""Corrects or refuses a TIFF whose pixels Pillow would read without an error, and wrongly.

A TIFF describes the layout of its samples by a dozen tags. Pillow refuses many combinations, and takes some
for others. The names and numbers of the tags are those of TIFF 6.0. This module imports no numpy.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from viper.images.decoding_error import DecodingError
from viper.images.run_lengths import check_packbits

__all__ = ["check_tiff", "narrow_palette", "native_order"]

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES = 273, 277, 278, 279
_PLANES, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 284, 322, 323, 324, 325
_INK_SET, _SAMPLE_FORMAT, _COEFFICIENTS, _SUBSAMPLING, _BLACK_WHITE = 332, 339, 529, 530, 532
_RGB, _CMYK, _YCBCR = 2, 5, 6
_EXTRA = 338
_SEPARATE = 2
_FILL_ORDER = 266
_COLOR_MAP = 320
_MOST_OF_A_BYTE = 255
_DEFLATE = (8, 32946)
_PACKBITS = 32773
_PORTION_BYTES = 1 << 16
_YCBCR_BLOCK_BYTES = 18  # of 4×4 pixels
_SIGNED = 2
# Photometric interpretations whose separate planes Pillow reads: BlackIsZero, RGB, palette, CMYK.
_PLANAR = (1, 2, 3, 5)
# Of one tile, and of all together, if the image is small: tiles reach beyond its edges.
_MAX_TILE_PIXELS = 4_000_000
_MAX_TILES_PIXELS = 32_000_000
# Writers let equal tiles share one body, such as that of an empty one; all bodies of a file that shares none
# are as long as itself.
_SHARED_BYTES = 64 << 20
_FULL_RANGE = (0.0, 255.0, 128.0, 255.0, 128.0, 255.0)
_LUMA = (0.299, 0.587, 0.114)

# libtiff gives samples in the order of the machine; Pillow knows that for some layouts only.
_NATIVE_ORDER = {"F;32BF": "F;32NF", "I;16BS": "I;16NS", "I;32BS": "I;32NS"}


def native_order(codec: str, layout: str) -> str:
    """Return the name of the layout that samples really have when a decoder of Pillow gets them."""
    return _NATIVE_ORDER.get(layout, layout) if codec == "libtiff" else layout


def narrow_palette(tags: Any) -> bytes | None:  # Any: as in `check_tiff`
    """Return a palette of which no value is above 255: all reds, all greens, all blues; None for others.

    Old writers gave them 8 bits instead of 16. libtiff, and what is built on it, sees that; Pillow does not.
    """
    values = tags.get(_COLOR_MAP)
    if type(values) is not tuple or not all(type(value) is int for value in values):
        return None
    return bytes(values) if values and max(values) <= _MOST_OF_A_BYTE else None


def check_tiff(
    tags: Any, data: memoryview
) -> None:  # Any: a mapping of Pillow, of a stranger's values
    """Check the tags of a TIFF, as Pillow has read them, and what checksums it has.

    Args:
        tags: Number → value.
        data: The file.

    Raises:
        DecodingError: Its pixels would be wrong, parts of it are missing, or its tiles are far too large.
    """
    try:
        _check_tiles(tags)
        _check_colors(tags)
        parts = _parts(tags)
        if sum(parts.sizes) > max(_SHARED_BYTES, 2 * len(data)):
            raise DecodingError("attack", "many strips or tiles that share their data")
        if _is_raw(tags):
            _check_lengths(parts)
        elif tags.get(_COMPRESSION) in _DEFLATE and tags.get(_FILL_ORDER, 1) == 1:
            most_bytes = parts.bytes_of_whole
            if tags[_PHOTOMETRIC] == _YCBCR:  # subsampled blocks reach beyond the edges
                most_bytes = 2 * most_bytes + _YCBCR_BLOCK_BYTES
            for offset, size in zip(parts.offsets, parts.sizes, strict=True):
                _check_deflated(data[offset : offset + size], most_bytes)
        elif _is_packed(tags):
            for number, (offset, size) in enumerate(
                zip(parts.offsets, parts.sizes, strict=True), 1
            ):
                check_packbits(data[offset : offset + size], parts.bytes_of(number))
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise DecodingError("damaged", "its tags have impossible values") from error


def _check_tiles(tags: Any) -> None:
    """Refuse tiles that are far larger than the image: each is decoded as a whole."""
    sides = [tags.get(tag, 0) for tag in (_TILE_WIDTH, _TILE_HEIGHT)]
    if not all(type(side) is int for side in sides):
        raise DecodingError("damaged", "its tiles have no size")
    if not any(sides):
        return  # it has strips
    pixels, width, height = tags[_WIDTH] * tags[_HEIGHT], *sides
    count = -(-tags[_WIDTH] // width) * -(-tags[_HEIGHT] // height)
    for bound, total in (
        (_MAX_TILE_PIXELS, width * height),
        (_MAX_TILES_PIXELS, width * height * count),
    ):
        if total > max(bound, 4 * pixels):
            raise DecodingError("attack", f"tiles of {width}×{height} pixels")


def _check_colors(tags: Any) -> None:
    if _PHOTOMETRIC not in tags:
        raise DecodingError("unsupported", "no photometric interpretation")
    photometric, bits = tags[_PHOTOMETRIC], {*tags.get(_BITS, (1,))}
    if tags.get(_PLANES, 1) == _SEPARATE:
        _check_planes(tags, photometric, bits)
    if _SIGNED in tags.get(_SAMPLE_FORMAT, (1,)) and min(bits) <= 8:
        raise DecodingError("unsupported", "signed samples of 8 bits")
    if photometric == _CMYK and tags.get(_INK_SET, 1) != 1:
        raise DecodingError("unsupported", "inks that are not cyan, magenta, yellow and black")
    if photometric == _YCBCR and _is_raw(tags):
        if tuple(tags.get(_SUBSAMPLING, (2, 2))) != (1, 1):
            raise DecodingError("unsupported", "uncompressed subsampled colors")
        if not _is_near(tags.get(_BLACK_WHITE, _FULL_RANGE), _FULL_RANGE) or not _is_near(
            tags.get(_COEFFICIENTS, _LUMA), _LUMA
        ):
            raise DecodingError("unsupported", "uncompressed colors of another range")


def _check_planes(tags: Any, photometric: int, bits: set[int]) -> None:
    """Refuse separate planes that Pillow reads as others, or whose bits it leaves reversed."""
    samples = tags.get(_SAMPLES, 1)
    has_one_color = photometric not in (_RGB, _CMYK)
    if bits != {8} or photometric not in _PLANAR or (has_one_color and samples != 1):
        raise DecodingError("unsupported", "separate planes of such colors")
    if _is_raw(tags):
        if tags.get(_FILL_ORDER, 1) != 1:
            raise DecodingError("unsupported", "separate planes of reversed bits")
    elif photometric == _RGB and samples > 3 and _EXTRA not in tags:
        raise DecodingError("unsupported", "a separate plane without a stated meaning")


def _is_raw(tags: Any) -> bool:
    return bool(tags.get(_COMPRESSION, 1) == 1)


def _is_packed(tags: Any) -> bool:
    """Return whether samples are run-length encoded, and it is known how many there are."""
    is_subsampled = tags[_PHOTOMETRIC] == _YCBCR
    return bool(
        tags.get(_COMPRESSION) == _PACKBITS and tags.get(_FILL_ORDER, 1) == 1 and not is_subsampled
    )


def _is_near(values: Any, wanted: tuple[float, ...]) -> bool:
    return len(values) == len(wanted) and all(
        abs(float(value) - target) < 0.002 for value, target in zip(values, wanted, strict=True)
    )


class _Parts(NamedTuple):
    """The strips or tiles of an image."""

    offsets: Sequence[int]
    sizes: Sequence[int]
    """Bytes of each in the file."""
    bytes_of_whole: int
    """Bytes of samples in each, but for the last strip of a plane."""
    bytes_of_last: int
    per_plane: int

    def bytes_of(self, number: int) -> int:
        """Return the bytes of samples in a strip or tile; the first has the number 1."""
        return self.bytes_of_whole if number % self.per_plane else self.bytes_of_last


def _parts(tags: Any) -> _Parts:
    """Return the strips or tiles; refuse an image with fewer or more of them than it needs."""
    width, height, samples = tags[_WIDTH], tags[_HEIGHT], tags.get(_SAMPLES, 1)
    is_striped = _STRIP_OFFSETS in tags
    if is_striped:
        offsets, sizes = tags[_STRIP_OFFSETS], tags[_STRIP_BYTES]
        across, down = width, min(height, tags.get(_ROWS_PER_STRIP, height))
    else:
        offsets, sizes = tags[_TILE_OFFSETS], tags[_TILE_BYTES]
        across, down = tags[_TILE_WIDTH], tags[_TILE_HEIGHT]
    planes, bits = 1, sum(tags.get(_BITS, (1,)))
    if len(tags.get(_BITS, (1,))) == 1:
        bits *= samples
    if tags.get(_PLANES, 1) == _SEPARATE:
        planes, bits = samples, bits // samples
    per_plane = -(-width // across) * -(-height // down)
    if not len(offsets) == len(sizes) == per_plane * planes:
        raise DecodingError(
            "damaged", f"{len(offsets)} strips or tiles instead of {per_plane * planes}"
        )
    row_bytes = -(-across * bits // 8)
    last_rows = height % down if is_striped and height % down else down
    return _Parts(offsets, sizes, row_bytes * down, row_bytes * last_rows, per_plane)


def _check_lengths(parts: _Parts) -> None:
    for number, size in enumerate(parts.sizes, 1):
        if size < parts.bytes_of(number):
            raise DecodingError("damaged", "a strip or tile is too short")


def _check_deflated(data: memoryview, most_bytes: int) -> None:
    """Read a strip or tile up to its checksum, which libtiff does not always read.

    Args:
        data: The strip or tile.
        most_bytes: Bytes of samples; one that has more is refused.
    """
    stream, produced = zlib.decompressobj(), 0
    try:
        for start in range(0, len(data), _PORTION_BYTES):
            portion: memoryview | bytes = data[start : start + _PORTION_BYTES]
            while not stream.eof and produced <= most_bytes:
                most = min(_PORTION_BYTES, most_bytes + 1 - produced)
                found = len(stream.decompress(portion, most))
                produced += found
                portion = stream.unconsumed_tail
                if not portion and found < most:
                    break
    except zlib.error as error:
        raise DecodingError("damaged", "a strip or tile has a wrong checksum") from error
    if not stream.eof or produced > most_bytes:
        raise DecodingError("damaged", "a strip or tile is cut, or holds more than its rows")
