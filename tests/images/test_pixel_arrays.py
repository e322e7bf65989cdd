"""What the host does with samples takes little memory and time, whatever the shape of an image."""

from __future__ import annotations

import threading
import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from fakes.hostile_images import encoded
from viper.images import confined_decoding, pixel_arrays
from viper.images.cancellation import Cancellation
from viper.images.color_modes import DeepSamples
from viper.images.confined_decoding import decode
from viper.images.decoding_error import DecodingError
from viper.images.pixel_arrays import gray_pixels

SHAPES = [(1, 3_000_000), (3, 1_000_000), (1_000_000, 3), (3_000_000, 1), (2_000, 1_500)]


def peak_bytes(shape: tuple[int, int], dtype: str, **meaning: bool) -> int:
    values = np.linspace(0, 60_000, shape[0] * shape[1]).astype(dtype).reshape(shape)
    tracemalloc.start()
    gray_pixels(values, DeepSamples(**meaning))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["<f4", "=i4", "<u2"])
def test_samples_of_long_rows_take_little_memory(shape: tuple[int, int], dtype: str) -> None:
    assert peak_bytes(shape, dtype) < 3 * 3_000_000 + (8 << 20)


def test_control_bands_of_a_whole_image_take_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_arrays, "_BAND_VALUES", 3_000_000)
    assert peak_bytes(SHAPES[0], "<f4") > 3 * 3_000_000 + (32 << 20)


@pytest.mark.parametrize("band", [1, 7, 1 << 17])
@pytest.mark.parametrize("dtype", ["<f4", ">u2"])
def test_bands_change_no_pixel(band: int, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(0, 65_536, (13, 11)).astype(dtype)
    samples = DeepSamples(transparent=int(values[3, 4]), is_inverted=True)
    expected = gray_pixels(values, samples)
    monkeypatch.setattr(pixel_arrays, "_BAND_VALUES", band)
    np.testing.assert_array_equal(gray_pixels(values, samples), expected)


FLOATS = encoded(Image.new("F", (3_000, 2_000), 5.0), "TIFF", compression="tiff_adobe_deflate")


@pytest.mark.parametrize("way", ["cancel", "deadline"])
def test_scaling_in_the_host_ends_with_its_request(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def accept(width: int, height: int) -> None:
        """Accept any size."""

    cancellation, begun, checks = Cancellation(), threading.Event(), [0]

    def slow(values: object, samples: object, check: object) -> None:
        begun.set()
        if way == "deadline":
            cancellation.deadline_s = time.monotonic() + 0.1
        else:
            threading.Timer(0.1, cancellation.cancel).start()
        while checks[0] < 1_000:
            checks[0] += 1
            check()  # type: ignore[operator]
            time.sleep(0.01)

    assert decode(FLOATS, accept, Cancellation()).shape == (2_000, 3_000, 3)  # the control
    monkeypatch.setattr(confined_decoding, "gray_pixels", slow)
    with pytest.raises(DecodingError) as caught:
        decode(FLOATS, accept, cancellation)
    assert caught.value.kind == "time"
    assert begun.is_set()
    assert checks[0] < 1_000
