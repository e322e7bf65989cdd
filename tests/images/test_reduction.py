"""Huge images and strips are scaled in little memory; ordinary ones as Pillow scales them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viper.backends.letterbox import tame
from viper.backends.pil_images import bounded_image
from viper.images import reduction
from viper.images.data_uri import page_image
from viper.images.drawing import drawing
from viper.images.image import ImageRef, Pixels
from viper.images.reduction import averaged, bitmap_near, is_huge, reduced, resized

WAYS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


def noise(width: int, height: int) -> Pixels:
    """Return a smooth picture with some noise, in tiles that are alike."""
    rng = np.random.default_rng(7)
    coarse = Image.fromarray(rng.integers(9, 247, (9, 9, 3), np.uint8))
    tile = np.asarray(coarse.resize((500, 500), Image.Resampling.BILINEAR))
    tile = tile + rng.integers(0, 9, tile.shape, np.uint8)
    return np.tile(tile, (-(-height // 500), -(-width // 500), 1))[:height, :width]


def image_of(pixels: Pixels) -> ImageRef:
    return ImageRef("x", (pixels.shape[1], pixels.shape[0]), "x", lambda: pixels)


USERS: dict[str, Callable[[Pixels], object]] = {
    "drawing": lambda pixels: drawing(image_of(pixels), []),
    "bounded_image": lambda pixels: bounded_image(pixels, shortest=32, longest=1_024, elongation=8),
    "tame": tame,
    "page_image": lambda pixels: page_image(image_of(pixels)),
}


@pytest.mark.parametrize("size", [(1, 1), (640, 480), (3, 2_000), (5_000, 3_000), (20_000, 10)])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_ordinary_images_are_those_of_pillow(size: tuple[int, int], way: Image.Resampling) -> None:
    pixels = noise(*size)
    found = np.asarray(resized(pixels, (300, 200), way))
    np.testing.assert_array_equal(found, Image.fromarray(pixels).resize((300, 200), way))
    assert reduced(pixels, (3, 2)).pixels is pixels
    np.testing.assert_array_equal(np.asarray(bitmap_near(pixels, 100)), pixels)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((5_300, 4_800), (2_400, 2_174)), ((100_000, 9), (2_400, 5)), ((2, 90_001), (64, 1_024))],
    ids=str,
)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_huge_images_look_as_those_of_pillow(
    size: tuple[int, int], wanted: tuple[int, int], way: Image.Resampling
) -> None:
    pixels = noise(*size)
    assert is_huge(size)
    found = np.asarray(resized(pixels, wanted, way)).astype(int)
    plain = np.asarray(Image.fromarray(pixels).resize(wanted, way)).astype(int)
    assert found.shape == plain.shape
    assert np.abs(found - plain).mean() < 2


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((9_400, 9_400), (2_400, 2_400)), ((1, 200_000), (1, 2_400)), ((33_000, 700), (4_096, 87))],
    ids=str,
)
def test_what_is_left_is_ordinary_and_not_less_than_wanted(
    size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    near = reduced(np.broadcast_to(np.uint8(7), (size[1], size[0], 3)), wanted)
    height, width = near.pixels.shape[:2]
    assert not is_huge((width, height))
    assert width >= wanted[0]
    assert height >= wanted[1]
    assert near.pixels.min() == near.pixels.max() == 7
    assert near.box[2] == pytest.approx(width, abs=1)
    assert near.box[3] == pytest.approx(height, abs=1)


def test_averages_at_the_edges_are_of_fewer_pixels() -> None:
    pixels = np.repeat(np.arange(0, 50, 10, dtype=np.uint8), 3).reshape(1, 5, 3)
    assert averaged(pixels, 2, 3)[0, :, 0].tolist() == [5, 25, 40]


_PEAK = """
import sys
import numpy as np
from fakes.peak_memory import peak_megabytes, restart_peak
from images.test_reduction import USERS
from viper.images import reduction
user, width, height, alone = sys.argv[1], *map(int, sys.argv[2:])
if alone:
    reduction.is_huge = lambda size: False
USERS[user](np.full((300, 500, 3), 7, np.uint8))
pixels = np.full((height, width, 3), 7, np.uint8)
restart_peak()
before = peak_megabytes()
USERS[user](pixels)
print(peak_megabytes() - before)
"""


def _peak_megabytes(user: str, size: tuple[int, int], *, alone: bool = False) -> int:
    """Return how much more memory a user of an image takes, in a process of its own."""
    tests = Path(__file__).parents[1]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tests), *filter(None, sys.path)])
    }
    command = [sys.executable, "-c", _PEAK, user, *map(str, size), str(int(alone))]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="The peak of a process is read from /proc.")
@pytest.mark.parametrize("user", ["drawing", "bounded_image"])
def test_a_huge_image_takes_less_memory_than_one_bitmap(user: str) -> None:
    assert _peak_megabytes(user, (7_300, 7_300)) < 0.8 * (4 * 7_300**2 / 1e6)


@pytest.mark.skipif(sys.platform != "linux", reason="The peak of a process is read from /proc.")
@pytest.mark.parametrize("user", USERS)
def test_a_strip_takes_little_memory_and_much_with_pillow_alone(user: str) -> None:
    strip = (1, 4_000_000)
    found_mb, control_mb = _peak_megabytes(user, strip), _peak_megabytes(user, strip, alone=True)
    assert found_mb < 40
    assert control_mb > found_mb + 30


@pytest.mark.parametrize("user", ["drawing", "bounded_image", "tame"])
def test_other_threads_go_on_while_a_strip_is_scaled(
    user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.full((1, 1_000_000, 3), 7, np.uint8)
    found_s = _longest_gap_s(lambda: USERS[user](pixels))
    monkeypatch.setattr(reduction, "is_huge", lambda size: False)  # the control
    assert found_s < 0.5 * _longest_gap_s(lambda: USERS[user](pixels))


def _longest_gap_s(work: Callable[[], object]) -> float:
    """Return how long another thread stood still at most; the least of two tries."""
    return min(_gap_s(work) for _ in range(2))


def _gap_s(work: Callable[[], object]) -> float:
    is_over, gaps = threading.Event(), [0.0]

    def tick() -> None:
        last_s = time.monotonic()
        while not is_over.wait(0.002):
            now_s = time.monotonic()
            gaps.append(now_s - last_s)
            last_s = now_s

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        work()
    finally:
        is_over.set()
        thread.join()
    return max(gaps)
