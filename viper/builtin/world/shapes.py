"""Intersections of rays with the shapes, and the normals of their surfaces.

All shapes are convex, so a ray meets each in one interval. Coordinates are in a shape's own frame: its
center is the origin, its half height 1, and it is upright. The edges of cubes and cylinders are rounded:
their normals turn within the bevel, and the edges and corners of cubes are replaced by flat cuts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from viper.builtin.world.scene import SceneObject, Shape

__all__ = ["Vectors", "column", "direction", "dot", "interval", "normals", "to_local"]

Vectors = NDArray[np.float32]
"""Shape (3, N): rows are x, y, z."""
_FAR = np.float32(1e9)
# Directions of the cuts; each cuts off two opposite edges or corners.
_EDGES = ((1, 1, 0), (1, -1, 0), (1, 0, 1), (1, 0, -1), (0, 1, 1), (0, 1, -1))
_CORNERS = ((1, 1, 1), (1, 1, -1), (1, -1, 1), (-1, 1, 1))
_SMALLEST_BEVEL = 1e-3
# Bevel of a cylinder as a share of that of a cube.
_CYLINDER_BEVEL = 0.3


def column(values: Sequence[float]) -> Vectors:
    """Return one vector as an array of shape (3, 1)."""
    return np.array(values, np.float32)[:, None]


def to_local(item: SceneObject, vectors: Vectors, *, points: bool) -> Vectors:
    """Bring world vectors into the frame of an object.

    Args:
        item: The object.
        vectors: Shape (3, N).
        points: True for positions, False for directions, which are not moved.
    """
    x, y, z = vectors
    if points:
        cx, cy, cz = item.center
        x, y, z = x - np.float32(cx), y - np.float32(cy), z - np.float32(cz)
    scale = np.float32(1 / item.half)
    if item.shape == "sphere":
        return np.stack([x * scale, y * scale, z * scale])
    cos, sin = (value * scale for value in direction(item))
    return np.stack([x * cos + y * sin, y * cos - x * sin, z * scale])


def direction(item: SceneObject) -> tuple[np.float32, np.float32]:
    """Return cosine and sine of the rotation of an object."""
    angle = np.deg2rad(item.rotation_deg)
    return np.float32(np.cos(angle)), np.float32(np.sin(angle))


def interval(
    shape: Shape, origins: Vectors, directions: Vectors, bevel: float = 0.0
) -> tuple[Vectors, Vectors]:
    """Return the distances at which rays enter and leave a shape, in its own frame.

    Args:
        shape: The shape.
        origins: Shape (3, N) or (3, 1).
        directions: Shape (3, N).
        bevel: Radius of a cube's rounded edges; 0 for sharp ones.

    Returns:
        Two arrays of shape (N,), in units of `directions`; a ray that misses has enter > leave.
    """
    if shape == "sphere":
        return _ball(origins, directions, axes=3)
    if shape == "cylinder":
        enter, leave = _ball(origins, directions, axes=2)
        low, high = _slab(origins[2], directions[2])
        return np.maximum(enter, low), np.minimum(leave, high)
    enter, leave = _slab(origins[0], directions[0])
    for axis in (1, 2):
        low, high = _slab(origins[axis], directions[axis])
        enter, leave = np.maximum(enter, low), np.minimum(leave, high)
    if bevel > 0:
        _cut(origins, directions, bevel, enter, leave)
    return enter, leave


def _cut(
    origins: Vectors, directions: Vectors, bevel: float, enter: Vectors, leave: Vectors
) -> None:
    """Narrow the intervals of a cube in place by the planes of its bevel."""
    hit = np.flatnonzero(enter < leave)
    o = origins if origins.shape[1] == 1 else origins[:, hit]
    d = directions[:, hit]
    low, high = enter[hit], leave[hit]
    for planes, reach in ((_EDGES, 2 - (2 - 2**0.5) * bevel), (_CORNERS, 3 - (3 - 3**0.5) * bevel)):
        for plane in planes:
            axis = (np.array(plane) / reach).astype(np.float32)[None]  # (1, 3)
            a, b = _slab((axis @ o)[0], (axis @ d)[0])
            low, high = np.maximum(low, a), np.minimum(high, b)
    enter[hit], leave[hit] = low, high


def normals(shape: Shape, points: Vectors, bevel: float) -> Vectors:
    """Return unit normals at points of a surface, in the shape's frame, shape (3, N)."""
    bevel = max(bevel, _SMALLEST_BEVEL)
    if shape == "sphere":
        found = points
    elif shape == "cylinder":
        radius = np.sqrt(points[0] ** 2 + points[1] ** 2) + np.float32(1e-6)
        bevel *= _CYLINDER_BEVEL
        side = _beyond_bevel(radius, bevel) / radius
        found = np.stack([points[0] * side, points[1] * side, _signed_bevel(points[2], bevel)])
    else:
        found = np.stack([_signed_bevel(axis, bevel) for axis in points])
    length = np.maximum(np.sqrt(dot(found, found)), np.float32(1e-6))
    return np.divide(found, length).astype(np.float32, copy=False)


def dot(one: Vectors, other: Vectors) -> Vectors:
    """Return the scalar products of vectors, shape (N,); faster than a sum over the first axis."""
    product: Vectors = one[0] * other[0] + one[1] * other[1] + one[2] * other[2]
    return product


def _ball(origins: Vectors, directions: Vectors, *, axes: int) -> tuple[Vectors, Vectors]:
    """Solve |o + t·d| = 1 over the first `axes` coordinates."""
    a = b = c = np.float32(0)
    for axis in range(axes):
        a = a + directions[axis] * directions[axis]
        b = b + origins[axis] * directions[axis]
        c = c + origins[axis] * origins[axis]
    a = a + np.float32(1e-12)
    discriminant = b * b - a * (c - np.float32(1))
    root = np.sqrt(np.maximum(discriminant, 0))
    hit = discriminant > 0
    return np.where(hit, (-b - root) / a, _FAR), np.where(hit, (-b + root) / a, -_FAR)


def _slab(origin: Vectors, direction: Vectors) -> tuple[Vectors, Vectors]:
    """Solve |o + t·d| ≤ 1 for one coordinate."""
    safe = np.where(np.abs(direction) < 1e-9, np.float32(1e-9), direction)
    one, two = (-1 - origin) / safe, (1 - origin) / safe
    return np.minimum(one, two), np.maximum(one, two)


def _beyond_bevel(distance: Vectors, bevel: float) -> Vectors:
    beyond: Vectors = np.maximum(distance - np.float32(1 - bevel), 0)
    return beyond


def _signed_bevel(coordinate: Vectors, bevel: float) -> Vectors:
    signed: Vectors = np.sign(coordinate) * _beyond_bevel(np.abs(coordinate), bevel)
    return signed
