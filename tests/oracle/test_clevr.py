from __future__ import annotations

import copy
import json

import pytest

from fakes import true_scenes
from fakes.true_scenes import clevr, clevr_object, view
from viper.errors import ConfigError, ModelError
from viper.images.boxes import iou
from viper.oracle.scene_file import open_scenes

# A ball of radius 0.7 that touches the ground under the axis of a camera 10 units off.
CAMERA = {
    "matrix_world": [[1, 0, 0, 0], [0, 0, -1, -10], [0, 1, 0, 0.7], [0, 0, 0, 1]],
    "lens_mm": 35.0,
    "sensor_width_mm": 32.0,
}
BALL = clevr_object("large red metal sphere", center=(0, 0, 0.7), pixel=(240, 160), depth=10.0)


def open_(tmp_path, value):
    return open_scenes(true_scenes.write(tmp_path / "scenes.json", value))


def mean_iou(path, scenes):
    """Mean overlap of the boxes that are read with the true whole boxes."""
    read = open_scenes(str(path)).scenes
    overlaps = [
        iou(thing.box_xyxy, tuple(item["bbox_amodal_xyxy"]))
        for scene in scenes
        for thing, item in zip(
            read[scene["image_filename"].removesuffix(".png")].objects,
            scene["objects"],
            strict=True,
        )
    ]
    return sum(overlaps) / len(overlaps), min(overlaps)


@pytest.fixture
def rendered(photos):
    """Scenes that CLEVR's generator rendered, with their true boxes."""
    path = photos / "clevr_dev" / "scenes" / "CLEVR_val_scenes.json"
    if not path.is_file():
        pytest.skip(f"There is no {path.name} in $VIPER_TEST_DATA")
    return json.loads(path.read_text())["scenes"]


@pytest.mark.photos
@pytest.mark.parametrize(("left_out", "least"), [((), 0.99), (("camera",), 0.98)])
def test_projected_boxes_fit_the_rendered_objects(rendered, tmp_path, left_out, least):
    scenes = copy.deepcopy(rendered)
    for scene in scenes:
        for key in left_out:
            del scene[key]
        for item in scene["objects"]:
            del item["bbox_xyxy"]
    path = tmp_path / "scenes.json"
    true_scenes.write(path, {"scenes": scenes})
    mean, worst = mean_iou(path, rendered)
    assert mean > least
    assert worst > 0.95


def test_a_given_camera_sees_a_ball_where_it_is(tmp_path):
    file = open_(tmp_path, clevr(("a.png", [BALL]), camera=CAMERA))
    (thing,) = file.scenes["a"].objects
    # Half the angle of a ball of radius r at distance d is asin(r / d).
    half = 35 / 32 * 480 * 0.7 / (10**2 - 0.7**2) ** 0.5
    assert thing.box_xyxy == pytest.approx(
        (240 - half, 160 - half, 240 + half, 160 + half), abs=1 / 64
    )
    assert thing.depth == 10.0


def test_a_scene_of_one_object_needs_no_camera(tmp_path):
    (thing,) = open_(tmp_path, clevr(("a.png", [BALL]))).scenes["a"].objects
    x1, y1, x2, y2 = thing.box_xyxy
    assert (x1 + x2) / 2 == pytest.approx(240, abs=0.1)
    assert (y1 + y2) / 2 == pytest.approx(160, abs=0.1)


def test_boxes_of_the_file_win_over_projection(tmp_path):
    item = clevr_object("large red metal sphere", (1, 2, 3, 4))
    (thing,) = open_(tmp_path, clevr(("a.png", [item]), camera=CAMERA)).scenes["a"].objects
    assert thing.box_xyxy == (1.0, 2.0, 3.0, 4.0)


def test_projected_boxes_belong_to_a_picture_of_their_size_only(tmp_path):
    file = open_(tmp_path, clevr(("a.png", [BALL])))
    with pytest.raises(
        ModelError, match=r"'a.png' is of 480×320 pixels, but the image has 960×640"
    ):
        file.scene(view(name="a.png", size=(960, 640)).image)
    large = open_(tmp_path, clevr(("a.png", [{**BALL, "pixel_coords": [480, 320, 10.0]}]),
                                  width=960, height=640))  # fmt: skip
    (thing,) = large.scene(view(name="a.png", size=(960, 640)).image).objects
    assert thing.box_xyxy[0] + thing.box_xyxy[2] == pytest.approx(960, abs=0.2)


@pytest.mark.parametrize(
    ("changed", "scene", "complaint"),
    [
        ({"3d_coords": [0, 0, 0]}, {}, r"3d_coords must be \[x, y, z\] with z above 0"),
        ({"pixel_coords": [1, 2, -3]}, {}, r"pixel_coords must be .* with a depth above 0"),
        ({}, {"directions": {}}, r"directions has no 'right'"),
        (
            {},
            {"directions": {"right": [0, 0, 1], "behind": [0, 1, 0]}},
            r"must have a horizontal part",
        ),
        ({}, {"directions": {"right": [1, 0, 0], "behind": [1, 0, 0]}}, r"must be at right angles"),
        ({}, {"camera": {}}, r"camera has no 'matrix_world'"),
        (
            {},
            {"camera": {"matrix_world": [[1, 0, 0, 0]]}},
            r"matrix_world must be 4 rows of 4 numbers",
        ),
        ({}, {"camera": {**CAMERA, "lens_mm": 0}}, r"lens_mm must be a number above 0, but got 0"),
        (
            {"3d_coords": [90, 0, 0.7]},
            {"camera": CAMERA},
            r"object 0: no part of it lies in the image",
        ),
        (
            {"3d_coords": [0, -90, 0.7]},
            {"camera": CAMERA},
            r"object 0: no part of it lies in the image",
        ),
    ],
)
def test_what_cannot_be_projected_is_named(tmp_path, changed, scene, complaint):
    with pytest.raises(ConfigError, match=complaint):
        open_(tmp_path, clevr(("a.png", [{**BALL, **changed}]), **scene))


def test_words_are_spoken_both_ways(tmp_path):
    file = open_(tmp_path, clevr(("a.png", [BALL]), camera=CAMERA))
    (thing,) = file.scenes["a"].objects
    for phrase in ("large red metal sphere", "big shiny ball", "metallic object", "red thing"):
        assert thing.terms.issuperset(file.parser.parse(phrase)), phrase
