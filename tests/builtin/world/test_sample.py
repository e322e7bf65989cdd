"""Random scenes obey their rules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from viper.builtin.world import sample_scene
from viper.builtin.world.render import visible_pixels
from viper.builtin.world.sample import CLEVR_LOOK, scene_seed
from viper.builtin.world.scene import COLORS, MATERIALS, SHAPES, SIZES

SIZE = (96, 64)
SEEDS = range(25)


@pytest.fixture(scope="module")
def scenes():
    return [sample_scene(seed, size=SIZE) for seed in SEEDS]


def test_the_same_seed_gives_the_same_scene_and_others_differ(scenes):
    assert [sample_scene(seed, size=SIZE) for seed in SEEDS[:5]] == scenes[:5]
    assert len(set(scenes)) == len(scenes)


def test_scenes_have_three_to_ten_things_on_the_ground_within_reach(scenes):
    for scene in scenes:
        assert 3 <= len(scene.objects) <= 10
        assert all(abs(item.x) <= 3 and abs(item.y) <= 3 for item in scene.objects)


def test_things_keep_their_gaps(scenes):
    for scene in scenes:
        axes = (scene.camera.rotation[:2, 0], -scene.camera.rotation[:2, 2])
        for one, other in itertools.combinations(scene.objects, 2):
            step = np.array([one.x - other.x, one.y - other.y])
            assert np.linalg.norm(step) - one.half - other.half >= 0.25
            for axis in axes:
                assert abs(step @ axis / np.linalg.norm(axis)) > 0.4


def test_everything_that_is_kept_can_be_seen(scenes):
    least = 200 / (480 * 320) * SIZE[0] * SIZE[1]
    for scene in scenes:
        assert (visible_pixels(scene) >= least).all()


def test_every_value_occurs(scenes):
    objects = [item for scene in scenes for item in scene.objects]
    assert {item.shape for item in objects} == set(SHAPES)
    assert {item.size for item in objects} == set(SIZES)
    assert {item.color for item in objects} == set(COLORS)
    assert {item.material for item in objects} == set(MATERIALS)


def test_each_thing_has_its_own_shift_of_colour(scenes):
    for scene in scenes:
        assert len(scene.look.color_jitter) == len(scene.objects)


def test_plain_scenes_have_the_look_of_clevr():
    plain = sample_scene(3, size=SIZE, randomised=False)
    assert plain.look == CLEVR_LOOK
    shift = plain.camera.position - (7.48, -6.51, 5.34)
    assert (np.abs(shift) <= 0.5).all()


def test_a_size_that_shows_too_little_is_refused():
    with pytest.raises(ValueError, match=r"An image of 1×1 pixels shows too little"):
        sample_scene(0, size=(1, 1))


def test_sets_of_different_seeds_share_no_scene():
    seeds = {scene_seed(seed, index) for seed in range(20) for index in range(50)}
    assert len(seeds) == 1000
