"""The picture of a TIFF is found behind a thumbnail, and small samples that are light are inverted."""

from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest
from PIL import Image

from fakes.picture_files import packed, tiff, tiff_of_pages
from viper.errors import InputError
from viper.images.decoding import open_image
from viper.images.image_files import load, opened
from viper.images.tiff_pages import use_main_page

SMALL, LARGE, LARGER = (4, 3), (12, 9), (24, 18)
REDUCED, PAGE, MASK = {254: 1}, {254: 2}, {254: 4}
FULL: dict[int, int] = {254: 0}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    # A process for each of these files would take seconds; one test below takes that way.
    monkeypatch.setattr("viper.images.decoder_process.is_available", lambda: False)


def found(data: bytes) -> tuple[tuple[int, int], int]:
    """Return the size and the sample of the page that is decoded."""
    image = open_image(data)
    (sample,) = np.unique(image.pixels())
    return image.size, int(sample)


ORDERS = pytest.mark.parametrize(
    ("order", "big"), [("<", False), (">", False), ("<", True)], ids=["II", "MM", "BigTIFF"]
)


@ORDERS
@pytest.mark.parametrize("marks", [REDUCED, MASK, {254: 5}, {255: 2}], ids=str)
def test_the_page_behind_a_thumbnail_is_taken(order: str, big: bool, marks: dict[int, int]) -> None:
    data = tiff_of_pages([(*SMALL, 9, marks), (*LARGE, 200, FULL)], order, big=big)
    assert found(data) == (LARGE, 200)


@ORDERS
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_page_below_a_thumbnail_is_taken(order: str, big: bool, count: int) -> None:
    below = [(*SMALL, 30, REDUCED), (*SMALL, 40, REDUCED), (*LARGE, 200, FULL)][-count:]
    data = tiff_of_pages([(*SMALL, 9, REDUCED)], order, below_first=below, big=big)
    assert found(data) == (LARGE, 200)


@pytest.mark.parametrize(
    ("pages", "wanted"),
    [
        ([(*LARGE, 200, FULL), (*SMALL, 9, REDUCED)], (LARGE, 200)),
        ([(*LARGE, 200, {}), (*LARGER, 9, {})], (LARGE, 200)),
        ([(*LARGE, 200, PAGE), (*LARGER, 9, PAGE)], (LARGE, 200)),
        ([(*SMALL, 200, PAGE), (*LARGER, 9, REDUCED)], (SMALL, 200)),
        ([(*LARGE, 200, {255: 3}), (*LARGER, 9, {255: 1})], (LARGE, 200)),
        ([(*LARGE, 200, REDUCED)], (LARGE, 200)),
    ],
    ids=["pyramid", "pages", "numbered pages", "small first", "old numbered pages", "alone"],
)
def test_a_first_page_that_is_a_picture_stays(
    pages: list[tuple[int, int, int, dict[int, int]]], wanted: tuple[tuple[int, int], int]
) -> None:
    assert found(tiff_of_pages(pages)) == wanted


def test_of_reduced_pages_alone_the_largest_is_taken() -> None:
    pages = [(*SMALL, 9, REDUCED), (*LARGER, 200, REDUCED), (*LARGE, 30, REDUCED)]
    assert found(tiff_of_pages(pages)) == (LARGER, 200)


def test_a_mask_is_never_the_picture() -> None:
    assert found(tiff_of_pages([(*LARGE, 200, REDUCED), (*LARGER, 9, MASK)])) == (LARGE, 200)


def test_several_thumbnails_come_before_the_picture() -> None:
    pages = [(*SMALL, 9, REDUCED)] * 20 + [(*LARGE, 200, FULL)]
    assert found(tiff_of_pages(pages)) == (LARGE, 200)


def test_pillow_alone_takes_the_thumbnail() -> None:
    """The control."""
    data = tiff_of_pages([(*SMALL, 9, REDUCED), (*LARGE, 200, FULL)])
    assert Image.open(io.BytesIO(data)).size == SMALL


def test_a_thumbnail_whose_picture_is_cut_off_is_refused() -> None:
    data = tiff_of_pages([(*SMALL, 9, REDUCED), (*LARGE, 200, FULL)])
    with pytest.raises(InputError, match="damaged"):
        open_image(data[: len(data) - 30])


@pytest.mark.parametrize("target", ["itself", "beyond the file"])
def test_pages_in_a_circle_or_nowhere_end(target: str) -> None:
    data = bytearray(tiff_of_pages([(*SMALL, 9, REDUCED)]))
    first = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<I", data, len(data) - 4, first if target == "itself" else 1 << 31)
    started = time.monotonic()
    if target == "itself":
        assert found(bytes(data)) == (SMALL, 9)
    else:
        with pytest.raises(InputError, match="its pages cannot be read"):
            open_image(bytes(data))
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("length", range(0, 30))
def test_a_cut_header_is_left_to_pillow(length: int) -> None:
    data = tiff_of_pages([(*SMALL, 9, REDUCED)])[:length]
    file = io.BytesIO(data)
    assert use_main_page(file) is False
    assert file.getvalue() == data


def test_only_the_first_of_a_thousand_pages_are_read() -> None:
    data = bytearray(tiff_of_pages([(*SMALL, 9, REDUCED)] * 1000))
    started = time.monotonic()
    assert found(bytes(data)) == (SMALL, 9)
    assert time.monotonic() - started < 1


def samples_of(bits: int, fmt: int) -> list[int]:
    """Return samples of the smallest, the middle and the largest value."""
    if fmt == 3:
        return [struct.unpack("I", struct.pack("f", value))[0] for value in (0.0, 0.5, 1.0)]
    top = (1 << bits) - 1
    return [1 << (bits - 1), 0, top >> 1] if fmt == 2 else [0, top >> 1, top]


@pytest.mark.parametrize("confined", [False, True], ids=["here", "confined"])
@pytest.mark.parametrize("order", ["<", ">"], ids=["II", "MM"])
@pytest.mark.parametrize(("bits", "fmt"), [(16, 1), (16, 2), (32, 1), (32, 2), (32, 3)])
def test_deep_samples_of_white_is_zero_are_inverted(
    bits: int, fmt: int, order: str, confined: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if confined:
        monkeypatch.undo()
    if (bits, fmt, order) == (32, 1, ">"):
        pytest.skip("Pillow has no layout of unsigned samples of 32 bits in this order")
    strip = packed(samples_of(bits, fmt), bits, order)
    gray = {}
    for photometric in (0, 1):
        tags = {258: [bits], 262: [photometric], 339: [fmt]}
        pixels = open_image(tiff([strip], (3, 1), tags, order)).pixels()
        gray[photometric] = pixels[0, :, 0].astype(int)
    np.testing.assert_allclose(gray[1], [0, 127, 255], atol=1)
    np.testing.assert_array_equal(gray[0], 255 - gray[1])


def test_pillow_alone_does_not_invert_them() -> None:
    """The control."""
    strip = packed(samples_of(16, 1), 16)
    for order in ("<", ">"):
        data = tiff([strip], (3, 1), {258: [16], 262: [0]}, order)
        try:
            pixels = np.asarray(Image.open(io.BytesIO(data)))
        except OSError:
            continue
        assert pixels[0, 0] < pixels[0, 2]


def test_a_text_of_a_png_cannot_ask_for_it() -> None:
    from PIL.PngImagePlugin import PngInfo

    text, file = PngInfo(), io.BytesIO()
    text.add_text("viper_inverted", "True")
    Image.fromarray(np.array([[0, 0xFFFF]], np.uint16)).save(file, "PNG", pnginfo=text)
    image, _ = opened(io.BytesIO(file.getvalue()))
    load(image)
    assert open_image(file.getvalue()).pixels()[0, :, 0].tolist() == [0, 255]
