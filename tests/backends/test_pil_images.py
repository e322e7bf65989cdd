"""Images within bounds."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from viper.backends.pil_images import bounded_image

BOUNDS = {"shortest": 32, "longest": 1_024, "elongation": 8}


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((640, 480), (640, 480)),
        ((1, 1), (32, 32)),
        ((4_000, 3_000), (1_024, 768)),
        ((20_000, 10), (1_024, 128)),
        ((1, 3_000_000), (128, 1_024)),
        ((7_000, 7_000), (1_024, 1_024)),
    ],
    ids=str,
)
def test_sides_are_within_bounds(size: tuple[int, int], expected: tuple[int, int]) -> None:
    pixels = np.full((size[1], size[0], 3), 200, np.uint8)
    made = bounded_image(pixels, **BOUNDS)
    assert made.size == expected
    assert made.getextrema() == ((200, 200),) * 3


@pytest.mark.parametrize("size", [(1, 1), (4_000, 3_000), (20_000, 10), (3, 700)], ids=str)
def test_ordinary_images_are_those_of_pillow(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    made = bounded_image(pixels, **BOUNDS)
    plain = Image.fromarray(pixels).resize(made.size, Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(np.asarray(made), plain)
