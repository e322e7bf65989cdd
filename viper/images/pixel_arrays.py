"""Makes pixel arrays of what a decoder returns: scales deep samples to 8 bits, and turns images upright.

- Transparent samples become white, and samples of which small ones are light are inverted.
- 16-bit gray keeps its upper eight bits (of twelve, where a TIFF says that it has twelve).
- 32-bit integers and floats, whose range no file states, are scaled from the first of 0 … 1,
  0 … 255 and 0 … 65535 that contains all values, else from their minimum to their maximum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.images.color_modes import DeepSamples
from viper.images.image import Pixels

__all__ = ["gray_pixels", "upright"]

_USUAL_RANGES = (1.0, 255.0, 65535.0)
# Temporary arrays of doubles stay small, however long a row is.
_BAND_VALUES = 1 << 17
_WHITE = 255


def gray_pixels(
    values: NDArray[Any], samples: DeepSamples, check: Callable[[], None] = lambda: None
) -> Pixels:
    """Scale samples of 16 or 32 bits to 8; returns a new array of shape (H, W, 3), uint8 RGB.

    Args:
        values: Shape (H, W): unsigned 16-bit integers, 32-bit integers or floats.
        samples: What they mean.
        check: Called now and then; may raise an exception that ends it.
    """
    if samples.is_unsigned and values.dtype.kind == "i":
        values = values.view(values.dtype.str.replace("i", "u"))
    pixels = np.empty((*values.shape, 3), np.uint8)
    with np.errstate(invalid="ignore"):  # a signaling NaN is a NaN
        _fill(pixels.reshape(-1, 3), np.ascontiguousarray(values).reshape(-1), samples, check)
    return pixels


def _bands(values: NDArray[Any], check: Callable[[], None]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield where each band of a flat array starts, and the band."""
    for start in range(0, len(values), _BAND_VALUES):
        check()
        yield start, values[start : start + _BAND_VALUES]


def _fill(
    pixels: Pixels, values: NDArray[Any], samples: DeepSamples, check: Callable[[], None]
) -> None:
    """Scale flat samples, one for each of the pixels, shape (N, 3)."""
    bottom, scale = (0.0, 0.0) if values.dtype.itemsize == 2 else _range(values, check)
    for start, band in _bands(values, check):
        if values.dtype.itemsize == 2:
            gray = (band >> (samples.bits - 8)).astype(np.uint8)
        else:
            gray = _scaled(band, bottom, scale)
        if samples.is_inverted:
            np.subtract(_WHITE, gray, out=gray)
        if samples.transparent >= 0:
            gray[band == samples.transparent] = _WHITE
        pixels[start : start + len(band)] = gray[:, None]


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Return a view turned upright by an EXIF orientation; values other than 2 … 8 change nothing.

    The numbers are those of tag 0x0112 in CIPA DC-008 (Exif 2.32), section 4.6.4.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _range(values: NDArray[Any], check: Callable[[], None]) -> tuple[float, float]:
    """Return the value that becomes black, and the factor from there; 0 where there is no contrast."""
    low, high = np.inf, -np.inf
    for _, band in _bands(values, check):
        finite = band[np.isfinite(band)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    fitting = [limit for limit in _USUAL_RANGES if low >= 0.0 and high <= limit]
    bottom, top_value = (0.0, fitting[0]) if fitting else (low, high)
    # A constant outside the usual ranges has no contrast to show: it becomes black.
    return bottom, 255.0 / (top_value - bottom) if top_value > bottom else 0.0


def _scaled(values: NDArray[Any], bottom: float, scale: float) -> Pixels:
    if not np.isfinite(bottom):  # no sample is finite
        return np.zeros(values.shape, np.uint8)
    top = bottom + 255.0 / scale if scale else bottom
    finite = np.nan_to_num(values.astype(np.float64), nan=bottom, posinf=top, neginf=bottom)
    return np.rint((finite - bottom) * scale).astype(np.uint8)
