"""Light: shadows, materials, colors."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np
import pytest

from viper.builtin.world import Light, SceneObject, render, sample_scene
from viper.builtin.world.render import GROUND, cast
from viper.builtin.world.sample import CLEVR_LOOK
from viper.builtin.world.scene import COLORS
from viper.builtin.world.shade import shade

BALL = SceneObject("sphere", "large", "red", "rubber", 0.0, 0.0)
HIGH = replace(CLEVR_LOOK, lights=(Light((0.5, 0.2, 9.0), 0.6, 0.5),))


def light_at(scene, points):
    """Return the mean linear light that comes from world points, shape (N,)."""
    pixels, _ = scene.camera.project(np.array(points, float), scene.size)
    columns, rows = pixels.T.astype(np.float32)
    return shade(scene, cast(scene, columns, rows), np.random.default_rng(0)).mean(axis=0)


def test_a_thing_darkens_the_ground_that_the_light_cannot_reach(scene):
    # Seen from the camera at (7.5, −6.5), this place is beside the ball, and the light is opposite.
    look = replace(CLEVR_LOOK, lights=(Light((-5.0, -5.0, 5.0), 0.6, 0.4),))
    place = [(0.9, 0.9, 0.0)]
    with_ball, without = light_at(scene(BALL, look=look), place), light_at(scene(look=look), place)
    assert with_ball[0] < 0.7 * without[0]
    assert with_ball[0] == pytest.approx(
        0.47 * look.ambient, rel=1e-3
    )  # the umbra: no direct light


def test_shadows_fade_at_their_borders(scene):
    look = replace(CLEVR_LOOK, lights=(Light((-5.0, -5.0, 5.0), 0.6, 1.2),))
    along = [(0.2 + step, 0.2 + step, 0.0) for step in np.linspace(0.6, 3.0, 40)]
    bare, shaded = light_at(scene(look=look), along), light_at(scene(BALL, look=look), along)
    share = shaded / bare
    assert share.min() < 0.75
    assert share.max() == pytest.approx(1, abs=1e-3)
    assert ((share > share.min() + 0.05) & (share < 0.95)).any()


@pytest.mark.parametrize(
    ("shape", "least_z"), [("sphere", 1.3), ("cube", 1.37), ("cylinder", 1.395)]
)
def test_a_thing_casts_no_shadow_on_its_own_lit_side(scene, shape, least_z):
    lit = scene(
        SceneObject(shape, "large", "gray", "rubber", 0.0, 0.0, 30.0), look=HIGH, size=(192, 128)
    )
    drawn = render(lit)
    rows, columns = np.nonzero(drawn.object_map == 0)
    x, y = (columns + 0.5).astype(np.float32), (rows + 0.5).astype(np.float32)
    hits = cast(lit, x, y)
    top = (hits.points[2] > least_z) & (hits.objects == 0)
    light = shade(lit, hits, np.random.default_rng(0)).mean(axis=0)
    direct = lit.linear_color(0).mean() * 0.6
    assert top.sum() > 20
    # Also in the rounded edges, which lie inside the sharp body: none is as dark as a shadow.
    assert light[top].min() > lit.linear_color(0).mean() * HIGH.ambient + 0.3 * direct


def test_metal_shines_and_mirrors_where_rubber_is_matte(scene):
    def ball(material):
        drawn = render(scene(replace(BALL, material=material), size=(192, 128)))
        columns, rows = np.meshgrid(np.arange(192) + 0.5, np.arange(128) + 0.5)
        left, top, right, bottom = drawn.boxes_xyxy(1)[0]
        # Well within its outline, where no pixel is mixed with the ground.
        reach = np.hypot(columns - (left + right) / 2, rows - (top + bottom) / 2)
        return drawn.pixels[reach < 0.4 * (right - left)].astype(float)

    metal, rubber = ball("metal"), ball("rubber")
    assert np.abs(metal.mean(axis=0) - rubber.mean(axis=0)).max() > 5
    # The highlight on red metal is nearly white, that on red rubber is red.
    assert metal.min(axis=1).max() > rubber.min(axis=1).max() + 40


def test_metal_mirrors_the_thing_beside_it(scene):
    steel = SceneObject("sphere", "large", "gray", "metal", 0.0, 0.0)
    right = np.array([0.75, 0.65])
    beside = SceneObject("sphere", "large", "yellow", "rubber", *map(float, 1.7 * right))
    alone, together = (render(scene(*t, size=(192, 128))) for t in ((steel,), (steel, beside)))

    def yellowness(drawn):
        red, green, blue = drawn.pixels[drawn.object_map == 0].astype(float).T
        return ((red + green) / 2 - blue).max()

    assert yellowness(together) > yellowness(alone) + 20


@pytest.mark.parametrize("color", [name for name in COLORS if name != "gray"])
def test_a_things_pixels_have_the_hue_of_its_name(scene, color):
    drawn = render(scene(replace(BALL, color=color)))
    assert hue_error(drawn.pixels[drawn.object_map == 0], color) < 0.06


@pytest.mark.parametrize("seed", range(6))
def test_randomised_looks_keep_the_names_of_colours_plausible(seed):
    scene = sample_scene(seed, size=(160, 120))
    drawn = render(scene)
    for index, item in enumerate(scene.objects):
        seen = drawn.pixels[drawn.object_map == index]
        if item.material == "rubber" and item.color != "gray" and len(seen) > 60:
            assert hue_error(seen, item.color) < 0.12


def hue_error(pixels, color):
    """Return how far the median pixel's hue is from that of a color's name, in turns, 0 … 0.5."""
    seen, _, _ = colorsys.rgb_to_hsv(*np.median(pixels, axis=0) / 255)
    named, _, _ = colorsys.rgb_to_hsv(*np.array(COLORS[color]) / 255)
    return abs((seen - named + 0.5) % 1 - 0.5)


def test_the_ground_has_no_colour_of_its_own(scene):
    drawn = render(scene(BALL))
    ground = np.median(drawn.pixels[drawn.object_map == GROUND], axis=0)
    assert ground.max() - ground.min() <= 3


@pytest.mark.parametrize("seed", range(8))
def test_pixels_that_are_skipped_would_have_been_lit_all_the_same(seed):
    drawn = sample_scene(seed, size=(120, 80))
    columns, rows = np.meshgrid(np.arange(120) + 0.5, np.arange(80) + 0.5)
    hits = cast(drawn, columns.ravel().astype(np.float32), rows.ravel().astype(np.float32))
    skipping, whole = (
        shade(drawn, hits, np.random.default_rng(0), grid=grid) for grid in (True, False)
    )
    assert np.array_equal(skipping, whole)


def test_rough_metal_mirrors_with_soft_borders(scene):
    right = np.array([0.75, 0.65])
    objects = (
        SceneObject("sphere", "large", "gray", "metal", 0.0, 0.0),
        SceneObject("sphere", "large", "yellow", "rubber", *map(float, 1.7 * right)),
    )

    def shares(roughness):
        look = replace(CLEVR_LOOK, metal_roughness=roughness)
        drawn = render(scene(*objects, look=look, size=(192, 128)))
        red, green, blue = drawn.pixels[drawn.object_map == 0].astype(float).T
        yellow = (red + green) / 2 - blue
        return (yellow > 50).sum(), (yellow > 10).sum()  # clearly, and at all

    sharp, rough = shares(0.0), shares(0.25)
    assert sharp[0] > 20
    assert rough[1] > 1.3 * sharp[1]
