"""Scene files say what the images show, in the words of the official format."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from viper.builtin.world import render, sample_scene
from viper.builtin.world.clevr import clevr_scene, scenes_file

SIZE = (96, 64)


@pytest.fixture(params=range(3), ids="seed {}".format)
def drawn(request):
    scene = sample_scene(request.param, size=SIZE)
    rendered = render(scene)
    entry = clevr_scene(
        scene, rendered, index=5, split="val", image_filename="CLEVR_val_000005.png"
    )
    return scene, rendered, entry


def test_an_entry_names_its_picture_and_every_thing(drawn):
    scene, _, entry = drawn
    assert (entry["image_index"], entry["split"]) == (5, "val")
    assert entry["image_filename"] == "CLEVR_val_000005.png"
    assert (entry["width"], entry["height"]) == SIZE
    told = [(o["shape"], o["size"], o["color"], o["material"]) for o in entry["objects"]]
    assert told == [(t.shape, t.size, t.color, t.material) for t in scene.objects]


def test_pixel_coords_are_the_projected_centres(drawn):
    scene, _, entry = drawn
    centers = np.array([o["3d_coords"] for o in entry["objects"]])
    pixels, depths = scene.camera.project(centers, SIZE)
    told = np.array([o["pixel_coords"] for o in entry["objects"]])
    assert np.abs(told[:, :2] - pixels).max() <= 0.5 + 1e-4
    assert told[:, 2] == pytest.approx(depths, abs=1e-4)


def test_boxes_and_visible_pixels_are_those_of_the_picture(drawn):
    _, rendered, entry = drawn
    for index, item in enumerate(entry["objects"]):
        left, top, right, bottom = item["bbox_xyxy"]
        inside = rendered.object_map[top:bottom, left:right] == index
        assert inside.sum() == item["visible_pixels"] == (rendered.object_map == index).sum()


def test_directions_are_unit_level_and_opposite(drawn):
    _, _, entry = drawn
    named = {name: np.array(vector) for name, vector in entry["directions"].items()}
    for vector in named.values():
        assert np.linalg.norm(vector) == pytest.approx(1)
    for one, other in (("left", "right"), ("front", "behind"), ("above", "below")):
        assert np.allclose(named[one], -named[other])
    assert named["right"] @ named["behind"] == pytest.approx(0)
    assert named["left"][2] == named["behind"][2] == 0


def test_relationships_agree_with_directions_and_with_each_other(drawn):
    scene, _, entry = drawn
    count = len(scene.objects)
    for name, opposite in (("left", "right"), ("front", "behind")):
        lists = entry["relationships"][name]
        assert len(lists) == count
        for one, other in itertools.permutations(range(count), 2):
            step = np.subtract(scene.objects[other].center, scene.objects[one].center)
            assert (other in lists[one]) == (step @ entry["directions"][name] > 0.2)
            # Objects stand at least 0.4 apart along both axes, so that one of two words holds.
            assert (other in lists[one]) != (other in entry["relationships"][opposite][one])


def test_what_is_right_of_something_appears_right_of_it_at_the_same_depth(drawn):
    scene, _, entry = drawn
    right = np.array(entry["directions"]["right"])
    center = np.array(scene.objects[0].center)
    (here, there), depths = scene.camera.project(np.stack([center, center + right]), SIZE)
    assert there[0] > here[0]
    assert depths[0] == pytest.approx(depths[1])


def test_a_scenes_file_has_the_official_form(drawn):
    content = scenes_file([drawn[2]], "val")
    assert content["info"]["split"] == "val"
    assert content["scenes"] == [drawn[2]]
