"""The picture with what an answer rests on."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from viper.errors import ConfigError, InputError
from viper.images.decoding import open_image
from viper.images.drawing import COLORS, drawing, legend, marks, write_drawing
from viper.images.image import ImageRef


def patch(box, role, category="cup"):
    return {
        "type": "patch", "image": 0, "box_xyxy": list(box), "score": 0.5, "category": category,
        "evidence": role,
    }  # fmt: skip


PATCHES = [
    patch((50.0, 50.0, 150.0, 150.0), "answer"),
    patch((200.0, 50.0, 300.0, 150.0), "answer"),
    patch((50.0, 200.0, 150.0, 300.0), "reference"),
    patch((350.0, 200.0, 450.0, 300.0), "rejected"),
]


@pytest.fixture
def image():
    return open_image(np.full((400, 500, 3), 20, dtype=np.uint8))


def color(role):
    text = COLORS[role]
    return tuple(int(text[i : i + 2], 16) for i in (1, 3, 5))


def width(bitmap, y, x_from, role):
    """Return how many pixels of a role's color follow each other from x on."""
    count = 0
    while bitmap.getpixel((x_from + count, y)) == color(role):
        count += 1
    return count


def test_only_patches_of_the_answer_are_numbered():
    drawn = marks(PATCHES)
    assert [(mark.role, mark.number) for mark in drawn] == [
        ("rejected", None),
        ("reference", None),
        ("answer", 1),
        ("answer", 2),
    ]
    assert [mark.number for mark in marks([patch((1, 1, 2, 2), None)])] == [None]


def test_answers_are_thick_rejected_ones_thin_and_references_dashed(image):
    bitmap = drawing(image, PATCHES)
    thick, thin = width(bitmap, 120, 50, "answer"), width(bitmap, 270, 350, "rejected")
    assert thick > thin >= 1
    edge = {bitmap.getpixel((x, 200)) for x in range(60, 150)}
    assert edge == {color("reference"), (20, 20, 20)}


def test_a_number_stands_in_the_corner_of_its_box(image):
    bitmap = drawing(image, PATCHES[:1])
    corner = np.asarray(bitmap.crop((50, 50, 80, 80))).reshape(-1, 3)
    assert (0x10, 0x23, 0x1A) in set(map(tuple, corner.tolist()))
    assert color("answer") in set(map(tuple, corner.tolist()))


def test_a_tiny_picture_is_scaled_up_and_a_huge_one_down():
    tiny = open_image(np.zeros((10, 20, 3), dtype=np.uint8))
    assert drawing(tiny, [patch((1.0, 1.0, 9.0, 9.0), "answer")]).size == (400, 200)
    huge = open_image(np.zeros((1_000, 4_800, 3), dtype=np.uint8))
    assert drawing(huge, []).size == (2_400, 500)


def test_boxes_at_the_edge_and_of_less_than_a_pixel_are_drawn(image):
    edge = [patch((0.0, 0.0, 500.0, 400.0), "answer"), patch((5.0, 5.0, 5.1, 5.1), "reference"),
            patch((499.5, 399.5, 500.0, 400.0), "answer")]  # fmt: skip
    assert drawing(image, edge).size == (500, 400)


@pytest.mark.parametrize(
    ("name", "form"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.JPEG", "JPEG")]
)
def test_the_suffix_says_the_format(image, tmp_path, name, form):
    write_drawing(tmp_path / name, image, PATCHES)
    with Image.open(tmp_path / name) as read:
        assert (read.format, read.size) == (form, (500, 400))


def test_another_suffix_is_refused(image, tmp_path):
    with pytest.raises(ConfigError, match=r"FILE.png or FILE.jpg, but got 'a.gif'"):
        write_drawing(tmp_path / "a.gif", image, PATCHES)


@pytest.mark.parametrize("missing", [None, ImageRef("x", (4, 4), "x")])
def test_without_pixels_there_is_nothing_to_draw_on(tmp_path, missing):
    with pytest.raises(InputError, match="nothing to draw on"):
        write_drawing(tmp_path / "a.png", missing, PATCHES)


def test_a_legend_names_what_is_in_the_picture():
    assert len(legend(marks(PATCHES))) == 3
    assert legend(marks(PATCHES[:1])) == ["numbered: the answer"]
