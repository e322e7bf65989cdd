"""Checks the chunks of a PNG: their checksums, their order, and that none is missing.

Pillow checks no checksum of pixels and of what follows them, reads chunks in any order, skips those that it
must not skip, does not miss the last one, and compares a transparent color with samples of another depth. It
refuses a file for the size of its texts, which have nothing to do with its pixels: these are left out. The
layout is that of the PNG specification, third edition. This module imports no Pillow.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from viper.images.decoding_error import DecodingError

__all__ = ["SIGNATURE", "PngLayout", "Transparency", "check_png", "data_chunks"]
__all__ += ["without_large_texts"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"

Transparency: TypeAlias = "int | tuple[int, int, int] | None"

_GRAY, _RGB, _PALETTE = 0, 2, 3
_SAMPLES_OF_COLOR = {_GRAY: 1, _RGB: 3, _PALETTE: 1, 4: 2, 6: 4}
_HEAD = struct.Struct(">I4s")
_CHECKSUM_BYTES = 4
_HEADER_BYTES = 13
# Of a text, with the byte of zero that ends it.
_LONGEST_NAME = 80
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
# Each at most once.
_BEFORE_DATA = (b"IHDR", b"PLTE", b"tRNS")
# Texts, and a color profile, which is not applied.
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
# Pillow refuses a file with one that is longer than a megabyte, or 64 of them together. A text may say how
# the picture was turned, so that those of usual size stay.
_MOST_TEXT_BYTES = 1 << 20
_MOST_TEXTS_BYTES = 16 << 20
# First column, first row, and the distances of columns and rows, of each pass of an interlaced image.
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_ONE_PASS = ((0, 0, 1, 1),)


class PngLayout(NamedTuple):
    """How the header says that pixels are stored."""

    width: int
    height: int
    bits: int
    """Of each sample."""
    color: int
    """Number of the color type."""
    is_interlaced: bool

    @property
    def data_bytes(self) -> int:
        """Bytes of all rows of all passes, with a byte before each that names its filter."""
        bits_per_pixel = self.bits * _SAMPLES_OF_COLOR[self.color]
        total = 0
        for left, top, across, down in _PASSES if self.is_interlaced else _ONE_PASS:
            columns = -(-(self.width - left) // across)
            rows = -(-(self.height - top) // down)
            if columns > 0 and rows > 0:  # a small image lacks some passes
                total += rows * (1 + -(-columns * bits_per_pixel // 8))
        return total


def check_png(data: memoryview) -> tuple[PngLayout, Transparency]:
    """Check the chunks of a PNG up to its end.

    Returns:
        The layout of its pixels, and the sample, or the three samples, that are transparent: in 8 bits, or
        16 for gray of 16 bits. None if no single color is transparent.

    Raises:
        DecodingError: Chunks are damaged, missing or in the wrong place, or the transparent color cannot be
            compared.
    """
    found: dict[bytes, bytes] = {}
    for kind, start, end in _chunks(data):
        checksum = int.from_bytes(data[end : end + _CHECKSUM_BYTES])
        if zlib.crc32(data[start - len(kind) : end]) != checksum:
            raise DecodingError("damaged", f"a PNG chunk {_name(kind)} has a wrong checksum")
        if kind in _BEFORE_DATA:
            if kind in found or b"IDAT" in found:
                raise DecodingError("damaged", f"a PNG chunk {_name(kind)} in the wrong place")
            found[kind] = bytes(data[start:end])
        elif kind in _CRITICAL:
            found[kind] = b""
        elif kind[:1].isupper():  # who does not know it must not decode the image
            raise DecodingError("unsupported", f"a PNG chunk {_name(kind)}")
        elif (
            kind == b"fcTL"  # of an animation: where the pixels belong
            and b"IDAT" not in found
            and bytes(data[start + 4 : start + 20]) != found.get(b"IHDR", b"")[:8] + bytes(8)
        ):
            raise DecodingError("damaged", "its first frame is not as large as the PNG")
    for kind in (b"IHDR", b"IDAT", b"IEND"):
        if kind not in found:
            raise DecodingError("damaged", f"its PNG chunk {_name(kind)} is missing")
    layout = _layout(found[b"IHDR"])
    if layout.color == _PALETTE and b"PLTE" not in found:
        raise DecodingError("damaged", "its palette is missing")
    return layout, _transparency(found.get(b"tRNS", b""), layout.bits, layout.color)


def without_large_texts(data: memoryview) -> bytes | None:
    """Return a PNG without its large texts and profiles; None if it has none.

    Args:
        data: The file; all else in it is kept as it is, right or wrong.
    """
    kept: list[memoryview] = []
    position = total = 0
    for kind, start, end in _chunks(data):
        if kind not in _TEXTS:
            continue
        size = _text_bytes(kind, data[start:end]) if total < _MOST_TEXTS_BYTES else 0
        total += size
        if size <= _MOST_TEXT_BYTES and total < _MOST_TEXTS_BYTES:
            continue
        kept.append(data[position : start - _HEAD.size])
        position = end + _CHECKSUM_BYTES
    if not position:
        return None
    return b"".join((*kept, data[position:]))


def _text_bytes(kind: bytes, body: memoryview) -> int:
    """Return how long a text is when it is inflated; a number above the limit for all that are longer."""
    head = bytes(body[:_LONGEST_NAME])
    name_end = head.find(b"\0") + 1
    if kind == b"tEXt" or not name_end:
        return len(body)
    compressed = body[name_end + 1 :]
    if kind == b"iTXt":
        if body[name_end : name_end + 1] == b"\0":
            return len(body)
        # Two bytes, a language and a translated name come before the text.
        compressed = memoryview(bytes(body[name_end + 2 :]).split(b"\0", 2)[-1])
    try:
        return len(zlib.decompressobj().decompress(compressed, _MOST_TEXT_BYTES + 1))
    except zlib.error:  # Pillow reads on, without the text
        return len(body)


def data_chunks(data: memoryview) -> Iterator[memoryview]:
    """Yield what the chunks of pixels hold, which is one compressed stream."""
    for kind, start, end in _chunks(data):
        if kind == b"IDAT":
            yield data[start:end]


def _chunks(data: memoryview) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each whole chunk up to IEND, and where its content starts and ends."""
    position = len(SIGNATURE)
    while position + _HEAD.size <= len(data):
        length, kind = _HEAD.unpack_from(data, position)
        start = position + _HEAD.size
        position = start + length + _CHECKSUM_BYTES
        if position > len(data):
            return
        yield kind, start, start + length
        if kind == b"IEND":
            return


def _layout(header: bytes) -> PngLayout:
    if len(header) != _HEADER_BYTES:
        raise DecodingError("damaged", "its PNG header is cut")
    width, height, bits, color, *methods, interlace = struct.unpack(">IIBBBBB", header)
    if color not in _SAMPLES_OF_COLOR or interlace not in (0, 1) or any(methods):
        raise DecodingError("damaged", "its PNG header has unknown values")
    return PngLayout(width, height, bits, color, bool(interlace))


def _transparency(body: bytes, bits: int, color: int) -> Transparency:
    if not body or color not in (_GRAY, _RGB):
        return None
    if color == _RGB and bits > 8:
        raise DecodingError("unsupported", "a transparent color of 16 bits")
    most = (1 << bits) - 1  # higher bits have no meaning
    samples = [
        int.from_bytes(body[start : start + 2]) & most for start in range(0, len(body) - 1, 2)
    ]
    if bits < 8:  # Pillow scales the pixels, but not this
        samples = [sample * 255 // most for sample in samples]
    if color == _GRAY and samples:
        return samples[0]
    if color == _RGB and len(samples) >= 3:
        return samples[0], samples[1], samples[2]
    raise DecodingError("damaged", "its transparent color is cut")


def _name(kind: bytes) -> str:
    return kind.decode("ascii", "replace")
