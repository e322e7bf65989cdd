"""Boxes and their arithmetic.

Everywhere in the engine a box is `(x1, y1, x2, y2)` in pixels, floats, origin TOP LEFT, x2 and y2
exclusive. The y-up frame of programs exists in the sandbox child only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from viper.errors import InputError

__all__ = ["Box", "area", "clamp", "intersection", "iou", "nms", "pixel_bounds", "read_box", "snap"]

Box = tuple[float, float, float, float]

_STEPS_PER_PIXEL = 64
# A power of two: coordinates on this lattice are exact in binary, so that `height - y` loses
# nothing and a box comes back from a program's frame as it went in, which keeps it a cache key.


def read_box(value: object, where: str) -> Box:
    """Return the box that a JSON value holds.

    Args:
        value: What should be a list of four numbers.
        where: File and line, for the error.

    Raises:
        InputError: It is no box with an area.
    """
    edges = [
        float(edge)
        for edge in (value if isinstance(value, list) else ())
        if isinstance(edge, (int, float)) and not isinstance(edge, bool) and math.isfinite(edge)
    ]
    whole = isinstance(value, list) and len(edges) == len(value) == 4
    if not whole or edges[0] >= edges[2] or edges[1] >= edges[3]:
        raise InputError(
            f"{where}: box_xyxy must be [x1, y1, x2, y2] with x1 < x2 and y1 < y2, but got {value!r}."
        )
    x1, y1, x2, y2 = edges
    return x1, y1, x2, y2


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
        boxes_xyxy: N boxes.
        scores: N scores, larger is better.
        iou_threshold: A box that overlaps a better one by more than this is a duplicate.

    Returns:
        Indices of the boxes that stay, best score first; ties keep the order given.
    """
    order = sorted(range(len(boxes_xyxy)), key=lambda index: -scores[index])
    kept: list[int] = []
    for index in order:
        if all(iou(boxes_xyxy[index], boxes_xyxy[other]) <= iou_threshold for other in kept):
            kept.append(index)
    return kept
