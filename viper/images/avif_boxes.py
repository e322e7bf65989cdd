"""Refuses an AVIF of which only a part is the picture: a clean aperture, which Pillow leaves out of account.

The property `clap` cuts away the edges of an image, and readers must apply it (ISO/IEC 23000-22, section 7).
It is looked for where it may stand: among the properties of items, and in the descriptions of the samples of
a track. The boxes are those of ISO/IEC 14496-12. This module imports neither numpy nor Pillow.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from viper.images.decoding_error import DecodingError

__all__ = ["check_avif"]

# Boxes that hold others → the bytes between their head and these: version and flags, a number of entries,
# the fields of a visual sample entry.
_HOLDERS: Mapping[bytes, int] = {
    b"meta": 4,
    b"iprp": 0,
    b"ipco": 0,
    b"moov": 0,
    b"trak": 0,
    b"mdia": 0,
    b"minf": 0,
    b"stbl": 0,
    b"stsd": 8,
    b"av01": 78,
}
_CLEAN_APERTURE = b"clap"
_HEAD, _WIDE_SIZE = struct.Struct(">I4s"), struct.Struct(">Q")
# A photograph has some dozens; one in a thousand tiles has a few for each.
_MOST_BOXES = 100_000


def check_avif(data: memoryview) -> None:
    """Make sure that all of the decoded image is the picture.

    Raises:
        DecodingError: It has a clean aperture, or boxes without end.
    """
    for number, kind in enumerate(_kinds(data)):
        if kind == _CLEAN_APERTURE:
            raise DecodingError("unsupported", "a clean aperture (clap)")
        if number >= _MOST_BOXES:
            raise DecodingError("attack", f"more than {_MOST_BOXES:,} boxes")


def _kinds(data: memoryview) -> Iterator[bytes]:
    """Yield the kinds of all boxes in which properties may stand, and of those beside them."""
    ranges = [(0, len(data))]
    while ranges:
        start, end = ranges.pop()
        while start + _HEAD.size <= end:
            size, kind = _HEAD.unpack_from(data, start)
            inside = start + _HEAD.size
            if size == 1 and inside + _WIDE_SIZE.size <= end:
                (size,) = _WIDE_SIZE.unpack_from(data, inside)
                inside += _WIDE_SIZE.size
            elif size == 0:  # up to the end
                size = end - start
            yield kind
            if size < inside - start:
                break  # no box: libavif says what is wrong with it
            if kind in _HOLDERS:
                ranges.append((inside + _HOLDERS[kind], min(start + size, end)))
            start += size
