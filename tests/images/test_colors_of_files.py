"""Files of each format, color type and depth, written byte by byte, against pixels known beforehand."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from fakes.picture_files import bmp, packed, png, tiff
from viper.errors import InputError
from viper.images.decoding import open_image

REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
WHITE = (255, 255, 255)
COLORS = [10, 20, 30, 200, 150, 100]
PALETTE = bytes([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])

Pixels = list[tuple[int, ...]]
Case = tuple[str, bytes, Pixels | None]


def gray(*values: float) -> Pixels:
    return [(round(value),) * 3 for value in values]


def pngs() -> Iterator[Case]:
    for bits in (1, 2, 4, 8, 16):
        most = (1 << bits) - 1
        samples = [0, 1, most // 2, most]
        light = [sample >> 8 if bits == 16 else sample * 255 // most for sample in samples]
        yield f"gray {bits}", png("gray", bits, [samples]), gray(*light)
        for clear in {0, 1, most}:
            yield (
                f"gray {bits}, {clear} is transparent",
                png("gray", bits, [samples], transparency=struct.pack(">H", clear)),
                gray(*(255 if s == clear else v for s, v in zip(samples, light, strict=True))),
            )
    for bits in (1, 2, 4, 8):
        yield (
            f"gray {bits}, the transparent sample has meaningless bits",
            png("gray", bits, [[0, 1]], transparency=struct.pack(">H", 0x4001)),
            gray(0, 255),
        )
    for bits in (8, 16):
        shift, most = bits - 8, (1 << bits) - 1
        samples = [value << shift for value in COLORS] + [10, 20, 30]
        colors = [(10, 20, 30), (200, 150, 100), tuple(s >> shift for s in (10, 20, 30))]
        yield f"rgb {bits}", png("rgb", bits, [samples]), colors
        for clear in range(2):
            yield (
                f"rgb {bits}, color {clear} is transparent",
                png(
                    "rgb",
                    bits,
                    [samples[:6]],
                    transparency=struct.pack(">3H", *samples[3 * clear : 3 * clear + 3]),
                ),
                None
                if bits == 16
                else [WHITE if n == clear else color for n, color in enumerate(colors[:2])],
            )
        half = 0x40 << shift
        yield f"gray alpha {bits}", png("gray alpha", bits, [[half, most, half, 0]]), gray(64, 255)
        yield (
            f"rgba {bits}",
            png("rgba", bits, [[half, 0, 0, most, half, 0, 0, 0]]),
            [(64, 0, 0), WHITE],
        )
    for bits in (1, 2, 4, 8):
        indices = [0, 1, 2, 3][: 1 << bits]
        palette = PALETTE[: 3 * len(indices)]
        colors = [tuple(palette[3 * n : 3 * n + 3]) for n in indices]
        yield f"palette {bits}", png("palette", bits, [indices], palette=palette), colors
        for alpha in (b"\xff\0", b"\0\0", b"\0"):
            yield (
                f"palette {bits}, alpha {alpha.hex()}",
                png("palette", bits, [indices], palette=palette, transparency=alpha),
                [WHITE if n < len(alpha) and not alpha[n] else c for n, c in enumerate(colors)],
            )
        yield f"palette {bits} is missing", png("palette", bits, [indices]), None
        yield f"palette {bits} is short", png("palette", bits, [indices], palette=palette[:3]), None


def samples_of(fmt: int, bits: int) -> list[int]:
    """Return the samples of black, middle gray and white."""
    if fmt == 3:
        return [struct.unpack("I", struct.pack("f", value))[0] for value in (0.0, 0.5, 1.0)]
    top = (1 << bits) - 1
    return [1 << (bits - 1), 0, top >> 1] if fmt == 2 else [0, top >> 1, top]


def tiffs(compression: int, order: str) -> Iterator[Case]:
    deflated: Callable[[bytes], bytes] = zlib.compress if compression == 8 else bytes

    def file(strips: list[bytes], size: tuple[int, int], **tags: list[int]) -> bytes:
        numbers = {int(name[1:]): values for name, values in tags.items()}
        numbers[259] = [compression]
        return tiff([deflated(strip) for strip in strips], size, numbers, order)

    for photo in (0, 1):
        for bits in (1, 2, 4, 8, 12, 16, 32):
            for fmt in (1, 2, 3):
                if (fmt == 3 and bits != 32) or (fmt == 2 and bits == 1):
                    continue
                samples = samples_of(fmt, bits)
                if bits == 1:
                    light = [0, 0, 255]
                elif bits in (2, 4):
                    light = [0, samples[1] * 255 // samples[2], 255]
                else:
                    light = [0, 127, 255]
                if photo == 0:
                    light = [255 - value for value in light]
                yield (
                    f"gray {bits}, format {fmt}, photometric {photo}",
                    file(
                        [packed(samples, bits, order)],
                        (3, 1),
                        _258=[bits],
                        _262=[photo],
                        _339=[fmt],
                    ),
                    gray(*light),
                )
        for extra, colors in ((0, gray(100, 100)), (1, gray(100, 255)), (2, gray(100, 255))):
            yield (
                f"gray with extra samples {extra}, photometric {photo}",
                file(
                    [bytes([100, 255, 0 if extra == 1 else 100, 0])],
                    (2, 1),
                    _258=[8, 8],
                    _262=[photo],
                    _277=[2],
                    _338=[extra],
                ),
                colors,
            )
    for bits in (8, 16, 32):
        shift, most = bits - 8, (1 << bits) - 1
        values = [value << shift for value in COLORS]
        rgb = [(10, 20, 30), (200, 150, 100)]
        inks = [0, 0, 0, 0, most, 0, 0, 0, 0, 0, 0, most, 0, most, 0, 0]
        cmyk = [WHITE, (0, 255, 255), (0, 0, 0), (255, 0, 255)]
        for planes in (1, 2):

            def parts(
                samples: list[int], count: int, planes: int = planes, bits: int = bits
            ) -> list:
                if planes == 1:
                    return [packed(samples, bits, order)]
                return [packed(samples[first::count], bits, order) for first in range(count)]

            common = {"_284": [planes]}
            yield (
                f"rgb {bits}, planes {planes}",
                file(parts(values, 3), (2, 1), _258=[bits] * 3, _262=[2], _277=[3], **common),
                rgb,
            )
            for extra in (0, 1, 2):
                hidden = [0, 0, 0] if extra == 1 else values[3:]
                yield (
                    f"rgb {bits} with extra samples {extra}, planes {planes}",
                    file(
                        parts([*values[:3], most, *hidden, 0], 4),
                        (2, 1),
                        _258=[bits] * 4,
                        _262=[2],
                        _277=[4],
                        _338=[extra],
                        **common,
                    ),
                    [rgb[0], rgb[1] if extra == 0 else WHITE],
                )
            yield (
                f"rgb {bits} with a fourth sample without meaning, planes {planes}",
                file(
                    parts([*values[:3], 0, *values[3:], 0], 4),
                    (2, 1),
                    _258=[bits] * 4,
                    _262=[2],
                    _277=[4],
                    **common,
                ),
                rgb,
            )
            for ink_set in (1, 2):
                yield (
                    f"cmyk {bits}, ink set {ink_set}, planes {planes}",
                    file(
                        parts(inks, 4),
                        (4, 1),
                        _258=[bits] * 4,
                        _262=[5],
                        _277=[4],
                        _332=[ink_set],
                        **common,
                    ),
                    cmyk if ink_set == 1 else None,
                )
    for bits in (1, 2, 4, 8):
        count = 1 << bits
        table = [number * factor % 256 * 257 for factor in (37, 91, 13) for number in range(count)]
        yield (
            f"palette {bits}",
            file([packed([0, 1, count - 1], bits)], (3, 1), _258=[bits], _262=[3], _320=table),
            [tuple(n * factor % 256 for factor in (37, 91, 13)) for n in (0, 1, count - 1)],
        )
        # As old writers gave it: 8 bits a color.
        yield (
            f"palette {bits} of bytes",
            file(
                [packed([0, 1, count - 1], bits)],
                (3, 1),
                _258=[bits],
                _262=[3],
                _320=[value // 257 for value in table],
            ),
            [tuple(n * factor % 256 for factor in (37, 91, 13)) for n in (0, 1, count - 1)],
        )
    yield (
        "palette of bytes, all black",
        file([bytes([0, 1, 255])], (3, 1), _258=[8], _262=[3], _320=[0] * 768),
        gray(0, 0, 0),
    )
    yield (
        "palette that is nearly black",
        file([bytes([0, 1, 2])], (3, 1), _258=[8], _262=[3], _320=([0, 256, 90] + [0] * 253) * 3),
        gray(0, 1, 0),
    )
    for extra in (0, 1, 2):
        for photo in (0, 1, 3):
            yield (
                f"one color with a plane of extra samples {extra}, photometric {photo}",
                file(
                    [bytes([0, 80, 160]), bytes([255] * 3)],
                    (3, 1),
                    _258=[8, 8],
                    _262=[photo],
                    _277=[2],
                    _284=[2],
                    _320=[n * 257 for n in range(256)] * 3,
                    _338=[extra],
                ),
                gray(255, 175, 95) if photo == 0 else gray(0, 80, 160),
            )
    colors = bytes([1, 16, 3, 2, 32, 3, 4, 64, 3])
    for planes in (1, 2):
        strips = [colors] if planes == 1 else [colors[first::3] for first in range(3)]
        tags = {258: [8] * 3, 259: [compression], 262: [2], 266: [2], 277: [3], 284: [planes]}
        yield (
            f"rgb of reversed bits, planes {planes}",
            tiff([deflated(strip).translate(REVERSED) for strip in strips], (3, 1), tags, order),
            [(1, 16, 3), (2, 32, 3), (4, 64, 3)],
        )
    luma = bytes([10, 20, 30, 40, 128, 128])
    ycbcr = {"_258": [8] * 3, "_262": [6], "_277": [3]}
    yield "YCbCr 2x2", file([luma], (2, 2), **ycbcr, _530=[2, 2]), gray(10, 20, 30, 40)
    whole = bytes([100, 128, 128, 200, 128, 128])
    yield "YCbCr 1x1", file([whole], (2, 1), **ycbcr, _530=[1, 1]), gray(100, 200)
    strip = bytes([50] * 4)
    for name, strips, rows in (
        ("too few strips", [strip], 4),
        ("too many strips", [strip, strip], 1),
        ("a strip is short", [strip[:2], strip], 2),
    ):
        yield name, file(strips, (4, rows), _258=[8], _262=[1], _278=[1]), None


def bmps() -> Iterator[Case]:
    for bits in (1, 4, 8):
        count = 1 << bits
        indices = [0, 1, count - 1, 1]
        for name, table in {
            "colors": [(n * 53 % 256, n * 31 % 256, n * 7 % 256) for n in range(count)],
            "grays": [(n * 255 // (count - 1),) * 3 for n in range(count)],
            "dark grays": [(n, n, n) for n in range(count)],
            "negative": [(255 - n * 255 // (count - 1),) * 3 for n in range(count)],
        }.items():
            palette = b"".join(bytes([*color[::-1], 0]) for color in table)
            yield (
                f"{bits} bits, {name}",
                bmp((4, 1), bits, [packed(indices, bits)], palette=palette),
                [table[n] for n in indices],
            )
        black_and_white = bytes([0, 0, 0, 0, 255, 255, 255, 0])
        yield (
            f"{bits} bits, black and white",
            bmp((3, 1), bits, [packed([0, 1, 1], bits)], palette=black_and_white, colors=2),
            gray(0, 255, 255),
        )
    rgb, masks = [(3, 2, 1), (6, 5, 4)], (0xFF0000, 0xFF00, 0xFF)
    four = bytes([1, 2, 3, 0, 4, 5, 6, 255])
    yield "24 bits", bmp((2, 1), 24, [bytes([1, 2, 3, 4, 5, 6])]), rgb
    yield "from the top", bmp((1, -2), 24, [bytes([1, 2, 3]), bytes([4, 5, 6])]), rgb
    yield "32 bits", bmp((2, 1), 32, [four]), rgb
    yield "32 bits, masks", bmp((2, 1), 32, [four], compression=3, masks=masks), rgb
    yield (
        "32 bits, alpha",
        bmp((2, 1), 32, [four], compression=3, masks=(*masks, 0xFF000000), header_bytes=56),
        [WHITE, rgb[1]],
    )
    unused = bytes([1, 2, 3, 0, 4, 5, 6, 0])
    for header_bytes in (56, 108, 124):
        yield (
            f"32 bits, alpha is 0 everywhere, header {header_bytes}",
            bmp(
                (2, 1),
                32,
                [unused],
                compression=3,
                masks=(*masks, 0xFF000000),
                header_bytes=header_bytes,
            ),
            rgb,
        )
    for name, pair, masks in (
        ("555", (0x7C00, 0x3E0), (0x7C00, 0x3E0, 0x1F)),
        ("565", (0xF800, 0x7E0), (0xF800, 0x7E0, 0x1F)),
        ("444", (0xF00, 0xF0), (0xF00, 0xF0, 0xF)),
    ):
        data = bmp((2, 1), 16, [struct.pack("<2H", *pair)], compression=3, masks=masks)
        yield f"16 bits, {name}", data, [(255, 0, 0), (0, 255, 0)]
    table = b"".join(bytes([n * 7 % 256, n * 31 % 256, n * 53 % 256, 0]) for n in range(256))
    yield (
        "run lengths",
        bmp((4, 1), 8, [b"\4\1\0\1"], compression=1, palette=table),
        [(53, 31, 7)] * 4,
    )
    yield "run lengths, cut", bmp((4, 2), 8, [b"\4\1\0\1"], compression=1, palette=table), None


def saved(kind: str, mode: str, **options: object) -> tuple[bytes, Pixels]:
    """Return a file that Pillow writes of two pixels, of which the second is transparent."""
    image = Image.new(mode, (2, 1))
    file = io.BytesIO()
    if mode == "P":
        image.putpalette(PALETTE)
        image.putdata([1, 2])
        image.save(file, kind, transparency=2, **options)
        return file.getvalue(), [(40, 50, 60), WHITE]
    image.putdata([(40, 50, 60, 255), (1, 2, 3, 0)])
    image.save(file, kind, **options)
    return file.getvalue(), [(40, 50, 60), WHITE]


def others() -> Iterator[Case]:
    for interlace in (0, 1):
        yield f"GIF, interlace {interlace}", *saved("GIF", "P", interlace=interlace)
    yield "WEBP", *saved("WEBP", "RGBA", lossless=True, exact=True)
    for kind in ("PNG", "TIFF"):
        yield kind, *saved(kind, "RGBA")


KINDS: dict[str, Callable[[], Iterator[Case]]] = {
    "PNG": pngs,
    "TIFF": lambda: tiffs(1, "<"),
    "TIFF MM": lambda: tiffs(1, ">"),
    "TIFF deflate": lambda: tiffs(8, "<"),
    "TIFF deflate MM": lambda: tiffs(8, ">"),
    "BMP": bmps,
    "saved": others,
}
CASES = {
    f"{kind}: {name}": (data, expected)
    for kind, cases in KINDS.items()
    for name, data, expected in cases()
}


def found(data: bytes) -> Pixels:
    return [tuple(color) for color in open_image(data).pixels().reshape(-1, 3).tolist()]


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_right_or_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Hundreds of processes would take seconds; `test_ordinary_files_are_read` takes that way.
    monkeypatch.setattr("viper.images.decoder_process.is_available", lambda: False)
    wrong = {}
    for name, (data, expected) in CASES.items():
        if name.startswith(f"{kind}:"):
            with suppress(InputError):
                pixels = found(data)
                # Gray of floats and signed integers is rounded, either way where it is inverted.
                if expected is None or not np.allclose(pixels, expected, rtol=0, atol=1):
                    wrong[name] = pixels
    assert not wrong


MUST_BE_READ = [
    *(f"PNG: gray {bits}" for bits in (1, 2, 4, 8, 16)),
    *(f"PNG: gray {bits}, 1 is transparent" for bits in (1, 2, 4, 8, 16)),
    *(f"PNG: rgb {bits}" for bits in (8, 16)),
    *(f"PNG: {color} {bits}" for color in ("gray alpha", "rgba") for bits in (8, 16)),
    *(f"PNG: palette {bits}" for bits in (1, 2, 4, 8)),
    "PNG: rgb 8, color 1 is transparent",
    *(f"TIFF: gray {bits}, format 1, photometric 0" for bits in (1, 2, 4, 8, 16)),
    *(f"TIFF: gray {bits}, format 1, photometric 1" for bits in (1, 2, 4, 8, 12, 16, 32)),
    *(
        f"TIFF{kind}: gray {bits}, photometric 1".replace(", ph", f", format {fmt}, ph")
        for kind in ("", " MM", " deflate", " deflate MM")
        for bits, fmt in ((16, 1), (16, 2), (32, 2), (32, 3))
    ),
    *(f"TIFF: rgb {bits}, planes 1" for bits in (8, 16)),
    *(f"TIFF: cmyk {bits}, ink set 1, planes 1" for bits in (8, 16)),
    *(
        f"TIFF{kind}: palette {bits}{of}"
        for kind in ("", " MM", " deflate", " deflate MM")
        for bits in (1, 2, 4, 8)
        for of in ("", " of bytes")
    ),
    "TIFF: palette of bytes, all black",
    "TIFF: palette that is nearly black",
    "TIFF: rgb of reversed bits, planes 1",
    "TIFF deflate: rgb of reversed bits, planes 1",
    "TIFF: YCbCr 1x1",
    "TIFF deflate: YCbCr 2x2",
    *(
        f"TIFF{order}: gray {bits}, format {fmt}, photometric 0"
        for order in ("", " MM", " deflate", " deflate MM")
        for bits, fmt in ((16, 1), (16, 2), (32, 1), (32, 2), (32, 3))
        if (order, bits, fmt) not in ((" MM", 32, 1), (" deflate MM", 32, 1))
    ),
    *(f"TIFF: rgb {bits} with a fourth sample without meaning, planes 1" for bits in (8, 16)),
    "BMP: 16 bits, 555",
    "BMP: 16 bits, 565",
    *(f"BMP: 32 bits, alpha is 0 everywhere, header {size}" for size in (56, 108, 124)),
    "BMP: run lengths",
]


@pytest.mark.parametrize("name", MUST_BE_READ)
def test_ordinary_files_are_read(name: str) -> None:
    data, expected = CASES[name]
    np.testing.assert_allclose(found(data), expected or [], rtol=0, atol=1)


@pytest.mark.parametrize(
    "name",
    [
        "PNG: gray 2, 1 is transparent",
        "PNG: gray 4, 1 is transparent",
        "PNG: rgb 16, color 0 is transparent",
        "TIFF: gray 32, format 1, photometric 1",
        "TIFF deflate MM: gray 32, format 3, photometric 1",
        "TIFF deflate MM: gray 16, format 2, photometric 1",
        "TIFF: gray 8, format 2, photometric 1",
        "TIFF: rgb 16, planes 2",
        "TIFF: palette 8 of bytes",
        "TIFF deflate: one color with a plane of extra samples 2, photometric 1",
        "TIFF: rgb of reversed bits, planes 2",
        "TIFF: too few strips",
        "TIFF: rgb 8 with a fourth sample without meaning, planes 1",
        "BMP: 32 bits, alpha is 0 everywhere, header 108",
        "BMP: 8 bits, black and white",
        "BMP: 4 bits, dark grays",
    ],
)
def test_pillow_alone_reads_other_pixels(name: str) -> None:
    """The control: each of these files needs what is done here."""
    data, expected = CASES[name]
    image = Image.open(io.BytesIO(data))
    if image.mode in ("I", "F"):
        values = np.asarray(image).ravel().astype(np.float64)
        scaled = (values - values.min()) / np.ptp(values) * 255
        assert not np.allclose(scaled, [color[0] for color in expected or []], atol=1)
        return
    rgba = image.convert("RGBA")
    page = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    assert np.asarray(page).reshape(-1, 3).tolist() != [[*color] for color in expected or []]


def test_hidden_words_of_a_png_of_16_bits_stay_hidden() -> None:
    hidden = png("gray", 16, [[0x1000, 0xFFFF]], transparency=struct.pack(">H", 0x1000))
    assert found(hidden) == gray(255, 255)
    shown = png("gray", 16, [[0x1000, 0xFFFF]], transparency=struct.pack(">H", 0x10))
    assert found(shown) == gray(16, 255)
