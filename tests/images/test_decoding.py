from __future__ import annotations

import io
import os
import random
import socket
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

from viper.errors import InputError
from viper.images import decoding as media
from viper.images.decoding import open_image

LOSSLESS = ("PNG", "TIFF", "BMP", "WEBP")


def picture(width: int = 7, height: int = 5) -> np.ndarray:
    """Every pixel differs from its neighbours, so that a wrong turn shows."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 30 % 256, y * 40 % 256, (x + 3 * y) * 11 % 256], axis=2).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def samples() -> dict[str, bytes]:
    rgb = Image.fromarray(picture())
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return {
        "jpeg": encoded(rgb, "JPEG", exif=exif),
        "jpeg-progressive": encoded(rgb.resize((40, 30)), "JPEG", progressive=True),
        "jpeg-cmyk": encoded(rgb.convert("CMYK"), "JPEG"),
        "png": encoded(rgb, "PNG", exif=exif),
        "png-palette": encoded(rgb.quantize(4), "PNG", transparency=1),
        "png-animated": encoded(rgb, "PNG", save_all=True, append_images=[rgb.rotate(180)]),
        "webp": encoded(rgb, "WEBP"),
        "webp-lossless": encoded(rgb.convert("RGBA"), "WEBP", lossless=True),
        "gif": encoded(rgb.quantize(8), "GIF"),
        "tiff": encoded(rgb, "TIFF"),
        "tiff-deflate": encoded(rgb, "TIFF", compression="tiff_deflate", exif=exif),
        "bmp": encoded(rgb, "BMP"),
    }


def refusal(source: object, **options: int) -> str:
    with pytest.raises(InputError) as caught:
        open_image(source, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith((".", "?"))
    return message


@pytest.mark.parametrize("kind", LOSSLESS)
def test_reads_lossless_formats_exactly(kind: str, tmp_path: Path) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    path = tmp_path / f"street.{kind.lower()}"
    path.write_bytes(encoded(Image.fromarray(picture()), kind, **options))
    image = open_image(path)
    np.testing.assert_array_equal(image.pixels(), picture())
    assert (image.size, image.source_name) == ((7, 5), path.name)


@pytest.mark.parametrize("name", samples())
def test_reads_every_sample(name: str) -> None:
    pixels = open_image(samples()[name]).pixels()
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    assert not pixels.flags.writeable
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize("name", samples())
def test_a_system_without_fork_decodes_the_same_pixels(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    confined = open_image(samples()[name])
    monkeypatch.setattr("viper.images.decoder_process.is_available", lambda: False)
    assert open_image(samples()[name]) == confined
    assert "is damaged" in refusal(b"\x89PNG\r\n\x1a\n" + bytes(20))


def test_equal_pixels_have_equal_hashes_whatever_their_source(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.fromarray(picture()), "PNG"))
    sources = [
        path,
        str(path),
        path.read_bytes(),
        bytearray(path.read_bytes()),
        Image.open(path),
        picture(),
    ]
    images = [open_image(source) for source in sources]
    assert len(set(images)) == 1
    names = [image.source_name for image in images]
    assert names == ["a.png", "a.png", "image", "image", "a.png", "image"]


def test_the_same_bytes_in_another_shape_are_another_image() -> None:
    flat = np.zeros((2, 6, 3), np.uint8)
    assert open_image(flat) != open_image(flat.reshape(3, 4, 3))


def test_later_changes_of_an_array_do_not_reach_the_image() -> None:
    array = picture()
    image = open_image(array)
    array[:] = 0
    np.testing.assert_array_equal(image.pixels(), picture())


REFERENCE = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.transpose(a, (1, 0, 2)),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.transpose(np.rot90(a, 2), (1, 0, 2)),
    8: lambda a: np.rot90(a, 1),
}


@settings(max_examples=60, deadline=None)
@given(
    array=hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3))),
    orientation=st.integers(0, 9),
    kind=st.sampled_from(("PNG", "TIFF", "WEBP")),
)
def test_applies_exif_orientation(array: np.ndarray, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    data = encoded(Image.fromarray(array), kind, exif=exif, **options)
    expected = REFERENCE.get(orientation, REFERENCE[1])(array)
    np.testing.assert_array_equal(open_image(data).pixels(), expected)
    np.testing.assert_array_equal(open_image(Image.open(io.BytesIO(data))).pixels(), expected)


def test_damaged_exif_spoils_no_picture() -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff" * 3
    data = encoded(Image.fromarray(picture()), "JPEG", exif=exif)
    assert open_image(data).size == (7, 5)


def test_transparent_pixels_show_white_and_not_their_hidden_colour() -> None:
    rgba = np.dstack([picture(2, 1), np.array([[0, 255]], np.uint8)])
    expected = picture(2, 1)
    expected[0, 0] = 255
    for source in (rgba, Image.fromarray(rgba), encoded(Image.fromarray(rgba), "PNG")):
        np.testing.assert_array_equal(open_image(source).pixels(), expected)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_the_transparent_colour_of_a_palette_shows_white(kind: str) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([200, 0, 0, 0, 0, 200])
    palette.putdata([0, 1])
    pixels = open_image(encoded(palette, kind, transparency=1)).pixels()
    assert pixels.tolist() == [[[200, 0, 0], [255, 255, 255]]]


def test_the_transparent_grey_of_a_png_shows_white() -> None:
    grey = Image.fromarray(np.array([[10, 99]], np.uint8))
    pixels = open_image(encoded(grey, "PNG", transparency=10)).pixels()
    assert pixels[0, :, 0].tolist() == [255, 99]


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBa"])
def test_half_transparent_black_is_grey(mode: str) -> None:
    steps = {"La": "LA", "RGBa": "RGBA", "PA": "PA", "LA": "LA"}
    image = Image.new("RGBA", (1, 1), (0, 0, 0, 128)).convert(steps[mode]).convert(mode)
    assert open_image(image).pixels().tolist() == [[[127, 127, 127]]]


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("YCbCr", (76, 85, 255), (254, 0, 0)),
        ("HSV", (0, 255, 255), (255, 0, 0)),
        ("I;16", 0x8040, (128, 128, 128)),
        ("I;16B", 0x8040, (128, 128, 128)),
        ("I;16", 65535, (255, 255, 255)),
    ],
)
def test_converts_colour_modes(mode: str, colour: object, expected: tuple[int, ...]) -> None:
    image = Image.new(mode, (2, 3), colour)
    assert set(map(tuple, open_image(image).pixels().reshape(-1, 3).tolist())) == {expected}


def test_lab_becomes_rgb() -> None:
    pixels = open_image(Image.new("LAB", (1, 1), (255, 128, 128))).pixels()
    np.testing.assert_allclose(pixels[0, 0], (255, 255, 255), atol=1)


def test_a_cmyk_jpeg_keeps_its_colours_though_adobe_stores_them_inverted() -> None:
    data = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100)
    np.testing.assert_allclose(open_image(data).pixels()[4, 4], (255, 0, 0), atol=3)


def test_a_16_bit_png_and_tiff_keep_their_shades() -> None:
    deep = Image.fromarray(np.array([[0, 0x1234, 0x80FF, 0xFFFF]], np.uint16))
    for kind in ("PNG", "TIFF"):
        assert open_image(encoded(deep, kind)).pixels()[0, :, 0].tolist() == [0, 0x12, 0x80, 0xFF]


def test_a_12_bit_tiff_uses_the_whole_range() -> None:
    image = Image.fromarray(np.array([[0, 2048, 4095, 16]], np.uint16))
    image.tag_v2 = {258: (12,)}  # type: ignore[attr-defined] # as the TIFF decoder leaves it
    assert open_image(image).pixels()[0, :, 0].tolist() == [0, 128, 255, 1]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([0.0, 0.5, 1.0], [0, 128, 255], id="zero to one"),
        pytest.param([0.0, 100.0, 255.0], [0, 100, 255], id="bytes"),
        pytest.param([0.0, 257.0, 65535.0], [0, 1, 255], id="16 bit"),
        pytest.param([-3.0, 0.0, 3.0], [0, 128, 255], id="stretched"),
        pytest.param([1e6, 1e6, 1e6], [0, 0, 0], id="constant"),
        pytest.param([np.nan, np.inf, 200.0], [0, 255, 200], id="not finite"),
        pytest.param([np.nan, np.nan, -np.inf], [0, 0, 0], id="nothing finite"),
        pytest.param([-3e38, 0.0, 3e38], [0, 128, 255], id="largest floats"),
    ],
)
def test_scales_float_pixels(values: list[float], expected: list[int]) -> None:
    image = Image.fromarray(np.array([values], np.float32))
    assert open_image(image).pixels()[0, :, 0].tolist() == expected
    tiff = open_image(encoded(image, "TIFF"))
    assert tiff.pixels()[0, :, 0].tolist() == expected


def test_scales_32_bit_integers() -> None:
    image = Image.fromarray(np.array([[-(2**31), 0, 2**31 - 1]], np.int32))
    assert open_image(image).pixels()[0, :, 0].tolist() == [0, 128, 255]


def test_accepts_grey_arrays() -> None:
    grey = np.array([[1, 2], [3, 4]], np.uint8)
    assert open_image(grey).pixels()[:, :, 1].tolist() == grey.tolist()


@pytest.mark.parametrize(
    ("array", "received"),
    [
        (np.zeros((3, 20, 20), np.float32), "but got float32 of shape (3, 20, 20)"),
        (np.zeros((3, 20, 20), np.uint8), "array.transpose(1, 2, 0)"),
        (np.zeros((4, 4, 3)), "array.astype('uint8')"),
        (np.zeros((4, 4, 2), np.uint8), "but got uint8 of shape (4, 4, 2)"),
        (np.zeros(4, np.uint8), "but got uint8 of shape (4,)"),
        (np.zeros((1, 4, 4, 3), np.uint8), "but got uint8 of shape (1, 4, 4, 3)"),
        (np.zeros((0, 4, 3), np.uint8), "is 4×0 pixels"),
    ],
)
def test_refuses_arrays_that_are_no_image(array: np.ndarray, received: str) -> None:
    assert received in refusal(array)


@pytest.mark.parametrize("source", [None, 3, ["a.png"], {"image": 1}])
def test_refuses_other_types_by_name(source: object) -> None:
    assert f"but got {type(source).__name__}" in refusal(source)


def test_a_missing_file_suggests_near_names(tmp_path: Path) -> None:
    (tmp_path / "Street.JPG").touch()
    assert f"Did you mean '{tmp_path}/Street.JPG'?" in refusal(tmp_path / "stret.jpg")
    assert "There is no file" in refusal(tmp_path / "zzz")
    assert "its folder does not exist" in refusal(tmp_path / "nowhere" / "street.jpg")


def test_other_bad_paths_are_refused_by_what_they_are(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)
    assert "is empty" in refusal("")
    assert "is a URL" in refusal("https://example.org/cat.jpg")
    assert "null" in refusal("a\0b.jpg")
    assert len(refusal("x" * 10_000)) < 600
    assert "\\n" in refusal("two\nlines.jpg")


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert "permission denied" in refusal(tmp_path / "secret.jpg")


def test_pipes_devices_and_sockets_are_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    assert "is a device or a pipe" in refusal(pipe)
    assert "is a device or a pipe" in refusal("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert "socket" in refusal(tmp_path / "s")


def test_refused_paths_leave_no_open_files(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        refusal(tmp_path)
        refusal("/dev/zero")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_huge_file_is_refused_without_reading_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "MAX_FILE_BYTES", 1000)
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(10**12)  # sparse
    assert "larger than 1,000 bytes" in refusal(path)
    assert "larger than 1,000 bytes" in refusal(bytes(2000))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty (0 bytes)"),
        (b"Dear diary,\n", "is plain text"),
        (b"%PDF-1.7\n%\xff", "is a PDF document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is a PostScript file"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is an SVG, XML or web page"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "is a HEIC image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "the package pillow-heif opens it"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "is damaged"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "is a JPEG 2000 image"),
        (b"\xff\x0a\xfa\x01\x81\0", "is a JPEG XL image"),
        (b"\0\0\1\0\1\0\x10\x10", "is an icon"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "is a video"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "is damaged"),
        (b"\x81\x92\xa3\0\1\2", "is of an unknown format"),
    ],
)
def test_a_file_that_is_no_picture_is_called_what_it_is(
    content: bytes, what: str, tmp_path: Path
) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    message = refusal(path)
    assert "picture.jpg" in message
    assert what in message


@pytest.mark.parametrize("kind", ["ICO", "PCX", "PPM", "TGA", "SGI", "EPS", "ICNS", "IM"])
def test_only_the_listed_decoders_are_reached(kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # some are on their way out
        data = encoded(Image.new("RGB", (16, 16)), kind)
    assert "Give an image in one of: JPEG, PNG" in refusal(data)


@pytest.mark.parametrize("name", [n for n in samples() if n != "png-animated"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_a_truncated_picture_is_refused(name: str, part: float) -> None:
    rgb = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8))
    kind = name.partition("-")[0].upper()
    data = encoded(rgb.quantize(64) if kind == "GIF" else rgb, kind)
    message = refusal(data[: int(len(data) * part)])
    assert "is damaged" in message


def test_later_frames_may_be_broken() -> None:
    first, second = Image.fromarray(picture()), Image.fromarray(picture()[::-1].copy())
    for kind in ("GIF", "TIFF"):
        data = encoded(first, kind, save_all=True, append_images=[second])
        assert open_image(data[:-20]).size == (7, 5)


def test_too_many_pixels_are_refused_from_the_header_alone() -> None:
    header = bytearray(encoded(Image.new("RGB", (1, 1)), "BMP"))
    header[18:26] = (12_000).to_bytes(4, "little") + (12_000).to_bytes(4, "little")
    message = refusal(bytes(header))
    assert "12000×12000 pixels; at most 89,478,485 are accepted" in message
    header[18:26] = (60_000).to_bytes(4, "little") * 2
    assert "far too many pixels" in refusal(bytes(header))


def test_the_pixel_limit_holds_for_every_source() -> None:
    assert open_image(picture(), max_pixels=35).size == (7, 5)
    for source in (picture(), Image.fromarray(picture()), samples()["png"]):
        assert "7×5 pixels; at most 34" in refusal(source, max_pixels=34)


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    # Of one color: a scan that refines nothing may be there several times.
    data = encoded(Image.new("RGB", (40, 30), (9, 99, 200)), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xc4") : -2]
    assert scan.count(b"\xff\xda") == 1
    assert open_image(data[:-2] + scan * 20 + b"\xff\xd9").size == (40, 30)
    assert "more than 100 JPEG scans" in refusal(data[:-2] + scan * 200 + b"\xff\xd9")


def test_what_follows_a_jpeg_is_not_counted_as_its_scans() -> None:
    assert open_image(samples()["jpeg"] + b"\xff\xda\0\2" * 500).size == (5, 7)


@pytest.mark.parametrize("size", [(1, 1), (20_000, 10), (10, 20_000), (1, 65_000)])
def test_extreme_but_valid_sizes_work(size: tuple[int, int]) -> None:
    assert open_image(encoded(Image.new("RGB", size), "PNG")).size == size


def test_an_empty_pillow_image_is_refused() -> None:
    assert "is 0×5 pixels" in refusal(Image.new("RGB", (0, 5)))


def test_a_closed_pillow_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(samples()["png"])
    image = Image.open(path)
    image.close()
    assert "cannot be decoded" in refusal(image)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    refused_or_read(data)


@pytest.mark.parametrize("name", samples())
def test_mutated_files_are_refused_or_read(name: str) -> None:
    source, chance = samples()[name], random.Random(name)
    for _ in range(300):
        data = bytearray(source)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[place] = chance.randrange(256)
                case 1:
                    data[place] ^= 1 << chance.randrange(8)
                case 2:
                    del data[place : place + chance.randint(1, 8)]
                case _:
                    data[place:place] = chance.randbytes(chance.randint(1, 8))
        refused_or_read(bytes(data))


def refused_or_read(data: bytes) -> None:
    try:
        image = open_image(data, max_pixels=1_000_000)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert image.pixels().shape == (image.size[1], image.size[0], 3)


def test_warnings_of_pillow_do_not_leak_and_filters_stay_as_they_were() -> None:
    data = bytearray(samples()["tiff"])
    # The first tag's count, far beyond the file: Pillow warns and goes on.
    ifd = int.from_bytes(data[4:8], "little")
    data[ifd + 2 + 12 * 9 + 4 : ifd + 2 + 12 * 9 + 8] = b"\xff\xff\xff\x0f"
    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        refused_or_read(bytes(data))
    assert caught == []
    assert list(warnings.filters) == before


def test_settings_of_pillow_stay_as_they_were() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, TiffImagePlugin.READ_LIBTIFF)
    open_image(samples()["tiff"])
    refusal(b"\xff\xd8\xff")
    after = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, TiffImagePlugin.READ_LIBTIFF)
    assert before == after


def test_threads_get_the_same_images() -> None:
    files = list(samples().values())
    expected = [open_image(data).content_hash for data in files]
    found: list[list[str]] = []

    def read() -> None:
        found.append([open_image(data).content_hash for data in files * 3])

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected * 3] * 6


def test_importing_the_module_imports_no_pillow() -> None:
    code = "import sys, viper.images.decoding; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.photos
def test_reads_real_photographs() -> None:
    root = os.environ.get("VIPER_TEST_DATA")
    if not root:
        pytest.skip("VIPER_TEST_DATA is unset")
    photos = sorted(Path(root, "coco128", "images").rglob("*.jpg"))[:20]
    assert photos
    for photo in photos:
        with Image.open(photo) as reference:
            np.testing.assert_array_equal(
                open_image(photo).pixels(), np.asarray(reference.convert("RGB"))
            )
