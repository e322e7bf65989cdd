"""An AVIF whose picture is only a part of it is refused."""

from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest
from PIL import Image, features

from viper.errors import InputError
from viper.images.avif_boxes import check_avif
from viper.images.decoding import open_image
from viper.images.decoding_error import DecodingError

CLAP = struct.pack(">I4sIIIIiIiI", 40, b"clap", 32, 1, 64, 1, -16, 1, 0, 1)
AVIF = pytest.mark.skipif(not features.check("avif"), reason="This Pillow was built without AVIF.")


def box(kind: bytes, *inside: bytes, wide: bool = False, open_end: bool = False) -> bytes:
    body = b"".join(inside)
    if wide:
        return struct.pack(">I4sQ", 1, kind, 16 + len(body)) + body
    return struct.pack(">I4s", 0 if open_end else 8 + len(body), kind) + body


def item(*properties: bytes, **options: bool) -> bytes:
    held = box(b"iprp", box(b"ipco", box(b"ispe", bytes(12)), *properties, **options))
    return box(b"ftyp", b"avif") + box(b"meta", bytes(4), box(b"hdlr", bytes(20)), held)


def track(*properties: bytes) -> bytes:
    entry = box(b"av01", bytes(78), box(b"av1C", bytes(4)), *properties)
    held = box(b"stsd", bytes(8), entry)
    for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        held = box(kind, held)
    return box(b"ftyp", b"avis") + box(b"meta", bytes(4)) + held


APERTURES = {
    "an item": item(CLAP),
    "an item behind others": item(box(b"pixi", bytes(8)), box(b"colr", bytes(11)), CLAP),
    "an item of wide sizes": item(CLAP, wide=True),
    "an item up to the end": item(CLAP, open_end=True),
    "a track": track(CLAP),
}


@pytest.mark.parametrize("where", APERTURES)
def test_a_clean_aperture_is_found_where_it_may_stand(where: str) -> None:
    with pytest.raises(DecodingError, match="clean aperture"):
        check_avif(memoryview(APERTURES[where]))


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\0\0", item(), track(), box(b"ftyp") + box(b"mdat", CLAP), item(box(b"free", CLAP)),
     item()[:-3], box(b"meta", b""), box(b"meta", bytes(4), struct.pack(">I4s", 3, b"iprp") + CLAP),
     struct.pack(">I4s", 1, b"meta"), struct.pack(">I4sQ", 1, b"meta", 1 << 63)],
)  # fmt: skip
def test_control_what_looks_like_one_elsewhere_and_broken_boxes_are_none(data: bytes) -> None:
    check_avif(memoryview(data))


def test_boxes_without_end_are_refused_soon() -> None:
    started_s = time.thread_time()
    with pytest.raises(DecodingError, match="100,000 boxes"):
        check_avif(memoryview(box(b"free") * 2_000_000))
    nested = b""
    for _ in range(20_000):
        nested = struct.pack(">I4s", 8 + len(nested), b"iprp") + nested
    check_avif(memoryview(nested))
    assert time.thread_time() - started_s < 2


def saved() -> bytes:
    image = Image.new("RGB", (64, 64), "red")
    image.paste("blue", (32, 0, 64, 64))
    file = io.BytesIO()
    image.save(file, "AVIF", quality=100)
    return file.getvalue()


def with_property(data: bytes, added: bytes) -> bytes:
    """Return an AVIF of Pillow with one more essential property of its item."""
    changed = bytearray(data)
    holders = [data.index(kind) - 4 for kind in (b"meta", b"iprp", b"ipco")]
    (size,) = struct.unpack_from(">I", data, holders[-1])
    end = holders[-1] + size
    link = data.index(b"ipma") - 4
    place, number = (
        link + 18,
        data[link + 18],
    )  # behind version, flags, entries and the item's number
    count, at = 0, holders[-1] + 8
    while at < end:
        count, at = count + 1, at + struct.unpack_from(">I", data, at)[0]
    changed[place] = number + 1
    changed[place + 1 + number : place + 1 + number] = bytes([0x80 | (count + 1)])
    changed[end:end] = added
    for start, grown in zip(holders, (1, 1, 0), strict=True):
        old = struct.unpack_from(">I", data, start)[0]
        struct.pack_into(">I", changed, start, old + len(added) + grown)
    at = link + len(added)
    struct.pack_into(">I", changed, at, struct.unpack_from(">I", data, link)[0] + 1)
    extent = (
        data.index(b"iloc") + 4 + 4 + 2 + 2 + 2 + 2 + 2
    )  # that of the first item, behind the heads
    struct.pack_into(
        ">I", changed, extent, struct.unpack_from(">I", data, extent)[0] + len(added) + 1
    )
    return bytes(changed)


@AVIF
def test_a_file_with_a_clean_aperture_is_refused() -> None:
    data = with_property(saved(), CLAP)
    with pytest.raises(InputError, match=r"a clean aperture \(clap\), which cannot be decoded"):
        open_image(data)


@AVIF
def test_control_pillow_alone_shows_what_is_cut_away() -> None:
    pixels = np.asarray(Image.open(io.BytesIO(with_property(saved(), CLAP))))
    assert pixels.shape == (64, 64, 3)


@AVIF
def test_other_properties_are_read() -> None:
    irot = struct.pack(">I4sB", 9, b"irot", 2)
    pixels = open_image(with_property(saved(), irot)).pixels()
    assert pixels[0, 0, 2] > 200  # blue, which was on the right
