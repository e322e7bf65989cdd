"""Damaged files of the formats other than JPEG, whose pixels would be wrong."""

from __future__ import annotations

import io
import struct
import time
import zlib
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from fakes.hostile_images import encoded
from fakes.picture_files import png, png_chunk, tiff
from viper.errors import InputError
from viper.images.decoding import open_image
from viper.images.decoding_error import DecodingError
from viper.images.tiff_layout import check_tiff

GRAY = np.random.default_rng(0).integers(0, 256, (90, 120, 1), np.uint8)
NOISE = Image.fromarray(np.repeat(GRAY, 3, axis=2))
FILES = {
    "PNG": encoded(NOISE, "PNG"),
    "GIF": encoded(NOISE, "GIF"),
    "WEBP": encoded(NOISE, "WEBP"),
    "BMP": encoded(NOISE, "BMP"),
    "TIFF": encoded(NOISE, "TIFF"),
    "TIFF LZW": encoded(NOISE, "TIFF", compression="tiff_lzw"),
    "TIFF deflate": encoded(NOISE, "TIFF", compression="tiff_adobe_deflate"),
}
TOO_SHORT = {
    "a quarter": lambda data: data[: len(data) // 4],
    "a half": lambda data: data[: len(data) // 2],
    "without its last bytes": lambda data: data[:-40],
    "a part is missing": lambda data: data[: len(data) // 2] + data[len(data) // 2 + 64 :],
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("damage", TOO_SHORT)
def test_a_file_that_is_too_short_is_refused(kind: str, damage: str) -> None:
    with pytest.raises(InputError, match="damaged"):
        open_image(TOO_SHORT[damage](FILES[kind]))
    assert open_image(FILES[kind]).size == (120, 90)  # the control


@pytest.mark.parametrize("kind", ["PNG", "TIFF deflate"])
@pytest.mark.parametrize("value", [0, 0x55, 0xFF])
def test_a_changed_part_of_a_file_with_checksums_is_refused(kind: str, value: int) -> None:
    data, middle = FILES[kind], len(FILES[kind]) // 2
    changed = data[:middle] + bytes([value]) * 64 + data[middle + 64 :]
    with pytest.raises(InputError, match=r"damaged"):
        open_image(changed)


def test_pillow_alone_accepts_strips_with_a_wrong_checksum() -> None:
    """The control of the test above."""
    data, middle = FILES["TIFF deflate"], len(FILES["TIFF deflate"]) // 2
    accepted = []
    for position in range(middle, middle + 200, 8):
        changed = data[:position] + bytes(8) + data[position + 8 :]
        with suppress(OSError):  # now and then it notices
            if np.any(np.asarray(Image.open(io.BytesIO(changed))) != np.asarray(NOISE)):
                accepted.append(changed)
    assert accepted
    for changed in accepted:
        with pytest.raises(InputError, match="a strip or tile"):
            open_image(changed)


@pytest.mark.parametrize(
    "chunk", [png_chunk(b"tRNS", struct.pack(">H", 7)), png_chunk(b"PLTE", bytes(768))]
)
def test_a_chunk_behind_the_pixels_changes_nothing(chunk: bytes) -> None:
    data = png("gray", 8, [[7, 8]])
    with pytest.raises(InputError, match="in the wrong place"):
        open_image(data[:-12] + chunk + data[-12:])
    Image.open(io.BytesIO(data[:-12] + chunk + data[-12:])).load()  # the controls
    noted = data[:-12] + png_chunk(b"tEXt", b"a\0b") + data[-12:]
    assert open_image(noted) == open_image(data)


@pytest.mark.parametrize(
    "change",
    [
        {278: 0},
        {277: 0},
        {256: "wide"},
        {258: ("x",)},
        {262: (1, 2)},
        {273: 5},
        {279: (1, 2, 3)},
        {284: "x"},
        {339: 7},
        {530: 3},
        {278: -1},
    ],
)
def test_impossible_tags_of_a_tiff_are_refused_or_harmless(change: dict[int, object]) -> None:
    tags = {256: 4, 257: 4, 258: (8,), 262: 1, 273: (8,), 277: 1, 278: 4, 279: (16,)}
    check_tiff(tags, memoryview(bytes(24)))  # the control
    try:
        check_tiff({**tags, **change}, memoryview(bytes(24)))
    except Exception as error:
        assert type(error).__name__ == "DecodingError"  # noqa: PT017


@pytest.mark.parametrize("rows", [1, 4])
def test_a_strip_that_expands_without_end_costs_no_time(rows: int) -> None:
    bomb = zlib.compress(bytes(50_000_000))
    tags = {258: [8], 262: [1], 259: [8], 278: [1]}
    data = tiff([bomb] * rows, (4, rows), tags)
    started_s = time.process_time()
    with suppress(DecodingError):
        check_tiff(dict(Image.open(io.BytesIO(data)).tag_v2), memoryview(data))  # type: ignore[attr-defined]
    bounded_s = time.process_time() - started_s
    # The control: as a whole it takes far longer.
    started_s = time.process_time()
    zlib.decompress(bomb)
    assert bounded_s < 0.25 * rows * (time.process_time() - started_s) + 0.01


RED = bytes([255, 0, 0])


def gif(
    colors: int,
    index: int,
    *,
    frame: tuple[int, int] = (4, 4),
    screen: tuple[int, int] = (4, 4),
    transparent: int | None = None,
) -> bytes:
    """A GIF of one color of a palette of so many, all red."""
    image = Image.new("P", frame, index)
    image.putpalette(RED * 256)
    data = encoded(image, "GIF", optimize=False)
    table = 13 + 3 * 256
    picture = data[data.index(b"\x2c", table) :]
    flags = 0xF0 | (colors.bit_length() - 2)
    control = b"" if transparent is None else b"\x21\xf9\x04\1\0\0" + bytes([transparent, 0])
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, flags, 0, 0)
    return head + RED * colors + control + picture


@pytest.mark.parametrize(
    ("colors", "index", "transparent", "is_refused"),
    [
        (4, 200, None, True),
        (4, 4, None, True),
        (128, 255, 7, True),
        (2, 2, 1, True),
        (64, 64, None, True),
        (4, 3, None, False),
        (256, 255, None, False),
        (4, 200, 200, False),  # transparent, so that it needs no color
    ],
)
def test_a_gif_with_a_color_beyond_its_palette_is_refused(
    colors: int, index: int, transparent: int | None, is_refused: bool
) -> None:
    data = gif(colors, index, transparent=transparent)
    assert Image.open(io.BytesIO(data)).convert("RGB").size == (4, 4)  # Pillow makes it black
    if is_refused:
        with pytest.raises(InputError, match="beyond its palette"):
            open_image(data)
    else:
        expected = "white" if transparent == index else "red"
        assert open_image(data) == open_image(Image.new("RGB", (4, 4), expected))


@pytest.mark.parametrize("screen", [(5, 4), (4, 5), (10, 10), (400, 4), (65_000, 5)])
def test_a_gif_whose_first_frame_is_a_part_of_it_is_refused(screen: tuple[int, int]) -> None:
    data = gif(4, 1, screen=screen)
    pillow = Image.open(io.BytesIO(data)).convert("RGB")
    assert pillow.getpixel((screen[0] - 1, screen[1] - 1)) == (255, 0, 0)  # what is no picture
    with pytest.raises(InputError, match="does not cover the image"):
        open_image(data)
    around = open_image(gif(4, 1, screen=screen, transparent=2)).pixels()  # the control
    assert around[0, 0].tolist() == [255, 0, 0]
    assert around[-1, -1].tolist() == [255, 255, 255]
