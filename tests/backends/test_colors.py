from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from viper import Engine
from viper.backends.colors import ColorMatcher, color_shares, load
from viper.errors import ConfigError
from viper.images import decoding as media
from viper.images.image import View
from viper.vocabulary.attributes import BASIC_COLORS, named_colors

TYPICAL = {
    "red": (200, 20, 30), "orange": (250, 130, 20), "yellow": (245, 220, 30), "green": (30, 140, 50),
    "blue": (30, 60, 200), "purple": (120, 40, 150), "pink": (250, 160, 190), "brown": (110, 65, 35),
    "black": (10, 10, 10), "white": (250, 250, 250), "gray": (128, 128, 128),
}  # fmt: skip


def plain(color, size=(60, 60)):
    return np.full((size[1], size[0], 3), color, dtype=np.uint8)


def view(pixels):
    image = media.open_image(pixels)
    return View(image, (0.0, 0.0, float(image.size[0]), float(image.size[1])))


def certainty(pixels, text):
    matcher = ColorMatcher()
    (image,), (words,) = matcher.embed_images([view(pixels)]), matcher.embed_texts([text])
    return matcher.certainty(float(image @ words))


@pytest.mark.parametrize("name", BASIC_COLORS)
def test_a_typical_colour_is_called_by_its_name(name):
    shares = color_shares(plain(TYPICAL[name]))
    assert BASIC_COLORS[int(shares.argmax())] == name
    assert shares.sum() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", BASIC_COLORS)
def test_a_property_holds_of_a_thing_of_the_colour_and_of_no_other(name):
    assert certainty(plain(TYPICAL[name]), f"{name} car") > 0.5
    others = [other for other in BASIC_COLORS if other != name]
    assert max(certainty(plain(TYPICAL[name]), f"{other} car") for other in others) < 0.5


def test_vectors_have_length_one_whatever_the_size_of_the_crop():
    matcher = ColorMatcher()
    vectors = matcher.embed_images(
        [view(plain((1, 2, 3), size)) for size in ((1, 1), (3, 200), (640, 480))]
    )
    assert [float(np.linalg.norm(vector)) for vector in vectors] == pytest.approx(
        [1, 1, 1], abs=1e-4
    )
    assert [v.shape for v in vectors] == [(44,)] * 3
    assert matcher.embed_images([]) == matcher.embed_texts([]) == []


def person():
    image = Image.new("RGB", (60, 180), (90, 160, 220))
    draw = ImageDraw.Draw(image)
    draw.rectangle((12, 30, 48, 100), fill=TYPICAL["red"])
    draw.rectangle((12, 101, 48, 170), fill=TYPICAL["black"])
    draw.rectangle((15, 0, 45, 29), fill=TYPICAL["yellow"])
    return np.asarray(image)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("person wearing the red shirt", "person wearing the black shirt"),
        ("person in black jeans", "person in red jeans"),
        ("person with the yellow hat", "person with the black hat"),
        ("person wearing red", "person wearing yellow"),
    ],
)
def test_clothes_are_looked_for_where_they_are_worn(right, wrong):
    assert certainty(person(), right) > 0.5 > certainty(person(), wrong)


@pytest.mark.parametrize(
    ("text", "colors"),
    [
        ("a reddish car", ("red",)), ("light yellow top", ("yellow",)), ("dark jacket", ("black",)),
        ("black and white cat", ("black", "white")), ("navy-blue jeans", ("blue",)), ("a car", ()),
        ("silver laptop", ("gray",)), ("solid-colored car", ()), ("GREEN", ("green",)),
    ],
)  # fmt: skip
def test_the_colours_that_a_text_names(text, colors):
    assert named_colors(text) == colors


def test_a_text_without_a_colour_is_refused():
    matcher = ColorMatcher()
    assert matcher.refusal("a red car") is None
    assert "recognizes colors only, and 'an old car' names none" in matcher.refusal("an old car")


def test_it_takes_neither_a_reference_nor_options():
    with pytest.raises(ConfigError, match="takes no reference, but got 'x'"):
        load("x", {})
    with pytest.raises(ConfigError, match="device"):
        load("", {"device": "cpu"})


def test_colours_of_rendered_things_are_told(photos):
    folder = photos / "clevr_dev"
    names = ["red", "yellow", "green", "blue", "purple", "brown", "gray"]
    matcher = ColorMatcher()
    texts = np.stack(matcher.embed_texts(names))
    right = n = 0
    for scene in json.loads((folder / "scenes" / "CLEVR_val_scenes.json").read_text())["scenes"]:
        image = media.open_image(folder / "images" / "val" / scene["image_filename"])
        views = [View(image, tuple(map(float, thing["bbox_xyxy"]))) for thing in scene["objects"]]
        for thing, vector in zip(scene["objects"], matcher.embed_images(views), strict=True):
            said = names[int((texts @ vector).argmax())]
            right += said == {"cyan": "blue"}.get(thing["color"], thing["color"])
            n += 1
    assert right / n > 0.85


def test_a_program_gets_colours_and_a_failure_for_anything_else():
    with Engine("colors") as engine:
        program = engine.run_program(
            "def execute_command(image):\n"
            "    return ImagePatch(image).best_text_match(['green', 'red', 'blue'], 'car that is')",
            plain(TYPICAL["red"]),
        )
        refused = engine.run_program(
            "def execute_command(image):\n    return ImagePatch(image).verify_property('car', 'old')",
            plain(TYPICAL["red"]),
        )
    assert program.text == "red"
    assert refused.failure.kind == "model"
    assert "recognizes colors only" in refused.failure.message


def cat_on_grass(share):
    """A picture whose middle is black to a share, and green around it."""
    pixels = plain(TYPICAL["green"], (100, 100))
    side = round(60 * share**0.5) if share < 1 else 80
    first = (100 - side) // 2
    pixels[first : first + side, first : first + side] = TYPICAL["black"]
    return pixels


@pytest.mark.parametrize(
    ("share", "asked", "answer"),
    [
        (1.0, "black", True), (1.0, "green", False), (0.0, "black", False),
        (0.35, "black", None), (0.6, "black", None), (0.25, "black", None), (0.7, "green", None),
    ],
)  # fmt: skip
def test_a_colour_that_covers_a_part_of_a_view_is_in_doubt(share, asked, answer):
    program = f"def execute_command(image):\n    return ImagePatch(image).verify_property('cat', {asked!r})"
    with Engine("colors") as engine:
        found = engine.run_program(program, cat_on_grass(share))
        anyway = engine.run_program(program, cat_on_grass(share), best_effort=True)
    assert found.value is answer
    if answer is None:
        assert found.failure.kind == "model"
        assert f"{asked} cat" in found.failure.message
        assert [doubt.condition for doubt in anyway.doubts] == [f"{asked} cat"]
    else:
        assert found.failure is None


@pytest.mark.parametrize(("share", "answer"), [(1.0, "black"), (0.0, "green"), (0.45, None)])
def test_the_best_of_several_colours_must_cover_nearly_all_of_a_view(share, answer):
    program = (
        "def execute_command(image):\n"
        "    return ImagePatch(image).best_text_match(['black', 'green', 'red'], 'cat that is')"
    )
    pixels = cat_on_grass(share)
    with Engine("colors") as engine:
        found = engine.run_program(program, pixels)
    assert found.value == answer
    assert (found.failure is None) is (answer is not None)


def test_none_of_the_named_colours_is_seen():
    program = (
        "def execute_command(image):\n    return ImagePatch(image).best_text_match(['red', 'blue'])"
    )
    with Engine("colors") as engine:
        assert engine.run_program(program, plain(TYPICAL["green"])).failure.kind == "model"
        assert engine.run_program(program, plain(TYPICAL["red"])).value == "red"


NEAR_COLOURS = [
    {"black", "brown"}, {"black", "gray"}, {"gray", "white"}, {"yellow", "brown"}, {"red", "brown"},
]  # fmt: skip


@pytest.mark.parametrize("name", BASIC_COLORS)
def test_a_view_of_one_colour_decides_about_every_colour(name):
    matcher = ColorMatcher()
    (image,) = matcher.embed_images([view(plain(TYPICAL[name]))])
    for text, vector in zip(BASIC_COLORS, matcher.embed_texts(BASIC_COLORS), strict=True):
        near = {name, text} in NEAR_COLOURS
        assert near or not matcher.undecided(text, float(image @ vector)), text
