"""Checks the chunks of a PNG, and reads which color is transparent.

Pillow compares a transparent color with samples of another depth, and reads chunks in any order. It does
check the checksums of chunks and pixels. The layout is that of the PNG specification, third edition.
"""

from __future__ import annotations

import struct
from typing import TypeAlias

from viper.images.decoding_error import DecodingError

__all__ = ["SIGNATURE", "Transparency", "transparency_of_png"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"

Transparency: TypeAlias = "int | tuple[int, int, int] | None"

_GRAY, _RGB, _PALETTE = 0, 2, 3
_CHECKSUM_BYTES = 4
# Each at most once.
_BEFORE_DATA = (b"IHDR", b"PLTE", b"tRNS")


def transparency_of_png(data: memoryview) -> Transparency:
    """Check the chunks of a PNG up to its end.

    Returns:
        The sample, or the three samples, that are transparent: in 8 bits, or 16 for gray of 16 bits. None
        if no single color is transparent.

    Raises:
        DecodingError: Chunks are missing or in the wrong place, or the transparent color cannot be compared.
    """
    found: dict[bytes, bytes] = {}
    position = len(SIGNATURE)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if kind == b"IEND" or end > len(data):  # Pillow finds out whether the rest is missing
            break
        if kind in _BEFORE_DATA:
            if kind in found or b"IDAT" in found:
                raise DecodingError("damaged", f"a PNG chunk {kind.decode()} in the wrong place")
            found[kind] = bytes(data[position + 8 : end])
        elif kind == b"IDAT":
            found[kind] = b""
        position = end + _CHECKSUM_BYTES
    header = found.get(b"IHDR", b"")
    if len(header) < 13:
        raise DecodingError("damaged", "its PNG header is missing")
    bits, color = header[8:10]
    if color == _PALETTE and b"PLTE" not in found:
        raise DecodingError("damaged", "its palette is missing")
    return _transparency(found.get(b"tRNS", b""), bits, color)


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
