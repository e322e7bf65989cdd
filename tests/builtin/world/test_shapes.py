"""The laws of rays and shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from viper.builtin.world import SceneObject
from viper.builtin.world.scene import SHAPES
from viper.builtin.world.shapes import interval, normals, to_local

unit = st.floats(-1, 1, width=32)
aims = st.tuples(unit, unit, unit)
origins = st.tuples(
    st.floats(-6, 6, width=32), st.floats(-6, 6, width=32), st.floats(2, 6, width=32)
)
bevels = st.sampled_from((0.0, 0.1, 0.25))
shapes = st.sampled_from(SHAPES)


def column(vector):
    return np.array(vector, np.float32)[:, None]


def ray(origin, aim):
    """Return a ray from an origin through a point, both of shape (3, 1)."""
    start, towards = column(origin), column(aim) - column(origin)
    return start, towards / np.linalg.norm(towards)


def outside(shape, point):
    """Return how far a point is from the surface of a sharp shape, below 0 inside, in the worst axis."""
    x, y, z = point
    if shape == "sphere":
        return np.sqrt(x * x + y * y + z * z) - 1
    if shape == "cylinder":
        return max(np.hypot(x, y) - 1, abs(z) - 1)
    return max(abs(x), abs(y), abs(z)) - 1


@given(shapes, origins, aims)
def test_a_ray_enters_and_leaves_on_the_surface(shape, origin, aim):
    start, direction = ray(origin, aim)
    enter, leave = interval(shape, start, direction)
    assume(enter[0] < leave[0])
    for at in (enter, leave):
        assert outside(shape, (start + at * direction)[:, 0]) == pytest.approx(0, abs=2e-3)
    assert outside(shape, (start + (enter + leave) / 2 * direction)[:, 0]) <= 1e-3


@given(shapes, origins, st.tuples(*[st.floats(-0.5, 0.5, width=32)] * 3), bevels)
def test_a_ray_through_an_inner_point_meets_the_shape(shape, origin, aim, bevel):
    start, direction = ray(origin, aim)
    enter, leave = interval(shape, start, direction, bevel)
    distance = np.linalg.norm(column(aim) - start)
    assert 0 < enter[0] < distance < leave[0]


@given(origins, aims, st.floats(0.05, 0.3))
def test_a_bevel_only_takes_away_from_a_cube(origin, aim, bevel):
    start, direction = ray(origin, aim)
    sharp, rounded = (interval("cube", start, direction, each) for each in (0.0, bevel))
    if rounded[0][0] < rounded[1][0]:
        assert sharp[0][0] <= rounded[0][0]
        assert rounded[1][0] <= sharp[1][0]


def test_a_bevel_cuts_off_the_corners_of_a_cube():
    along_the_diagonal = column((1, -1, 0)) / np.float32(2**0.5)
    corner = column((0.98, 0.98, 0.98)) - 3 * along_the_diagonal
    enter, leave = interval("cube", corner, along_the_diagonal)
    assert enter[0] < leave[0]
    enter, leave = interval("cube", corner, along_the_diagonal, 0.2)
    assert enter[0] >= leave[0]


@given(shapes, origins, aims, bevels)
def test_normals_are_unit_and_face_the_ray(shape, origin, aim, bevel):
    start, direction = ray(origin, aim)
    enter, leave = interval(shape, start, direction, bevel)
    assume(leave[0] - enter[0] > 0.2)  # a ray that grazes an edge sees a normal that bends away
    normal = normals(shape, start + enter * direction, bevel)
    assert np.linalg.norm(normal) == pytest.approx(1, abs=1e-3)
    assert float((normal * direction).sum()) < 0.25 * bool(bevel) + 1e-3


@given(shapes, st.floats(-3, 3), st.floats(-3, 3), st.floats(0, 360), aims)
def test_the_frame_of_a_thing_turns_and_scales_but_does_not_bend(shape, x, y, turn, vector):
    item = SceneObject(shape, "large", "red", "metal", x, y, turn)
    local = to_local(item, column(vector), points=False)
    assert np.linalg.norm(local) == pytest.approx(np.linalg.norm(vector) / 0.7, abs=1e-5)
    assert np.allclose(to_local(item, column(item.center), points=True), 0, atol=1e-5)


def test_a_cube_is_turned_against_the_clock_seen_from_above():
    item = SceneObject("cube", "large", "red", "metal", 0.0, 0.0, 90.0)
    # What points along the world's y is what the cube itself calls x.
    assert np.allclose(
        to_local(item, column((0, 0.7, 0)), points=False)[:, 0], (1, 0, 0), atol=1e-6
    )
