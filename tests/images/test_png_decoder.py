"""A PNG is decoded only if its data are all there: counted, with their checksums, up to its last chunk."""

from __future__ import annotations

import io
import itertools
import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from fakes.picture_files import png_chunk
from viper.errors import InputError
from viper.images.decoding import open_image
from viper.images.image_files import load, opened
from viper.images.png_chunks import SIGNATURE, PngLayout

SIDE = 100
ROW = b"\0" + bytes([200]) * 3 * SIDE
WHOLE = ROW * SIDE
END = png_chunk(b"IEND", b"")
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def png(
    *streams: bytes,
    size: tuple[int, int] = (SIDE, SIDE),
    bits: int = 8,
    color: int = 2,
    interlaced: bool = False,
    after: bytes = END,
) -> bytes:
    """A PNG with a chunk for each of these parts of its compressed stream."""
    header = struct.pack(">IIBBBBB", *size, bits, color, 0, 0, interlaced)
    palette = png_chunk(b"PLTE", bytes(range(256)) * 3) if color == 3 else b""
    chunks = [png_chunk(b"IDAT", stream) for stream in streams]
    return b"".join((SIGNATURE, png_chunk(b"IHDR", header), palette, *chunks, after))


def damaged(stream: bytes, size: int) -> bytes:
    middle = len(stream) // 2
    return stream[:middle] + bytes(size) + stream[middle + size :]


STREAM = zlib.compress(WHOLE)
FIRST_IDAT = struct.pack(">I", len(STREAM)) + b"IDAT"
STORED = zlib.compress(WHOLE, 0)
TWO_PARTS = png(STORED[:9_000], STORED[9_000:])
INTERLACED = zlib.compress(bytes(PngLayout(SIDE, SIDE, 8, 2, True).data_bytes))
ATTACKS: dict[str, Callable[[], bytes]] = {
    "the stream ends after no row": lambda: png(zlib.compress(b"")),
    "the stream ends after one row": lambda: png(zlib.compress(ROW)),
    "the stream ends in the last row": lambda: png(zlib.compress(WHOLE[:-1])),
    "the stream ends before the last row": lambda: png(zlib.compress(WHOLE[: -len(ROW)])),
    "the stream ends in the first pass": lambda: png(
        zlib.compress(bytes(1 + 3 * 13)), interlaced=True
    ),
    "the stream ends in the last pass": lambda: png(
        zlib.compress(zlib.decompress(INTERLACED)[:-1]), interlaced=True
    ),
    "the stream ends in order in the first of two chunks": lambda: png(
        zlib.compress(ROW), STREAM[len(STREAM) // 2 :]
    ),
    "damage, and the checksum is in another chunk": lambda: png(
        damaged(STORED, 999)[:-4], STORED[-4:]
    ),
    "damage, and the checksum is missing": lambda: png(damaged(STORED, 999)[:-4]),
    "a wrong checksum of the pixels": lambda: png(STORED[:-4], bytes(4)),
    "a wrong checksum of a chunk of pixels": lambda: damaged(png(STORED[:-4], STORED[-4:]), 999),
    "a chunk of pixels twice": lambda: png(STORED[:9_000], STORED[:9_000], STORED[9_000:]),
    "a wrong checksum of a chunk behind the pixels": lambda: png(
        STREAM, after=png_chunk(b"tEXt", b"a\0b")[:-1] + b"\0" + END
    ),
    "no end": lambda: png(STREAM, after=b""),
    "a part of the end": lambda: png(STREAM, after=END[:-1]),
    "a first frame that is smaller": lambda: png(STREAM).replace(
        FIRST_IDAT,
        png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 1, 0, 0)) + FIRST_IDAT,
    ),
    "another chunk instead of the end": lambda: png(STREAM, after=png_chunk(b"tEXt", b"a\0b")),
}
# Pillow finds out by itself, or not, depending on where rows and chunks end.
NOTICED = {
    "a chunk of pixels twice",
    "the stream ends after no row",
    "the stream ends in the last row",
    "the stream ends in the last pass",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_png_whose_data_are_not_all_there_is_refused(attack: str) -> None:
    with pytest.raises(InputError, match="damaged or incomplete"):
        open_image(ATTACKS[attack]())


@pytest.mark.parametrize("attack", sorted(ATTACKS.keys() - NOTICED))
def test_control_pillow_alone_accepts_it(attack: str) -> None:
    assert Image.open(io.BytesIO(ATTACKS[attack]())).convert("RGB").size == (SIDE, SIDE)


@pytest.mark.parametrize(
    "data",
    [
        png(STREAM),
        png(STORED),
        TWO_PARTS,
        png(b"", *(STREAM[at : at + 1] for at in range(len(STREAM))), b""),
        png(STREAM, after=png_chunk(b"tEXt", b"a\0b") + END + b"what follows is no picture"),
    ],
    ids=["compressed", "stored", "two chunks", "a chunk for each byte", "with a text and a tail"],
)
def test_control_a_whole_png_is_decoded(data: bytes) -> None:
    assert open_image(data) == open_image(np.full((SIDE, SIDE, 3), 200, np.uint8))


@pytest.mark.parametrize(
    ("kind", "position"), [("a critical chunk", None), ("a compression", 26), ("a filter", 27)]
)
def test_what_a_decoder_does_not_know_is_refused(kind: str, position: int | None) -> None:
    if position is None:
        data = png(STREAM).replace(FIRST_IDAT, png_chunk(b"CgBI", bytes(4)) + FIRST_IDAT)
    else:
        header = bytearray(png(STREAM)[16:29])
        header[position - 16] = 1
        data = SIGNATURE + png_chunk(b"IHDR", bytes(header)) + png(STREAM)[33:]
    with pytest.raises(InputError, match=r"CgBI|unknown|damaged"):
        open_image(data)
    if kind != "a filter":  # the control: Pillow knows this one
        assert Image.open(io.BytesIO(data)).convert("RGB").getpixel((0, 0)) == (200,) * 3


def test_more_rows_than_its_size_are_refused() -> None:
    with pytest.raises(InputError, match="more pixels than its size"):
        open_image(png(zlib.compress(WHOLE + b"\0")))
    with pytest.raises(InputError, match="more pixels than its size"):
        open_image(png(zlib.compress(WHOLE + bytes(10**7))))


def test_a_stream_that_expands_without_end_costs_no_time() -> None:
    bomb = png(zlib.compress(bytes(60_000_000)))
    started_s = time.process_time()
    with pytest.raises(Exception, match="more pixels than its size"):
        load(opened(io.BytesIO(bomb))[0])
    bounded_s = time.process_time() - started_s
    # The control: as a whole it takes far longer.
    started_s = time.process_time()
    zlib.decompress(zlib.compress(bytes(60_000_000)))
    assert bounded_s < 0.25 * (time.process_time() - started_s)


DEPTHS = [
    (0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8),
    (4, 8), (4, 16), (6, 8), (6, 16),
]  # fmt: skip


@pytest.mark.parametrize(("color", "bits"), DEPTHS)
def test_every_size_gives_the_pixels_that_pillow_gives(color: int, bits: int) -> None:
    """So the number of bytes is right for all passes, also where there are fewer than seven."""
    noise = np.random.default_rng(0)
    for width, height, interlaced in itertools.product((1, 2, 3, 5, 9), (1, 2, 4, 8), (0, 1)):
        layout = PngLayout(width, height, bits, color, bool(interlaced))
        rows = bytearray(noise.bytes(layout.data_bytes))
        for start, length in _rows(layout):
            rows[start] = start % 5  # a filter
            assert length > 1
        options = {"size": (width, height), "bits": bits, "color": color}
        data = png(zlib.compress(rows), interlaced=bool(interlaced), **options)  # type: ignore[arg-type]
        ours, theirs = opened(io.BytesIO(data))[0], Image.open(io.BytesIO(data))
        load(ours)
        assert ours.mode == theirs.mode
        assert ours.tobytes() == theirs.tobytes()


def _rows(layout: PngLayout) -> list[tuple[int, int]]:
    """Start and length of each row of each pass, counted pixel by pixel."""
    pattern = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777"]
    pattern += ["56565656", "77777777"]
    bits, rows, start = layout.bits * SAMPLES[layout.color], [], 0
    for number in "1234567" if layout.is_interlaced else "0":
        for y in range(layout.height):
            columns = sum(
                number == "0" or pattern[y % 8][x % 8] == number for x in range(layout.width)
            )
            if columns:
                rows.append((start, 1 + (columns * bits + 7) // 8))
                start += rows[-1][1]
    assert start == layout.data_bytes
    return rows


def test_all_chunks_are_read_after_the_pixels() -> None:
    """Pillow goes on behind the pixels: texts, and the orientation of the camera."""
    image = Image.new("RGB", (4, 2), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    held = io.BytesIO()
    image.save(held, "PNG", exif=exif)
    data = held.getvalue()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4])
    behind = data[:start] + data[end:-12] + data[start:end] + data[-12:]
    assert open_image(data).size == open_image(behind).size == (2, 4)


def test_the_first_picture_of_an_animated_png_is_decoded() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime")]
    for default in (False, True):
        held = io.BytesIO()
        frames[0].save(held, "PNG", save_all=True, append_images=frames[1:], default_image=default)
        assert open_image(held.getvalue()) == open_image(frames[0])


@pytest.mark.slow
def test_checking_a_photograph_costs_little() -> None:
    """About 1.1 times of what Pillow alone takes; to inflate all data twice would take 1.5 times."""
    noise = Image.effect_noise((4_000, 3_000), 20).convert("RGB")
    held = io.BytesIO()
    noise.save(held, "PNG", compress_level=1)

    def taken_s(prepare: Callable[[io.BytesIO], Image.Image]) -> float:
        started_s = time.process_time()
        prepare(io.BytesIO(held.getvalue())).load()
        return time.process_time() - started_s

    ours = min(taken_s(lambda file: opened(file)[0]) for _ in range(5))
    assert ours < 1.3 * min(taken_s(Image.open) for _ in range(5))
