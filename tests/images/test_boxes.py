from __future__ import annotations

import time

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


def plain_nms(boxes_xyxy, scores, iou_threshold):
    """What suppression means, one pair at a time."""
    order = sorted(range(len(boxes_xyxy)), key=lambda index: -scores[index])
    kept = []
    for index in order:
        if all(iou(boxes_xyxy[index], boxes_xyxy[other]) <= iou_threshold for other in kept):
            kept.append(index)
    return kept


# Few values make ties, equal boxes, boxes without area and IoUs that are just the threshold.
coarse = st.tuples(*[st.integers(0, 6).map(float)] * 4)
scored = st.lists(
    st.tuples(
        coarse | boxes | st.tuples(*[coordinates] * 4), st.sampled_from([0.1, 0.5, 0.5, 0.9])
    ),
    max_size=80,
)


@given(scored, st.sampled_from([0.0, 0.25, 1 / 3, 0.45, 0.5, 1.0]) | st.floats(-0.5, 1.5))
def test_nms_keeps_what_comparing_all_pairs_keeps(found, threshold):
    found_boxes, scores = [box for box, _ in found], [score for _, score in found]
    assert nms(found_boxes, scores, threshold) == plain_nms(found_boxes, scores, threshold)


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.45])
def test_nms_keeps_what_comparing_all_pairs_keeps_among_many_boxes(threshold):
    found, scores = crowd(300)
    kept = nms(found, scores, threshold)
    assert kept == plain_nms(found, scores, threshold)
    assert 1 < len(kept) < 300


def test_nms_takes_enormous_boxes_as_floats_do():
    found = [(0.0, 0.0, 1e200, 1e200), (0.0, 0.0, 1e200, 1e200), (-1e308, 0.0, 1e308, 1.0)]
    assert nms(found, [1.0, 1.0, 1.0], 0.5) == plain_nms(found, [1.0, 1.0, 1.0], 0.5)


def test_nms_of_a_thousand_boxes_does_not_hold_up_who_waits():
    """It runs on the event loop of all answers; comparing pairs one by one takes a second."""
    found, scores = crowd(1_000)

    def took_s():
        began_s = time.perf_counter()
        nms(found, scores, 0.45)
        return time.perf_counter() - began_s

    assert min(took_s() for _ in range(5)) < 0.1


def crowd(count):
    """Boxes of which many overlap, and scores of which some are equal."""
    random = np.random.default_rng(0)
    corners = random.uniform(0, 600, (count, 2))
    sizes = random.uniform(5, 90, (count, 2))
    found = [tuple(box) for box in np.hstack([corners, corners + sizes]).tolist()]
    return found, random.uniform(0, 1, count).round(2).tolist()


def test_area_of_an_inverted_box_is_zero():
    assert area((5, 5, 1, 9)) == 0
