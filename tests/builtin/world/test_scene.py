"""Cameras: where they look, and where points appear."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.builtin.world import Camera, SceneObject

places = st.tuples(
    st.floats(-9, 9).filter(lambda x: abs(x) > 0.5), st.floats(-9, 9), st.floats(1, 9)
)
targets = st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3), st.floats(0, 0.5))
SIZE = (320, 240)


@given(places, targets)
def test_a_camera_that_looks_at_a_point_is_a_rotation_and_stands_upright(place, target):
    camera = Camera.looking_at(place, target)
    assert np.allclose(camera.rotation @ camera.rotation.T, np.eye(3))
    assert np.linalg.det(camera.rotation) == pytest.approx(1)
    assert camera.rotation[2, 0] == pytest.approx(0)  # "right" is level
    assert camera.rotation[2, 1] >= 0  # "up" does not point down
    assert np.allclose(camera.position, place)


@given(places, targets)
def test_the_point_that_a_camera_looks_at_is_in_the_middle_of_the_picture(place, target):
    (pixel,), (depth,) = Camera.looking_at(place, target).project(np.array([target]), SIZE)
    assert pixel == pytest.approx((160, 120))
    assert depth == pytest.approx(np.linalg.norm(np.subtract(place, target)))


def test_up_in_the_world_is_up_in_the_picture_and_right_is_right(camera):
    right = camera.rotation[:, 0]
    points = np.array([(0, 0, 0.3), (0, 0, 1.3), np.add(right, (0, 0, 0.3))])
    (middle, above, beside), depths = camera.project(points, SIZE)
    assert above[1] < middle[1]
    assert above[0] == pytest.approx(middle[0])
    assert beside[1] == pytest.approx(middle[1])
    assert depths[2] == pytest.approx(depths[0])
    # 35 mm of lens before 32 mm of sensor.
    assert beside[0] - middle[0] == pytest.approx(320 * 35 / 32 / depths[0])


@pytest.mark.parametrize(("size", "half"), [("small", 0.35), ("large", 0.7)])
def test_a_thing_stands_on_the_ground(size, half):
    assert SceneObject("cube", size, "red", "metal", 1.0, 2.0).center == (1.0, 2.0, half)
