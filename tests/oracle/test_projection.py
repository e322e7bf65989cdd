from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.oracle.projection import Camera, Solid, recover_camera

SIZE, FOCAL_PX = (480, 320), 525.0
ANGLES = st.floats(-math.pi, math.pi)
PLACES = st.lists(
    st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.sampled_from([0.35, 0.7])),
    min_size=3,
    max_size=8,
)


def camera(yaw, pitch, distance):
    """A camera without roll that looks down at the origin."""
    ahead = (-math.sin(yaw), math.cos(yaw), 0.0)
    right = (math.cos(yaw), math.sin(yaw), 0.0)
    forward = (math.cos(pitch) * ahead[0], math.cos(pitch) * ahead[1], -math.sin(pitch))
    up = (math.sin(pitch) * ahead[0], math.sin(pitch) * ahead[1], math.cos(pitch))
    position = tuple(-distance * value for value in forward)
    return Camera(position, right, up, forward, FOCAL_PX, SIZE), right, ahead


@given(yaw=ANGLES, pitch=st.floats(0.3, 0.6), distance=st.floats(10, 14), centers=PLACES)
def test_the_camera_is_recovered_from_pixels_and_depths(yaw, pitch, distance, centers):
    true, right, ahead = camera(yaw, pitch, distance)
    pixels = []
    for center in centers:
        x, y, depth = true.place(center)
        pixels.append((240 + FOCAL_PX * x / depth, 160 - FOCAL_PX * y / depth, depth))
    found = recover_camera(centers, pixels, right, ahead, FOCAL_PX, SIZE)
    # Objects in one spot say nothing of the pitch: there the usual one must do.
    points = [(center[0] * ahead[0] + center[1] * ahead[1], center[2]) for center in centers]
    spread = sum(math.dist(point, points[0]) ** 2 for point in points)
    for center in centers:
        solid = Solid("cube", center, 0.3)
        tolerance_px = 0.5 if spread > 1 else 8.0
        assert found.box(solid) == pytest.approx(true.box(solid), abs=tolerance_px)


@given(yaw=ANGLES, center=st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.just(0.7)), turn=ANGLES)
def test_a_ball_is_inside_the_box_of_a_cylinder_and_that_in_a_cubes(yaw, center, turn):
    true, _, _ = camera(yaw, 0.45, 12.0)
    ball, cylinder, cube = (
        true.box(Solid(shape, center, turn)) for shape in ("sphere", "cylinder", "cube")
    )
    for inner, outer in ((ball, cylinder), (cylinder, cube)):
        # Rounded edges of a cube give away a few pixels of its corners.
        assert outer[0] - 3 < inner[0] < inner[2] < outer[2] + 3
        assert outer[1] - 3 < inner[1] < inner[3] < outer[3] + 3


def test_what_is_not_before_the_camera_has_no_box():
    true, _, _ = camera(0.0, 0.45, 12.0)
    assert true.box(Solid("cube", (0.0, -30.0, 0.7), 0.0)) is None
