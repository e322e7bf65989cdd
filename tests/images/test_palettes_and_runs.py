"""Colors beyond palettes, frames that leave pixels free, and run lengths that do not fit, in any format."""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from fakes.picture_files import bmp, tiff
from viper.errors import InputError
from viper.images import image_files, tiff_layout
from viper.images.decoding import open_image
from viper.images.decoding_error import DecodingError
from viper.images.run_lengths import check_packbits

BLUE, RED, WHITE = b"\0\0\xff", b"\xff\0\0", b"\xff\xff\xff"
GRAYS = bytes([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dozens of processes would take seconds."""
    monkeypatch.setattr("viper.images.decoder_process.is_available", lambda: False)


def gif(
    indices: Sequence[int],
    size: tuple[int, int],
    *,
    palette: bytes = b"",
    own: bytes = b"",
    screen: tuple[int, int] | None = None,
    place: tuple[int, int] = (0, 0),
    transparent: int | None = None,
) -> bytes:
    """A GIF of one frame, in codes of nine bits for fewer than 250 pixels."""
    bits = 0
    codes = [256, *indices, 257]
    for number, code in enumerate(codes):
        bits |= code << 9 * number
    body = bits.to_bytes(-(-9 * len(codes) // 8), "little")

    def flags(colors: bytes) -> int:
        return 0x80 | (len(colors) // 3).bit_length() - 2 if colors else 0

    return (
        b"GIF89a"
        + struct.pack("<HHBBB", *(screen or size), flags(palette), 0, 0)
        + palette
        + (b"" if transparent is None else bytes([0x21, 0xF9, 4, 1, 0, 0, transparent, 0]))
        + b"\x21\xfe\x03a,b\0"  # a comment with the sign of a frame
        + b"\x2c"
        + struct.pack("<HHHHB", *place, *size, flags(own))
        + own
        + b"\x08"
        + bytes([len(body)])
        + body
        + b"\0;"
    )


def runs(data: bytes, size: tuple[int, int] = (8, 4), bits: int = 8) -> bytes:
    palette = b"".join(bytes([n * 7 % 256, n * 5 % 256, n, 0]) for n in range(1 << bits))
    return bmp(size, bits, [data], compression=1 if bits == 8 else 2, palette=palette)


def bmp_of(index: int, palette: bytes, bits: int = 8) -> bytes:
    colors = b"".join(palette[n : n + 3][::-1] + b"\0" for n in range(0, len(palette), 3))
    row = bytes([index] * 4) if bits == 8 else bytes([index * 17] * 2)
    return bmp((4, 1), bits, [row], palette=colors, colors=len(palette) // 3)


def tiff_of(index: int, colors: int) -> bytes:
    tags: dict[int, Sequence[int]] = {258: [8], 262: [3], 320: [n * 257 for n in range(colors)] * 3}
    return tiff([bytes([index] * 4)], (4, 1), tags)


REFUSED = {
    "GIF: color beyond the palette of all": gif([200], (1, 1), palette=WHITE * 4),
    "GIF: color beyond the palette of the frame": gif([9], (1, 1), palette=RED * 256, own=BLUE * 8),
    "GIF: color beyond a palette of grays": gif([200], (1, 1), palette=GRAYS),
    "GIF: no palette": gif([0], (1, 1)),
    "GIF: a frame of another palette that does not cover": gif(
        [0] * 16, (4, 4), palette=BLUE * 256, own=RED * 256, screen=(10, 10)
    ),
    "GIF: a frame in the middle": gif([0], (1, 1), palette=RED * 2, screen=(3, 3), place=(1, 1)),
    "GIF: a frame that moves the edge": gif([0], (1, 1), palette=RED * 2, place=(1, 0)),
    "BMP: color beyond its palette": bmp_of(20, RED * 16),
    "BMP: color beyond a palette of 4 bits": bmp_of(9, RED * 8, bits=4),
    "BMP: color beyond a palette of grays": bmp_of(
        200, b"".join(bytes([n] * 3) for n in range(16))
    ),
    "BMP: color beyond a palette of run lengths": bmp(
        (4, 1), 8, [b"\4\x1e\0\1"], compression=1, palette=bytes(64), colors=16
    ),
    "TIFF: color beyond its palette": tiff_of(200, 4),
    "BMP runs: a blank line": runs(bytes([8, 1, 0, 0, 0, 0, 8, 2, 0, 0, 8, 3, 0, 2, 0, 1])),
    "BMP runs: a line too short": runs(bytes([7, 1, 0, 0, *[8, 1, 0, 0] * 3, 0, 1])),
    "BMP runs: a line too long": runs(bytes([9, 1, 0, 0, *[8, 1, 0, 0] * 3, 0, 1])),
    "BMP runs: two lines in one": runs(bytes([8, 1, *[8, 1, 0, 0] * 3, 0, 1])),
    "BMP runs: pixels left out": runs(bytes([0, 2, 8, 1, *[8, 1, 0, 0] * 3, 0, 1])),
    "BMP runs: the end too early": runs(bytes([*[8, 1, 0, 0] * 2, 0, 1])),
    "BMP runs: cut in single pixels": runs(bytes([*[8, 1, 0, 0] * 3, 0, 8, 1, 2])),
    "BMP runs: no end": runs(bytes([*[8, 1, 0, 0] * 3, 4, 1])),
    "BMP runs of 4 bits: a line too short": runs(bytes([7, 1, 0, 0, *[8, 1, 0, 0] * 3]), bits=4),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_whose_colors_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        open_image(REFUSED[name])


@pytest.mark.parametrize("name", REFUSED)
def test_pillow_alone_reads_it(name: str) -> None:
    """The control: except for those that it fills up, or cannot read, it invents pixels."""
    image = Image.open(io.BytesIO(REFUSED[name]))
    if name in ("BMP runs: cut in single pixels", "BMP runs: no end"):
        with pytest.raises((OSError, ValueError)):
            image.load()
    elif name not in ("BMP runs: the end too early", "BMP runs: two lines in one"):
        image.load()


READ = {
    "GIF: the last color": (gif([3], (1, 1), palette=RED * 3 + BLUE), BLUE),
    "GIF: a palette of grays": (gif([3], (1, 1), palette=GRAYS), b"\3\3\3"),
    "GIF: a palette of the frame": (gif([1], (1, 1), palette=RED * 2, own=BLUE * 2), BLUE),
    "GIF: a transparent color beyond its palette": (
        gif([9], (1, 1), palette=RED * 2, transparent=9),
        WHITE,
    ),
    "GIF: a transparent frame that does not cover": (
        gif([0], (1, 1), palette=RED * 2, screen=(2, 1), transparent=1),
        RED + WHITE,
    ),
    "BMP: the last color": (bmp_of(15, BLUE * 15 + RED), RED * 4),
    "TIFF: the last color": (tiff_of(255, 256), WHITE * 4),
    "BMP runs: single pixels": (
        runs(bytes([0, 3, 1, 2, 3, 0, 0, 1]), (3, 1)),
        bytes([1, 5, 7, 2, 10, 14, 3, 15, 21]),
    ),
    "BMP runs of 4 bits: single pixels": (
        runs(bytes([0, 3, 0x12, 0x30, 0, 0, 0, 1]), (3, 1), bits=4),
        bytes([1, 5, 7, 2, 10, 14, 3, 15, 21]),
    ),
    "BMP runs: no end of line before the end": (
        runs(bytes([2, 1, 0, 0, 2, 2, 0, 1]), (2, 2)),
        bytes([2, 10, 14]) * 2 + bytes([1, 5, 7]) * 2,
    ),
}


@pytest.mark.parametrize("name", READ)
def test_a_file_like_those_is_read(name: str) -> None:
    data, pixels = READ[name]
    assert open_image(data).pixels().tobytes() == pixels


def packbits(rows: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rows).save(file, "TIFF", compression="packbits", tiffinfo={278: len(rows)})
    image = Image.open(io.BytesIO(file.getvalue()))
    start, size = (image.tag_v2[tag][0] for tag in (273, 279))  # type: ignore[attr-defined]
    return file.getvalue()[start : start + size]


ROWS = np.random.default_rng(1).integers(100, 140, (60, 60), dtype=np.uint8)
STRIP = packbits(ROWS)
DAMAGED = {
    "200 bytes are zero": STRIP[:1_000] + bytes(200) + STRIP[1_200:],
    "200 bytes are 255": STRIP[:1_000] + b"\xff" * 200 + STRIP[1_200:],
    "a part is missing": STRIP[:1_000] + STRIP[1_200:],
    "a part is twice there": STRIP[:1_200] + STRIP[1_000:],
    "a header is another": b"\0" + STRIP[1:],
    "more follows": STRIP + STRIP[-10:],
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_packbits_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tags: dict[int, Sequence[int]] = {258: [8], 259: [32773], 262: [1]}
    data = tiff([DAMAGED[name]], (60, 60), tags)
    with pytest.raises(InputError):
        open_image(data)
    monkeypatch.setattr(tiff_layout, "check_packbits", lambda *_: None)  # the control
    if name != "a part is missing":
        open_image(data)


@pytest.mark.parametrize("padding", [b"", b"\x80", b"\x80\x80\x80", b"\0"])
def test_padded_packbits_are_read(padding: bytes) -> None:
    check_packbits(memoryview(STRIP + padding), ROWS.size)


def test_strips_that_share_a_long_body_cost_no_time() -> None:
    body = memoryview(b"\x80" * 20_000_000)
    with pytest.raises(DecodingError, match="run lengths"):
        check_packbits(body, 100)
    started_s = time.process_time()
    for _ in range(10_000):
        with suppress(DecodingError):
            check_packbits(body, 100)
    assert time.process_time() - started_s < 2
    # The control: with room for as many samples, it reads to the end.
    started_s = time.process_time()
    with pytest.raises(DecodingError):
        check_packbits(body[:200_000], 200_000)
    assert time.process_time() - started_s > 0.001


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_what_pillow_writes_is_read(mode: str, kind: str) -> None:
    if (mode, kind) in {("CMYK", "GIF"), ("CMYK", "BMP")}:
        return
    image = Image.effect_noise((37, 23), 60).convert("RGB").convert(mode)
    for options in [{"compression": "packbits"}, {}] if kind == "TIFF" else [{}]:
        file = io.BytesIO()
        image.save(file, kind, **options)
        assert open_image(file.getvalue()).size == (37, 23)


def test_the_checks_are_what_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of them all."""
    monkeypatch.setattr(image_files, "check_indices", lambda image: None)
    monkeypatch.setattr(image_files, "check_frame_of_gif", lambda image, data: None)
    monkeypatch.setattr(image_files, "check_bmp_runs", lambda *_: None)
    for name in ("GIF: no palette", "BMP runs: a blank line", "TIFF: color beyond its palette"):
        open_image(REFUSED[name])
