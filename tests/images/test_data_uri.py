"""Pictures inside traces."""

from __future__ import annotations

import base64
import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from fakes.backends import FakeDetector
from fakes.cups import CUPS, picture
from viper.images.data_uri import CROP_PX, crop_uri, image_uri, page_image
from viper.images.decoding import open_image
from viper.trace.embedding import boxes_of, embedded

LOOK = """
def execute_command(image):
    cups = ImagePatch(image).find("cup")
    return [cup.exists("cup") for cup in cups[:2]]
"""


def decoded(uri):
    head, _, data = uri.partition(",")
    return head, Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_whole_picture_is_kept_to_the_last_bit():
    head, image = decoded(image_uri(open_image(picture())))
    assert head == "data:image/png;base64"
    assert np.array_equal(np.asarray(image), picture())


def test_a_crop_is_what_its_box_shows():
    pixels = np.zeros((80, 100, 3), dtype=np.uint8)
    pixels[20:40, 10:50] = (250, 10, 10)
    _, image = decoded(crop_uri(open_image(pixels), (10.0, 20.0, 50.0, 40.0)))
    assert image.size == (40, 20)
    assert np.abs(np.asarray(image).astype(int) - (250, 10, 10)).max() < 12


def test_a_large_crop_is_made_small_in_its_proportions():
    _, image = decoded(crop_uri(open_image(np.zeros((900, 600, 3), np.uint8)), (0, 0, 600, 900)))
    assert max(image.size) == CROP_PX
    assert image.size[0] / image.size[1] == 107 / 160


def test_each_box_is_embedded_once_and_never_the_whole_picture(fake_engine):
    answer = fake_engine(detector=FakeDetector(CUPS)).run_program(LOOK, picture())
    boxes = list(boxes_of(answer.trace))
    assert len(boxes) == len(set(boxes)) == 8
    assert (0.0, 0.0, 100.0, 80.0) not in boxes
    crops = embedded(answer.trace, answer.image, "crops")
    assert [crop.box_xyxy for crop in crops.crops] == boxes
    assert crops.images == ()
    assert len(embedded(answer.trace, answer.image, "picture").images) == 1


def test_the_picture_of_a_page_is_scaled_down_but_not_up():
    _, small = decoded(page_image(open_image(picture())))
    assert (small.size, small.format) == ((100, 80), "PNG")
    _, large = decoded(page_image(open_image(np.zeros((3200, 800, 3), np.uint8))))
    assert (large.size, large.format) == ((400, 1600), "JPEG")


LARGE = np.zeros((4_000, 4_000, 3), np.uint8)
PARTS = {
    "a corner": (0.0, 0.0, 100.0, 100.0),
    "one pixel": (3_999.0, 3_999.0, 4_000.0, 4_000.0),
    "nearly all": (0.0, 1.0, 4_000.0, 4_000.0),
    "a row": (0.0, 7.0, 4_000.0, 8.0),
    "a column": (7.5, 0.0, 8.0, 4_000.0),
}


def crop_bytes(pixels, box):
    """Return the memory that a crop takes beside the pixels, and its size."""
    image = open_image(pixels)
    image.pixels()
    tracemalloc.start()
    try:
        made = []
        of = Image.fromarray
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(
                Image, "fromarray", lambda array: made.append(array.nbytes) or of(array)
            )
            size = decoded(crop_uri(image, box))[1].size
        return sum(made), tracemalloc.get_traced_memory()[1], size
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", PARTS)
def test_a_crop_takes_no_memory_and_time_for_the_pixels_around_it(name):
    bitmap, peak, size = crop_bytes(LARGE, PARTS[name])
    assert bitmap <= 5_000_000 < LARGE.nbytes // 9  # the control: all pixels
    assert peak < 10_000_000
    assert bitmap <= 5_000_000
    assert LARGE.nbytes > 9 * bitmap  # the control: a bitmap of all pixels
    assert max(size) <= CROP_PX


def test_a_large_crop_shows_all_of_its_box():
    pixels = np.zeros((4_000, 2_000, 3), np.uint8)
    pixels[2_000:, 1_000:] = (250, 10, 10)
    _, image = decoded(crop_uri(open_image(pixels), (0.0, 0.0, 2_000.0, 4_000.0)))
    assert image.size == (80, 160)
    seen = np.asarray(image).astype(int)
    assert np.abs(seen[90:, 50:] - (250, 10, 10)).max() < 20
    assert seen[:70].max() < 20
