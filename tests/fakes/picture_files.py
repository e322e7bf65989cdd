"""Image files written byte by byte, so that their pixels are known without any library."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

PNG_COLORS = {"gray": 0, "rgb": 2, "palette": 3, "gray alpha": 4, "rgba": 6}
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def packed(samples: Sequence[int], bits: int, order: str = ">") -> bytes:
    """Return samples of 1 to 16 bits one after another, or of 16, 32 or 64 in a byte order."""
    if bits in (16, 32, 64):
        return struct.pack(f"{order}{len(samples)}{ {16: 'H', 32: 'I', 64: 'Q'}[bits] }", *samples)
    text = "".join(f"{sample:0{bits}b}" for sample in samples)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[start : start + 8], 2) for start in range(0, len(text), 8))


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    color: str,
    bits: int,
    rows: Sequence[Sequence[int]],
    *,
    transparency: bytes | None = None,
    palette: bytes | None = None,
) -> bytes:
    """A PNG of these rows of samples, without filters and interlacing."""
    number = PNG_COLORS[color]
    header = struct.pack(
        ">IIBBBBB", len(rows[0]) // _SAMPLES[number], len(rows), bits, number, 0, 0, 0
    )
    data = b"".join(b"\0" + packed(row, bits) for row in rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + (png_chunk(b"PLTE", palette) if palette is not None else b"")
        + (png_chunk(b"tRNS", transparency) if transparency is not None else b"")
        + png_chunk(b"IDAT", zlib.compress(data))
        + png_chunk(b"IEND", b"")
    )


def tiff(
    strips: Sequence[bytes],
    size: tuple[int, int],
    tags: dict[int, Sequence[int]],
    order: str = "<",
) -> bytes:
    """A TIFF of these strips; tags of short values besides those of the size and the strips, or None."""
    width, height = size
    entries: dict[int, Sequence[int] | None] = {
        256: [width],
        257: [height],
        259: [1],
        277: [1],
        278: [height],
        **tags,
    }
    count = len(entries) + 2
    extra_start = 8 + 2 + 12 * count + 4
    extra = b""
    strip_start = extra_start + 4_096
    offsets = [strip_start + sum(map(len, strips[:number])) for number in range(len(strips))]
    table = []
    for tag, (kind, values) in sorted(
        {
            **{tag: ("H", values) for tag, values in entries.items()},
            273: ("I", offsets),
            279: ("I", [len(strip) for strip in strips]),
        }.items()
    ):
        assert values is not None
        body = struct.pack(f"{order}{len(values)}{kind}", *values)
        if len(body) > 4:
            place = struct.pack(f"{order}I", extra_start + len(extra))
            extra += body
        else:
            place = body.ljust(4, b"\0")
        table.append(struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[kind], len(values)) + place)
    assert len(extra) <= 4_096
    head = b"II*\0" if order == "<" else b"MM\0*"
    return (
        head
        + struct.pack(f"{order}IH", 8, count)
        + b"".join(table)
        + bytes(4)
        + extra.ljust(4_096, b"\0")
        + b"".join(strips)
    )


def bmp(
    size: tuple[int, int],
    bits: int,
    rows: Sequence[bytes],
    *,
    compression: int = 0,
    palette: bytes = b"",
    masks: Sequence[int] = (),
    colors: int = 0,
    header_bytes: int = 40,
) -> bytes:
    """A BMP of these rows, bottom first, without padding."""
    width, height = size
    data = (
        b"".join(row + bytes(-len(row) % 4) for row in rows) if compression in (0, 3) else rows[0]
    )
    header = struct.pack(
        "<IiiHHIIiiII",
        header_bytes,
        width,
        height,
        1,
        bits,
        compression,
        len(data),
        0,
        0,
        colors,
        0,
    )
    more = b"".join(struct.pack("<I", mask) for mask in masks)
    more = more.ljust(header_bytes - 40, b"\0") if header_bytes > 40 else more
    start = 14 + len(header) + len(more) + len(palette)
    return (
        b"BM"
        + struct.pack("<IHHI", start + len(data), 0, 0, start)
        + header
        + more
        + palette
        + data
    )


def tiff_of_pages(
    pages: Sequence[tuple[int, int, int, dict[int, int]]],
    order: str = "<",
    *,
    below_first: Sequence[tuple[int, int, int, dict[int, int]]] = (),
    big: bool = False,
) -> bytes:
    """A TIFF of one-colored gray pages: width, height, sample, and tags of one long value each.

    `below_first` are pages of the first one's SubIFDs; `big` gives a BigTIFF.
    """
    wide, count_form = ("Q", "Q") if big else ("I", "H")
    width = struct.calcsize("=" + wide)
    start = 16 if big else 8
    data = bytearray(
        (b"II" if order == "<" else b"MM")
        + (struct.pack(f"{order}HHHQ", 43, 8, 0, 0) if big else struct.pack(f"{order}HI", 42, 0))
    )
    links = [start - width]

    def add(
        page: tuple[int, int, int, dict[int, int]], subs: Sequence[int] = ()
    ) -> tuple[int, int]:
        """Write a page; return where it starts, and where the offset of the next one stands."""
        columns, rows, sample, tags = page
        strip = len(data)
        data.extend(bytes([sample]) * columns * rows)
        lists = len(data)
        data.extend(b"".join(struct.pack(order + wide, sub) for sub in subs))
        entries = {
            256: columns, 257: rows, 258: 8, 259: 1, 262: 1, 273: strip, 277: 1, 278: rows,
            279: columns * rows, **tags,
        }  # fmt: skip
        offset = len(data)
        if subs:
            entries[330] = subs[0] if len(subs) == 1 else lists
        data.extend(struct.pack(order + count_form, len(entries)))
        for tag, value in sorted(entries.items()):
            number = len(subs) if tag == 330 else 1
            kind = 16 if big else 4
            data.extend(struct.pack(f"{order}HH{wide}{wide}", tag, kind, number, value))
        data.extend(bytes(width))
        return offset, len(data) - width

    subs = [add(page)[0] for page in below_first]
    for number, page in enumerate(pages):
        offset, link = add(page, subs if number == 0 else ())
        struct.pack_into(order + wide, data, links[-1], offset)
        links.append(link)
    return bytes(data)
