"""Damaged JPEGs, of which libjpeg makes pixels without a word."""

from __future__ import annotations

import io
import os
import re
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakes.hostile_images import encoded
from viper.errors import InputError
from viper.images import image_files
from viper.images.decoding import open_image
from viper.images.decoding_error import DecodingError

PHOTO = Image.effect_noise((300, 200), 80).convert("RGB")
END = b"\xff\xd9"
KINDS: dict[str, dict[str, object]] = {
    "baseline": {},
    "optimized": {"optimize": True, "quality": 30},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "many restarts": {"restart_marker_blocks": 1},
    "progressive restarts": {"progressive": True, "restart_marker_blocks": 3},
    "subsampled": {"subsampling": 2, "quality": 95},
}


def jpeg(kind: str, image: Image.Image = PHOTO) -> bytes:
    return encoded(image, "JPEG", **KINDS[kind])


def middle(data: bytes, part: bytes) -> bytes:
    """Put other bytes into the middle of a file."""
    start = (len(data) - len(part)) // 2
    return data[:start] + part + data[start + len(part) :]


DAMAGES = {
    "cut after a quarter": lambda data: data[: len(data) // 4] + END,
    "cut after a half": lambda data: data[: len(data) // 2] + END,
    "cut before its end": lambda data: data[:-100] + END,
    "cut without an end": lambda data: data[: len(data) * 9 // 10],
    "zeros in the middle": lambda data: middle(data, bytes(len(data) // 3)),
    "ones in the middle": lambda data: middle(data, b"\xff\x00" * (len(data) // 6)),
    "a part twice": lambda data: data[: len(data) // 2] + data[len(data) // 2 - 2_000 :],
    "bytes after the scan": lambda data: data[:-2] + b"\x12\x34\x56\x78" * 8 + END,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_jpeg_is_refused(damage: str, kind: str) -> None:
    data = DAMAGES[damage](jpeg(kind))
    with pytest.raises(InputError, match="is damaged or incomplete"):
        open_image(data)
    # The control: Pillow alone makes pixels of it, and most are wrong.
    if damage in ("cut after a quarter", "zeros in the middle") and kind != "many restarts":
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        assert np.mean(pixels != np.asarray(Image.open(io.BytesIO(jpeg(kind))))) > 0.2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "restarts" in kind])
@pytest.mark.parametrize("number", [0, 1, -1])
def test_a_jpeg_that_lacks_a_restart_marker_is_refused(kind: str, number: int) -> None:
    data = jpeg(kind)
    marker = [*re.finditer(rb"\xff[\xd0-\xd7]", data)][number]
    for changed in (
        data[: marker.start()] + data[marker.end() :],
        data[: marker.start()] + b"\xff\xd3\xff\xd5" + data[marker.end() :],
    ):
        with pytest.raises(InputError, match="restart marker is missing"):
            open_image(changed)
        Image.open(io.BytesIO(changed)).load()  # the control


def test_a_progressive_jpeg_without_its_last_scans_is_refused() -> None:
    data = jpeg("progressive")
    starts = [match.start() for match in re.finditer(rb"\xff\xc4", data)]
    for start in starts[-3:]:
        with pytest.raises(InputError, match="scans of the JPEG are missing"):
            open_image(data[:start] + END)
        Image.open(io.BytesIO(data[:start] + END)).load()  # the control


def test_a_jpeg_without_one_of_its_colors_is_refused() -> None:
    data = bytearray(jpeg("progressive"))
    scan = data.index(b"\xff\xda")
    assert data[scan + 4] == 3  # the first scan gives the mean of the blocks, of all three colors
    data[scan + 5 + 2 * 2] = 77
    with pytest.raises(InputError, match="a JPEG scan of no component"):
        open_image(bytes(data))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_an_honest_jpeg_is_read_as_pillow_reads_it(
    kind: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viper.images.decoder_process.is_available", lambda: False)
    for size in ((1, 1), (8, 8), (17, 33), (300, 1), (1, 300), (64, 48)):
        for image in (PHOTO.resize(size).convert(mode), Image.new(mode, size)):
            data = jpeg(kind, image)
            expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            np.testing.assert_array_equal(open_image(data).pixels(), expected)


@pytest.mark.parametrize("tail", [b"", b"\0" * 500, b"\xff\xd8 a second image", b"\xff\xff\xff"])
def test_what_follows_an_image_does_not_matter(tail: bytes) -> None:
    for kind in ("baseline", "progressive"):
        assert open_image(jpeg(kind) + tail) == open_image(jpeg(kind))
        filled = jpeg(kind)[:-2] + b"\xff\xff\xff" + END  # fill bytes before a marker
        assert open_image(filled) == open_image(jpeg(kind))


def test_arithmetic_coding_is_refused() -> None:
    data = jpeg("baseline").replace(b"\xff\xc0", b"\xff\xc9")
    with pytest.raises(InputError, match=r"arithmetic coding.*Save it again as a plain image"):
        open_image(data)


@pytest.mark.slow
def test_every_photograph_at_hand_is_read() -> None:
    folder = Path(os.environ.get("VIPER_TEST_DATA", ""))
    files = [*folder.rglob("*.jpg")] if str(folder) != "." else []
    if not files:
        pytest.skip("no photographs")
    for file in files:
        assert open_image(file).size


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\xd0", b"\x11", b"\xff\x00", b"\x00"])
def test_a_long_filling_behind_a_scan_costs_little(filling: bytes) -> None:
    data = jpeg("baseline")
    taken_s = []
    for count in (200_000, 1_600_000):
        attack = data[:-2] + filling * count + END
        started_s = time.process_time()
        with suppress(DecodingError):
            image, _ = image_files.opened(io.BytesIO(attack))
            image_files.load(image)
        taken_s.append(time.process_time() - started_s)
    assert taken_s[1] < 0.25 + 16 * taken_s[0]
