"""AVIF is decoded in the confined process as Pillow decodes it, and within its limits."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, features

from viper.errors import InputError
from viper.images import confined_decoding
from viper.images.decoding import open_image

pytestmark = pytest.mark.skipif(
    not features.check("avif"), reason="This Pillow was built without AVIF."
)


def scene(mode: str = "RGB", size: tuple[int, int] = (96, 64)) -> Image.Image:
    image = Image.new(mode, size, "white" if mode != "RGBA" else (255, 255, 255, 255))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, size[0] // 2, size[1] // 2), fill=(200, 30, 40) if mode != "L" else 90)
    return image


def avif(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "AVIF", speed=10, **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("quality", [30, 100])
@pytest.mark.parametrize("size", [(96, 64), (33, 21), (1, 1)], ids=str)
def test_the_pixels_are_those_of_pillow(mode: str, quality: int, size: tuple[int, int]) -> None:
    data = avif(scene(mode, size), quality=quality)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(open_image(data).pixels(), expected)


def test_transparent_pixels_are_white() -> None:
    image = scene("RGBA")
    ImageDraw.Draw(image).rectangle((48, 32, 95, 63), fill=(0, 0, 0, 0))
    pixels = open_image(avif(image, quality=100)).pixels()
    assert pixels[40:, 60:].min() >= 254
    np.testing.assert_allclose(pixels[10, 10], (200, 30, 40), atol=4)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_it_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = open_image(avif(scene(), quality=100, exif=exif.tobytes()))
    assert image.size == ((96, 64) if orientation in (1, 3) else (64, 96))
    corner = {1: (5, 5), 3: (-5, -5), 6: (5, -5), 8: (-5, 5)}[orientation]
    np.testing.assert_allclose(image.pixels()[corner], (200, 30, 40), atol=4)


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (32, 32), color) for color in ("black", "white")]
    data = avif(frames[0], save_all=True, append_images=frames[1:])
    assert open_image(data).pixels().max() < 10


def test_a_large_one_stays_within_the_memory_of_its_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = avif(scene(size=(4000, 3000)), quality=50)
    assert open_image(data).size == (4000, 3000)
    # The control: an eighth of it, in a process that is given no more than what was asked for.
    needed = confined_decoding.decoding_bytes
    monkeypatch.setattr(confined_decoding, "_PLACE_BYTES", 1 << 20)
    monkeypatch.setattr(confined_decoding, "decoding_bytes", lambda *about: needed(*about) // 8)
    with pytest.raises(InputError, match="takes too much memory to decode"):
        open_image(data)


def test_a_decoder_without_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    data = avif(scene(size=(4000, 3000)), quality=50)
    monkeypatch.setattr(confined_decoding, "_PLACE_BYTES", 1 << 20)
    monkeypatch.setattr(confined_decoding, "_SLACK_BYTES", 1 << 20)
    monkeypatch.setattr(confined_decoding, "decoding_bytes", lambda *_: 30 << 20)
    with pytest.raises(InputError, match="takes too much memory to decode"):
        open_image(data)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(InputError, match="96×64 pixels; at most 100 are accepted"):
        open_image(avif(scene()), max_pixels=100)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_cut_file_is_refused(share: float) -> None:
    data = avif(Image.effect_noise((96, 64), 80).convert("RGB"))
    with pytest.raises(InputError, match="damaged"):
        open_image(data[: int(share * len(data))])


def test_noise_in_its_place_is_refused() -> None:
    data = avif(scene())
    with pytest.raises(InputError, match="damaged"):
        open_image(data[:16] + bytes(range(256)) * 8)
