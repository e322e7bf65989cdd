"""Large images are scaled without floats of all their pixels; others exactly as the models were measured."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from viper.builtin import scaling
from viper.builtin.graphs import Graphs
from viper.builtin.loading import SHIPPED
from viper.builtin.scaling import LARGE_PIXELS, scaled
from viper.builtin.sight import Viewer
from viper.images.decoding import open_image
from viper.images.image import ImageRef, Pixels

# (width, height) of an image, and what it is scaled to: usual, wide, tall, panoramas both ways.
LARGE = {
    "photograph": ((3_000, 2_000), (384, 256)),
    "wide": ((6_000, 1_000), (384, 64)),
    "tall": ((1_000, 6_000), (85, 512)),
    "panorama": ((130_000, 40), (384, 1)),
    "column": ((40, 130_000), (1, 512)),
    "one row": ((5_000_000, 1), (384, 1)),
    "sides that are no multiples": ((2_501, 1_999), (384, 307)),
}


def picture(size_wh: tuple[int, int]) -> Pixels:
    """Return waves with noise."""
    width, height = size_wh
    waves = 100 + 60 * np.sin(np.linspace(0, 9, width))
    rows = np.linspace(0.5, 1, height)
    noise = np.random.default_rng(0).integers(0, 30, 8_191)
    pixels = np.empty((height, width, 3), np.uint8)
    for channel in range(3):
        pixels[..., channel] = np.outer(rows, waves) + np.resize(noise, (height, width))
    return pixels


def in_floats(pixels: Pixels, size_wh: tuple[int, int]) -> np.ndarray:
    """Return what the models were trained and measured with."""
    image = np.divide(pixels.transpose(2, 0, 1), 255, dtype=np.float32)
    channels = [
        Image.fromarray(np.ascontiguousarray(one)).resize(size_wh, Image.Resampling.BILINEAR)
        for one in image
    ]
    return np.stack([np.asarray(channel) for channel in channels])


@pytest.mark.parametrize("size", [(480, 320), (384, 256), (7, 5), (5, 90), (2_500, 1_600)])
def test_usual_images_are_scaled_exactly_as_in_floats(size: tuple[int, int]) -> None:
    assert size[0] * size[1] <= LARGE_PIXELS
    wanted = (384, max(1, round(size[1] * 384 / size[0])))
    pixels = picture(size)
    np.testing.assert_array_equal(scaled(pixels, wanted), in_floats(pixels, wanted))


@pytest.mark.parametrize("kind", LARGE)
def test_a_large_image_looks_as_in_floats_and_takes_little_memory(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, wanted = LARGE[kind]
    pixels = picture(size)

    def peak_bytes(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, int]:
        tracemalloc.start()
        try:
            return work(), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    found, found_bytes = peak_bytes(lambda: scaled(pixels, wanted))
    monkeypatch.setattr(scaling, "LARGE_PIXELS", 1 << 60)  # the control
    floats, floats_bytes = peak_bytes(lambda: scaled(pixels, wanted))
    assert np.abs(found - floats).max() < 6 / 255
    # Where all rows become one, the last average may be of fewer rows than the others.
    assert np.abs(found - floats).mean() < (1 if min(wanted) > 1 else 4) / 255
    assert floats_bytes > 12 * pixels.size // 3
    assert found_bytes < 0.5 * floats_bytes


def test_a_large_image_takes_a_fraction_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = picture((4_000, 3_000))

    def spent_s() -> float:
        started_s = time.thread_time()
        scaled(pixels, (384, 256))
        return time.thread_time() - started_s

    found_s = min(spent_s(), spent_s())
    monkeypatch.setattr(scaling, "LARGE_PIXELS", 1 << 60)  # the control
    assert found_s < 0.6 * spent_s()


def test_a_large_image_shows_the_same_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = open_image("examples/shapes.png").pixels()
    large = np.asarray(Image.fromarray(shapes).resize((3_000, 2_000), Image.Resampling.BICUBIC))
    viewer = Viewer(Graphs(SHIPPED))
    found = viewer.look_at(large)
    monkeypatch.setattr(scaling, "LARGE_PIXELS", 1 << 60)
    floats = viewer.look_at(large)
    assert len(found.scores) == len(floats.scores) == 8
    np.testing.assert_allclose(found.scores, floats.scores, atol=0.01)
    np.testing.assert_allclose(found.boxes_xyxy, floats.boxes_xyxy, atol=2)


@pytest.mark.parametrize("size", [(3_000, 2_000), (64, 64)])
def test_an_image_that_loads_slowly_holds_nobody_up(size: tuple[int, int]) -> None:
    viewer = Viewer(Graphs(SHIPPED))
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> Pixels:
        begun.set()
        assert may_end.wait(30)
        return np.zeros((size[1], size[0], 3), np.uint8)

    def fast() -> Pixels:
        return np.zeros((64, 64, 3), np.uint8)

    thread = threading.Thread(target=viewer.look, args=(ImageRef("slow", size, load=slow),))
    thread.start()
    assert begun.wait(30)
    try:
        viewer.look(ImageRef("fast", (64, 64), load=fast))  # with a lock around both, it never ends
        assert thread.is_alive()
    finally:
        may_end.set()
        thread.join()
