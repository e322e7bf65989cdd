"""Boxes and their arithmetic.

Everywhere in the engine a box is `(x1, y1, x2, y2)` in pixels, floats, origin TOP LEFT, x2 and y2
exclusive. The y-up frame of programs exists in the sandbox child only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from viper.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "MAX_COORDINATE",
    "Box",
    "area",
    "clamp",
    "intersection",
    "iou",
    "nms",
    "pixel_bounds",
    "read_box",
    "snap",
]

Box = tuple[float, float, float, float]

MAX_COORDINATE = 1e9
"""Largest coordinate of a box in a file, in pixels; areas and their sums stay exact enough and finite."""

# A power of two: coordinates on this lattice are exact in binary, so that `height - y` loses nothing.
# A box then returns unchanged from a program's frame, and cache keys still match.
_STEPS_PER_PIXEL = 64


def read_box(value: object, where: str) -> Box:
    """Return the box that a JSON value holds.

    Args:
        value: What should be a list of four numbers.
        where: File and line, for the error.

    Raises:
        InputError: It is not a box with an area.
    """
    edges: list[Any] = value if isinstance(value, list) and len(value) == 4 else []
    # False for NaN, too; an integer of any length is compared without becoming a float.
    if edges and all(type(e) in (int, float) and abs(e) <= MAX_COORDINATE for e in edges):
        x1, y1, x2, y2 = map(float, edges)
        if x1 < x2 and y1 < y2:
            return x1, y1, x2, y2
    raise InputError(
        f"{where}: box_xyxy must be [x1, y1, x2, y2] with x1 < x2 and y1 < y2, within ±1e9 pixels, but "
        f"got {repr(value)[:80]}."
    )


def area(box_xyxy: Box) -> float:
    """Return the area in square pixels, 0 for an inverted box."""
    x1, y1, x2, y2 = box_xyxy
    return max(0.0, x2 - x1) * max(0.0, y2 - y1)


def intersection(a_xyxy: Box, b_xyxy: Box) -> float:
    """Return the area that two boxes share, in square pixels."""
    return area(
        (
            max(a_xyxy[0], b_xyxy[0]),
            max(a_xyxy[1], b_xyxy[1]),
            min(a_xyxy[2], b_xyxy[2]),
            min(a_xyxy[3], b_xyxy[3]),
        )
    )


def iou(a_xyxy: Box, b_xyxy: Box) -> float:
    """Return intersection over union in 0 … 1; 0 when both are empty."""
    overlap = intersection(a_xyxy, b_xyxy)
    union = area(a_xyxy) + area(b_xyxy) - overlap
    return overlap / union if union > 0 else 0.0


def clamp(box_xyxy: Box, width: float, height: float) -> Box:
    """Return the part of a box inside an image of `width` by `height` pixels (may be empty)."""
    x1, y1, x2, y2 = box_xyxy
    return (
        min(max(x1, 0.0), width),
        min(max(y1, 0.0), height),
        min(max(x2, 0.0), width),
        min(max(y2, 0.0), height),
    )


def snap(box_xyxy: Box) -> Box:
    """Round a box to 1/64 pixel, a lattice on which flipping the y axis is exact."""
    x1, y1, x2, y2 = (round(value * _STEPS_PER_PIXEL) / _STEPS_PER_PIXEL for value in box_xyxy)
    return (x1, y1, x2, y2)


def pixel_bounds(box_xyxy: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the whole pixels that a box touches: floor of the low, ceiling of the high edges.

    Returns:
        `(left, top, right, bottom)` inside the image, right and bottom exclusive, at least one
        pixel each way.
    """
    x1, y1, x2, y2 = clamp(box_xyxy, width, height)
    left = min(math.floor(x1), width - 1)
    top = min(math.floor(y1), height - 1)
    return left, top, max(left + 1, math.ceil(x2)), max(top + 1, math.ceil(y2))


def nms(boxes_xyxy: Sequence[Box], scores: Sequence[float], iou_threshold: float) -> list[int]:
    """Greedy non-maximum suppression.

    Args:
        boxes_xyxy: N boxes, their edges finite.
        scores: N scores, larger is better.
        iou_threshold: A box that overlaps a better one by more than this is a duplicate.

    Returns:
        Indices of the boxes that stay, best score first; ties keep the order given.
    """
    import numpy as np

    order = sorted(range(len(boxes_xyxy)), key=lambda index: -scores[index])
    if iou_threshold >= 1:
        return order  # no IoU is larger, however floats are rounded
    edges = np.array([boxes_xyxy[index] for index in order], dtype=np.float64).reshape(-1, 4).T
    kept: list[int] = []
    left = np.arange(len(order))  # places in `order` that no better box has suppressed
    while left.size:
        first = min(_BLOCK, left.size)
        within = _iou_within(edges[:, left], edges[:, left[:first]], iou_threshold)
        stays = np.ones(left.size, dtype=np.bool_)
        for place in range(first):
            if stays[place]:
                kept.append(order[left[place]])
                stays[place + 1 :] &= within[place, place + 1 :]
        left = left[first:][stays[first:]]
    return kept


# Boxes that are compared with all later ones in one step.
_BLOCK = 32


def _iou_within(
    a_edges: NDArray[np.float64], b_edges: NDArray[np.float64], iou_threshold: float
) -> NDArray[np.bool_]:
    """Return where the `iou` of N boxes with M others is at most a threshold, shape (M, N).

    Args:
        a_edges: x1, y1, x2, y2 of the N, shape (4, N), finite.
        b_edges: The same for the M others, shape (4, M).
        iou_threshold: Compared with exactly the value that `iou` returns.
    """
    import numpy as np

    def areas(edges: NDArray[np.float64]) -> NDArray[np.float64]:
        sides = np.maximum(edges[2:] - edges[:2], 0.0)
        return cast("NDArray[np.float64]", sides[0] * sides[1])

    a, b = a_edges[:, np.newaxis, :], b_edges[:, :, np.newaxis]
    meet = (a[0] < b[2]) & (b[0] < a[2]) & (a[1] < b[3]) & (b[1] < a[3])
    within = np.full(meet.shape, iou_threshold >= 0)  # boxes that do not meet have an IoU of 0
    other, one = np.nonzero(meet)
    a, b = a_edges[:, one], b_edges[:, other]
    # As in `iou`, overflow is silent, and an empty union gives 0.
    with np.errstate(all="ignore"):
        overlap = areas(np.concatenate((np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:]))))
        union = areas(a) + areas(b) - overlap
        within[other, one] = np.where(union > 0, overlap / union, 0.0) <= iou_threshold
    return within
