"""The picture with what an answer rests on."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from viper.errors import ConfigError, InputError, WriteError
from viper.images.decoding import open_image
from viper.images.drawing import (
    COLORS,
    check_drawing_place,
    drawing,
    legend,
    marks,
    write_drawing,
)
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


@pytest.mark.parametrize("size", [(500, 400), (4_800, 1_000), (10, 20)], ids=str)
def test_an_ordinary_picture_is_drawn_as_pillow_scales_it(size):
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    drawn = drawing(open_image(pixels), [])
    way = Image.Resampling.LANCZOS if size[0] > 500 else Image.Resampling.NEAREST
    np.testing.assert_array_equal(drawn, Image.fromarray(pixels).resize(drawn.size, way))


def test_a_strip_is_drawn_with_its_boxes_in_their_places():
    pixels = np.full((3_000_000, 1, 3), 200, np.uint8)
    strip = ImageRef("x", (1, 3_000_000), "x", lambda: pixels)
    drawn = drawing(strip, [patch((0.0, 1_000_000.0, 1.0, 2_000_000.0), "rejected")])
    assert drawn.size == (1, 2_400)
    rows = [y for y in range(2_400) if drawn.getpixel((0, y)) != (200, 200, 200)]
    assert (rows[0], rows[-1]) == (799, 1_600)


def test_a_drawing_without_memory_is_one_line(image, tmp_path, monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr("viper.images.drawing.drawing", full)
    with pytest.raises(InputError, match="not enough memory to draw on an image of 500×400 pixels"):
        write_drawing(tmp_path / "a.png", image, PATCHES)
    assert not (tmp_path / "a.png").exists()


def test_a_place_is_checked_and_stays_as_it_is(tmp_path):
    check_drawing_place(tmp_path / "a.png")
    assert not [*tmp_path.iterdir()]
    with pytest.raises(WriteError, match="The drawing cannot be written"):
        check_drawing_place(tmp_path / "none" / "a.png")
    with pytest.raises(ConfigError, match=r"got 'a.gif'"):
        check_drawing_place(tmp_path / "a.gif")


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
