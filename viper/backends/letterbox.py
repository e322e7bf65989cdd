"""Resizes crops of any shape for detectors, and maps boxes back.

`letterbox` is the complete preprocessing of detectors with a fixed canvas; `tame` comes before a
library's preprocessing, which expects photographs and not crops of 3×2000 pixels. Both return a `Frame`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from viper.images.image import Pixels
from viper.images.reduction import resized

__all__ = ["Frame", "letterbox", "tame"]

# Beyond this ratio, rounding in a library's resizing leaves less than one patch of a network.
_MAX_ASPECT = 16
# Twice the largest input side of these networks. OWLv2's preprocessing pads to a square
# and blurs it, which costs gigabytes for a panorama.
_MAX_SIDE = 4096


class Frame(NamedTuple):
    """A crop, scaled and placed on a canvas."""

    pixels: Pixels
    """Shape (H, W, 3), uint8 RGB."""
    crop_wh: tuple[int, int]
    """Width and height of the crop in its own pixels."""
    scale_xy: tuple[float, float] = (1.0, 1.0)
    """Canvas pixels per crop pixel along x and y; they differ by rounding, and for thin crops."""
    offset_xy: tuple[int, int] = (0, 0)
    """Canvas pixel of the crop's top left corner."""

    def to_crop(self, boxes_xyxy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map boxes of shape (N, 4) from canvas pixels to crop pixels."""
        offset = np.array(self.offset_xy * 2, dtype=np.float64)
        scale = np.array(self.scale_xy * 2, dtype=np.float64)
        return (boxes_xyxy - offset) / scale


def letterbox(
    pixels: Pixels, canvas_wh: tuple[int, int], *, fill: int, centred: bool = False
) -> Frame:
    """Scale a crop to fit a canvas, keeping its aspect, and fill the rest with gray.

    Scaling is bilinear without a low-pass filter, which is how these networks saw their training
    images (OpenCV's INTER_LINEAR).

    Args:
        pixels: Shape (h, w, 3), uint8 RGB, at least 1×1.
        canvas_wh: Width and height of the canvas.
        fill: Gray value of the rest, 0 … 255.
        centred: Put the crop in the middle instead of the top left corner.
    """
    height, width = pixels.shape[:2]
    canvas_width, canvas_height = canvas_wh
    scale = min(canvas_width / width, canvas_height / height)
    # A thin crop keeps one pixel of its short side. Rounded down, as YOLOX does, but not for an
    # error of floating point.
    new_width = max(1, int(width * scale + 1e-6))
    new_height = max(1, int(height * scale + 1e-6))
    scale_xy = (new_width / width, new_height / height)
    scaled = Image.fromarray(pixels).transform(
        (new_width, new_height),
        Image.Transform.AFFINE,
        (1 / scale_xy[0], 0.0, 0.0, 0.0, 1 / scale_xy[1], 0.0),
        resample=Image.Resampling.BILINEAR,
    )
    left = (canvas_width - new_width) // 2 if centred else 0
    top = (canvas_height - new_height) // 2 if centred else 0
    canvas = np.full((canvas_height, canvas_width, 3), fill, dtype=np.uint8)
    canvas[top : top + new_height, left : left + new_width] = np.asarray(scaled)
    return Frame(canvas, (width, height), scale_xy, (left, top))


def tame(pixels: Pixels) -> Frame:
    """Shrink a huge crop, and widen a thin one to the right or below by repeating its edge.

    Nearly every crop comes back as it is: the result has a shape that every library accepts.

    Args:
        pixels: Shape (h, w, 3), uint8 RGB, at least 1×1.
    """
    crop_wh = width, height = pixels.shape[1], pixels.shape[0]
    if max(crop_wh) > _MAX_SIDE:
        scale = _MAX_SIDE / max(crop_wh)
        width, height = (max(1, round(side * scale)) for side in crop_wh)
        pixels = np.asarray(resized(pixels, (width, height), Image.Resampling.BILINEAR))
    scale_xy = (width / crop_wh[0], height / crop_wh[1])
    right = max(0, -(-height // _MAX_ASPECT) - width)
    below = max(0, -(-width // _MAX_ASPECT) - height)
    if right or below:
        pixels = np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="edge")
    return Frame(pixels, crop_wh, scale_xy)
