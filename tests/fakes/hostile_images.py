"""Image files that cost a decoder far more than an honest file of their size or shape."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def jpeg_of_segments(
    count: int, marker: int = 0xE1, body: bytes = b"Exif\0\0" + bytes(14)
) -> bytes:
    """A JPEG with so many application segments in front of its picture."""
    data = encoded(Image.new("RGB", (8, 8)), "JPEG")
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
    return data[:2] + segment * count + data[2:]


def jpeg_of_scans(scans: int, size: tuple[int, int]) -> bytes:
    """A progressive JPEG that ends with the same refining scan again and again."""
    data = encoded(Image.new("RGB", size, (9, 99, 200)), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xc4") : -2]
    return data[:-2] + scan * scans + b"\xff\xd9"


def png_of_chunks(count: int, kind: bytes = b"tEXt", body: bytes = b"a\0b") -> bytes:
    """A PNG with so many chunks in front of its picture."""
    data = encoded(Image.new("RGB", (8, 8)), "PNG")
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[:33] + chunk * count + data[33:]


def gif_of_extensions(count: int) -> bytes:
    """A GIF with so many extension blocks in front of its picture."""
    data = encoded(Image.new("P", (8, 8)), "GIF")
    start = data.index(b"\x2c")
    return data[:start] + b"\x21\xf9\x04\0\0\0\0\0" * count + data[start:]


def tiff_of_floats(size: tuple[int, int]) -> bytes:
    """A TIFF of one value, compressed to nearly nothing, whose samples take four bytes."""
    return encoded(Image.new("F", size), "TIFF", compression="tiff_adobe_deflate")


def tiff_of_shared_tiles(size: tuple[int, int], tile_height: int) -> bytes:
    """A TIFF of tiles, 16 pixels wide, that reach far below the image and have one body for all."""
    noise = Image.effect_noise((16, tile_height), 80)
    held = io.BytesIO()
    noise.save(held, "TIFF", compression="tiff_lzw", tiffinfo={278: tile_height})
    tags = Image.open(held).tag_v2  # type: ignore[attr-defined]
    (start,), (length,) = tags[273], tags[279]
    body = held.getvalue()[start : start + length]
    count = -(-size[0] // 16)
    entries = [(256, 1, size[0]), (257, 1, size[1]), (258, 1, 8), (259, 1, 5), (262, 1, 1)]
    entries += [(277, 1, 1), (322, 1, 16), (323, 1, tile_height)]
    start = 8 + 2 + 12 * (len(entries) + 2) + 4
    entries += [(324, count, start + length), (325, count, start + length + 4 * count)]
    table = b"".join(struct.pack("<HHII", tag, 4, number, value) for tag, number, value in entries)
    arrays = struct.pack("<I", start) * count + struct.pack("<I", length) * count
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    return head + table + bytes(4) + body + arrays


def webp_of_one_colour(size: tuple[int, int]) -> bytes:
    """A WebP of some kilobytes whose decoder holds four copies of its canvas."""
    return encoded(Image.new("RGBA", size, (1, 2, 3, 4)), "WEBP", lossless=True, method=0)


def webp_of_announced_size(size: tuple[int, int]) -> bytes:
    """A WebP whose header names a size that its pixels do not fill."""
    data = bytearray(webp_of_one_colour((8, 8)))
    at = data.index(b"VP8L") + 9
    bits = int.from_bytes(data[at : at + 4], "little") >> 28 << 28
    bits |= (size[0] - 1) | (size[1] - 1) << 14
    data[at : at + 4] = bits.to_bytes(4, "little")
    return bytes(data)


def png_of_one_colour(size: tuple[int, int]) -> bytes:
    return encoded(Image.new("RGBA", size), "PNG")
