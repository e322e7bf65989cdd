from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.images.boxes import area, clamp, iou, nms, pixel_bounds, snap

coordinates = st.floats(-50, 700, allow_nan=False, width=32)
boxes = st.tuples(coordinates, coordinates, coordinates, coordinates).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


def test_iou_of_half_overlapping_squares_is_a_third():
    assert iou((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)


def test_iou_of_touching_boxes_is_zero():
    assert iou((0, 0, 1, 1), (1, 0, 2, 1)) == 0


def test_iou_of_two_empty_boxes_is_zero():
    assert iou((3, 3, 3, 3), (3, 3, 3, 3)) == 0


@given(boxes, boxes)
def test_iou_is_symmetric_and_between_zero_and_one(a, b):
    assert iou(a, b) == pytest.approx(iou(b, a))
    assert 0 <= iou(a, b) <= 1 + 1e-9


@given(boxes)
def test_clamping_twice_changes_nothing_more(box):
    once = clamp(box, 640, 480)
    assert clamp(once, 640, 480) == once
    assert 0 <= once[0] <= once[2] <= 640
    assert 0 <= once[1] <= once[3] <= 480


@given(boxes, st.integers(1, 5000))
def test_a_snapped_box_survives_flipping_the_y_axis_exactly(box, height):
    _x1, y1, _x2, y2 = snap(box)
    assert (height - (height - y1), height - (height - y2)) == (y1, y2)


@given(boxes, st.integers(1, 640), st.integers(1, 480))
def test_pixel_bounds_are_whole_pixels_inside_the_image(box, width, height):
    left, top, right, bottom = pixel_bounds(box, width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


def test_pixel_bounds_take_every_pixel_that_is_touched():
    assert pixel_bounds((1.2, 2.9, 3.1, 4.0), 10, 10) == (1, 2, 4, 4)


def test_nms_keeps_the_best_of_duplicates_and_sorts_by_score():
    chosen = nms([(0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60)], [0.6, 0.9, 0.7], 0.5)
    assert chosen == [1, 2]


@given(st.lists(boxes, max_size=12), st.floats(0.1, 0.9))
def test_no_two_kept_boxes_overlap_more_than_the_threshold(found, threshold):
    scores = list(np.linspace(1, 0.1, len(found)))
    kept = nms(found, scores, threshold)
    for position, index in enumerate(kept):
        assert all(iou(found[index], found[other]) <= threshold for other in kept[:position])
    assert len(set(kept)) == len(kept)


def test_area_of_an_inverted_box_is_zero():
    assert area((5, 5, 1, 9)) == 0
