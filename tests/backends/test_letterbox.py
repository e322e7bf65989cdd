from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from viper.backends.detections import MAX_DETECTIONS, to_detections
from viper.backends.letterbox import Frame, letterbox, tame
from viper.errors import ModelError

sides = st.integers(1, 300)


def grey(width, height, value=200):
    return np.full((height, width, 3), value, dtype=np.uint8)


@given(sides, sides, st.booleans())
def test_the_whole_crop_maps_back_to_itself(width, height, centred):
    frame = letterbox(grey(width, height), (64, 48), fill=0, centred=centred)
    assert frame.pixels.shape == (48, 64, 3)
    rows, columns = np.nonzero(frame.pixels[..., 0])
    covered = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
    np.testing.assert_allclose(frame.to_crop(covered), [[0, 0, width, height]], atol=1e-9)


@given(sides, sides)
def test_tamed_crops_are_neither_thin_nor_huge(width, height):
    tamed = tame(grey(width, height))
    assert max(tamed.pixels.shape[:2]) <= 16 * min(tamed.pixels.shape[:2])
    assert tamed.scale_xy == (1.0, 1.0)
    assert tamed.pixels.min() == 200  # the edge is repeated


def test_ordinary_crops_are_not_touched():
    pixels = grey(640, 480)
    assert tame(pixels).pixels is pixels


def test_huge_crops_shrink_and_their_boxes_grow_back():
    tamed = tame(grey(20_000, 10))
    assert tamed.pixels.shape[1::-1] == (4096, 256)
    boxes = tamed.to_crop(np.array([[0.0, 0.0, 4096.0, 2.0]]))
    np.testing.assert_allclose(boxes, [[0, 0, 20_000, 10]])


@pytest.mark.parametrize("size", [(5_000, 3_000), (20_000, 300)], ids=str)
def test_ordinary_huge_crops_shrink_as_pillow_shrinks_them(size):
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    tamed = tame(pixels).pixels
    wanted = (4_096, round(size[1] * 4_096 / size[0]))
    plain = np.asarray(Image.fromarray(pixels).resize(wanted, Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(tamed[: wanted[1]], plain)


def test_a_strip_of_millions_of_pixels_keeps_its_places():
    pixels = grey(3_000_000, 1, 0)
    pixels[:, 1_500_000:] = 200
    tamed = tame(pixels)
    assert tamed.pixels.shape[1::-1] == (4_096, 256)
    assert tamed.pixels[:, :2_047].max() == 0
    assert tamed.pixels[:, 2_049:].min() == 200
    boxes = tamed.to_crop(np.array([[2_048.0, 0.0, 4_096.0, 1.0]]))
    np.testing.assert_allclose(boxes, [[1_500_000, 0, 3_000_000, 1]])


def test_boxes_are_clamped_filtered_and_sorted():
    # That of the last score, which is left out, is not looked at.
    boxes = [(-5, -5, 10, 10), (2, 2, 4, 4), (30, 0, 40, 10), (3, 3, 3, 9), (0, 0, np.nan, 5)]
    scores = [0.3, 0.9, 0.9, 0.9, 0.1]
    found = to_detections(
        Frame(grey(20, 8), (20, 8)),
        np.array(boxes, float),
        np.array(scores),
        np.arange(5),
        ["a", "b", "c", "d", "e"],
        0.3,
    )
    assert [(d.phrase, d.box_xyxy, d.score) for d in found] == [
        ("b", (2.0, 2.0, 4.0, 4.0), 0.9),
        ("a", (0.0, 0.0, 10.0, 8.0), 0.3),
    ]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["every score", "one score", "a box that counts"])
def test_numbers_that_are_none_are_an_error_and_not_an_empty_list(where, wrong):
    boxes, scores = np.tile([1.0, 1.0, 5.0, 5.0], (3, 1)), np.array([0.1, 0.9, 0.9])
    if where == "every score":
        scores[:] = wrong
    elif where == "one score":
        scores[0] = wrong
    else:
        boxes[1, 2] = wrong
    with pytest.raises(ModelError, match="NaN or infinity"):
        to_detections(Frame(grey(9, 9), (9, 9)), boxes, scores, np.zeros(3, int), ["x"], 0.3)


def test_the_best_boxes_are_kept_when_there_are_too_many():
    count = MAX_DETECTIONS + 5
    scores = np.linspace(0, 1, count)
    boxes = np.tile([0.0, 0.0, 1.0, 1.0], (count, 1))
    frame = Frame(grey(9, 9), (9, 9))
    found = to_detections(frame, boxes, scores, np.zeros(count, int), ["x"], 0.0)
    assert len(found) == MAX_DETECTIONS
    assert found[0].score == 1.0
    assert found[-1].score == pytest.approx(scores[5])


def test_lengths_must_agree():
    frame = Frame(grey(1, 1), (1, 1))
    with pytest.raises(ValueError, match="the same length, but got 1, 2 and 1"):
        to_detections(frame, np.zeros((1, 4)), np.zeros(2), np.zeros(1, int), ["x"], 0.0)
