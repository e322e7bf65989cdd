"""The pixels of an image that can show a ball of the world, so that the others can be skipped.

The rectangle around the projection of a sphere is exact (Mara and McGuire 2013, "2D Polyhedral Bounds of a
Clipped, Perspective-Projected 3D Sphere", section 2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from viper.builtin.world.scene import Camera

__all__ = ["window"]

Ball = tuple[Sequence[float], float]
"""Center in the world, and radius."""


def window(camera: Camera, balls: Sequence[Ball], size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rectangle of an image that contains the convex hull of balls.

    Args:
        camera: The camera.
        balls: At least one.
        size: (width, height) of the image in pixels.

    Returns:
        Rows and columns; empty if the hull is outside.
    """
    width, height = size
    rectangles = [_rectangle(camera, ball, size) for ball in balls]
    if None in rectangles:  # the camera is (almost) inside a ball: every pixel may show it
        return slice(0, height), slice(0, width)
    # Projection keeps straight lines: the hull lies in the rectangle around all rectangles.
    left, top, right, bottom = np.array([r for r in rectangles if r is not None]).T
    rows = slice(max(int(top.min()), 0), max(0, min(int(bottom.max()), height)))
    columns = slice(max(int(left.min()), 0), max(0, min(int(right.max()), width)))
    return rows, columns


def _rectangle(
    camera: Camera, ball: Ball, size: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Return (left, top, right, bottom) in pixels, exclusive ends; None if the camera is in the ball."""
    center, radius = ball
    x, y, depth = camera.local(np.array([center], float))[0]
    if depth <= radius * 1.01:
        return None
    focal = camera.focal_px(size[0])
    edges = []
    for middle, offset in ((size[0] / 2, x), (size[1] / 2, -y)):
        reach = radius * (offset**2 + depth**2 - radius**2) ** 0.5
        low, high = (
            middle + focal * (offset * depth + sign * reach) / (depth**2 - radius**2)
            for sign in (-1, 1)
        )
        # One more pixel on each side for the rounding of float32 rays.
        edges += [math.floor(low) - 1, math.ceil(high) + 1]
    return edges[0], edges[2], edges[1], edges[3]
