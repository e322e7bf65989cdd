"""What is noticed of damage that leaves a file's length as it is, for each format and compression.

The sentence in docs/security.md says what stands here.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fakes.picture_files import bmp
from viper.errors import InputError
from viper.images.decoding import open_image

NOISE = np.random.default_rng(0).integers(0, 256, (64, 96), np.uint8)
SMOOTH = np.linspace(60, 200, 64 * 96).reshape(64, 96).astype(np.uint8)
SMOOTH += NOISE // 32


def saved(kind: str, *, mode: str = "L", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(SMOOTH).convert(mode).save(file, kind, **options)
    return file.getvalue()


def tiff(compression: str, mode: str = "L") -> bytes:
    return saved("TIFF", mode=mode, compression=compression, tiffinfo={278: 64})


def run_lengths() -> bytes:
    palette = b"".join(bytes([n, n, 255 - n, 0]) for n in range(256))
    rows = [b"".join(bytes([2, int(value)]) for value in row[::2]) + b"\0\0" for row in SMOOTH]
    return bmp((96, 64), 8, [b"".join(rows) + b"\0\1"], compression=1, palette=palette)


# "all": there is a checksum. "lengths": a change of the number of pixels or bytes is noticed, a value is not.
# "none": nothing is watched, although a decoder may fail by chance.
NOTICED = {
    "PNG": ("all", saved("PNG")),
    "TIFF deflate": ("all", tiff("tiff_adobe_deflate")),
    "TIFF LZMA": ("all", tiff("lzma")),
    "JPEG": ("lengths", saved("JPEG", mode="RGB")),
    "TIFF PackBits": ("lengths", tiff("packbits")),
    "BMP run lengths": ("lengths", run_lengths()),
    "GIF": ("none", saved("GIF")),
    "TIFF LZW": ("none", tiff("tiff_lzw")),
    "TIFF Zstandard": ("none", tiff("zstd")),
    "TIFF JPEG": ("none", tiff("jpeg", "RGB")),
    "TIFF fax": ("none", tiff("group4", "1")),
    "TIFF uncompressed": ("none", tiff("raw")),
    "BMP uncompressed": ("none", saved("BMP")),
    "WebP": ("none", saved("WEBP", mode="RGB")),
}


def accepted(data: bytes, flips: int, changed_bytes: int) -> int:
    """Change a file in many places; return how often it is read to other pixels."""
    pixels = open_image(data).pixels()
    dice = np.random.default_rng(1)
    wrong = 0
    for _ in range(flips):
        changed = bytearray(data)
        place = int(dice.integers(len(data) // 4, 3 * len(data) // 4))
        if changed_bytes:
            changed[place : place + changed_bytes] = bytes(changed_bytes)
        else:
            changed[place] ^= 1 << int(dice.integers(8))
        try:
            found = open_image(bytes(changed)).pixels()
        except InputError:
            continue
        wrong += not np.array_equal(found, pixels)
    return wrong


@pytest.mark.parametrize("kind", NOTICED)
def test_flipped_bits_are_noticed_as_documented(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viper.images.decoder_process.is_available", lambda: False)
    level, data = NOTICED[kind]
    wrong = accepted(data, 60, 0)
    zeroed_wrong = accepted(data, 30, 100)
    if level == "all":
        assert wrong == zeroed_wrong == 0
        return
    assert wrong + zeroed_wrong > 0  # the control: the page names it as an exception, and it is one
    if level == "lengths":
        assert zeroed_wrong < 10
