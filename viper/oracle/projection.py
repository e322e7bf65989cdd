"""Image boxes of CLEVR's solids, and the recovery of a camera that a file does not give.

World: z up, units of Blender. Camera: x right, y up, z forward along its axis, hence `pixel_coords[2]`.
Pixels: origin top left. CLEVR's camera has no roll: its right axis is horizontal, and known from
`directions`. Its pitch and position are fitted to the positions of the objects in both frames (rigid
alignment in the vertical plane of the camera's axis, Kabsch 1976 in two dimensions).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from viper.images.boxes import Box

__all__ = ["Camera", "Solid", "Vector", "recover_camera"]

Vector = tuple[float, float, float]

# Radius of the rounded edges of CLEVR's models as a share of half the height, fitted to boxes of rendered
# scenes.
_EDGES = {"cube": 0.19, "cylinder": 0.05}

# Corners that approximate a circle, at most 0.5 % too small: 0.2 pixels at CLEVR's sizes.
_ROUND_STEPS = 32

# CLEVR's average pitch in radians, downwards, and its weight beside the objects (in squared units of their
# spread): it decides only where they do not, as with a single object.
_USUAL_PITCH = 0.45
_PRIOR_WEIGHT = 0.01


class Solid(NamedTuple):
    """A cube, sphere or cylinder as high as it is wide, standing on the ground at z = 0."""

    shape: str
    center: Vector
    rotation: float
    """About the vertical axis; only a cube's is visible. In RADIANS, although CLEVR draws the number from
    0 … 360: its generator hands degrees to Blender, which takes radians."""

    @property
    def radius(self) -> float:
        """Half the height: the centre's z, whatever scale the file's sizes have."""
        return self.center[2]

    def balls(self) -> Iterator[tuple[Vector, float]]:
        """Yield balls, as centre and radius, whose hull is the solid with its rounded edges."""
        x, y, z = self.center
        if self.shape == "sphere":
            yield self.center, self.radius
            return
        edge = _EDGES[self.shape] * self.radius
        inner = self.radius - edge
        steps, reach = (4, inner * math.sqrt(2)) if self.shape == "cube" else (_ROUND_STEPS, inner)
        for step in range(steps):
            angle = self.rotation + (step + 0.5) * math.tau / steps
            for side in (-inner, inner):
                corner = (x + reach * math.cos(angle), y + reach * math.sin(angle), z + side)
                yield corner, edge


class Camera(NamedTuple):
    """A pinhole camera: its place, its axes as unit vectors, its focal length."""

    position: Vector
    right: Vector
    up: Vector
    forward: Vector
    focal_px: float
    size: tuple[int, int]
    """(width, height) of the picture in pixels."""

    def place(self, point: Vector) -> Vector:
        """Return a point of the world in the camera's frame."""
        offset = _minus(point, self.position)
        return _dot(offset, self.right), _dot(offset, self.up), _dot(offset, self.forward)

    def box(self, solid: Solid) -> Box | None:
        """Return the box of a solid in pixels, not clamped; None if it is not in front of the camera."""
        across: list[float] = []
        upright: list[float] = []
        for center, radius in solid.balls():
            x, y, depth = self.place(center)
            if depth <= radius:
                return None
            across += _tangents(x, depth, radius)
            upright += _tangents(y, depth, radius)
        width, height = self.size
        return (
            width / 2 + self.focal_px * min(across),
            height / 2 - self.focal_px * max(upright),
            width / 2 + self.focal_px * max(across),
            height / 2 - self.focal_px * min(upright),
        )


def recover_camera(
    centers: Sequence[Vector],
    pixels: Sequence[Sequence[float]],
    right: Sequence[float],
    behind: Sequence[float],
    focal_px: float,
    size: tuple[int, int],
) -> Camera:
    """Find the camera that sees objects at given pixels and depths.

    Args:
        centers: Where the objects are in the world, at least one.
        pixels: (x, y, depth) of each centre: pixels, and units of the world along the axis.
        right: Horizontal direction to the right of the picture.
        behind: Horizontal direction away from the camera.
        focal_px: Focal length in pixels.
        size: (width, height) of the picture in pixels.

    Raises:
        ValueError: A direction has no length, or the two are not at right angles.
    """
    across = _unit((right[0], right[1], 0.0))
    ahead = _unit((behind[0], behind[1], 0.0))
    if abs(_dot(across, ahead)) > 0.01:
        raise ValueError("The directions 'right' and 'behind' must be at right angles.")
    above = (0.0, 0.0, 1.0)
    seen = [
        ((x - size[0] / 2) / focal_px * depth, (size[1] / 2 - y) / focal_px * depth, depth)
        for x, y, depth in pixels
    ]
    # In the vertical plane of the axis: (ahead, up) in the world, (depth, up) for the camera.
    world = [(_dot(center, ahead), _dot(center, above)) for center in centers]
    local = [(depth, up) for _, up, depth in seen]
    mean_world, mean_local = _mean(world), _mean(local)
    straight = _PRIOR_WEIGHT * math.cos(_USUAL_PITCH)
    crossed = _PRIOR_WEIGHT * math.sin(_USUAL_PITCH)
    for (a, b), (c, d) in zip(world, local, strict=True):
        a, b = a - mean_world[0], b - mean_world[1]
        c, d = c - mean_local[0], d - mean_local[1]
        straight += a * c + b * d
        crossed += a * d - b * c
    pitch = math.atan2(crossed, straight)
    forward = _sum((math.cos(pitch), ahead), (-math.sin(pitch), above))
    up = _sum((math.sin(pitch), ahead), (math.cos(pitch), above))
    # The camera's position follows from the mean position of the objects in both frames.
    middle = tuple(sum(axis) / len(centers) for axis in zip(*centers, strict=True))
    x = sum(sideways for sideways, _, _ in seen) / len(seen)
    from_camera = _sum((x, across), (mean_local[1], up), (mean_local[0], forward))
    position = _minus((middle[0], middle[1], middle[2]), from_camera)
    return Camera(position, across, up, forward, focal_px, size)


def _tangents(offset: float, depth: float, radius: float) -> tuple[float, float]:
    """Return the slopes of the two lines through the origin that touch a circle, the lower first."""
    root = radius * math.sqrt(offset * offset + depth * depth - radius * radius)
    scale = depth * depth - radius * radius
    return (offset * depth - root) / scale, (offset * depth + root) / scale


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _minus(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _sum(*parts: tuple[float, Vector]) -> Vector:
    """Return a sum of vectors, each with its weight."""
    x, y, z = (sum(weight * vector[axis] for weight, vector in parts) for axis in range(3))
    return x, y, z


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(_dot(vector, vector))
    if length < 1e-6:
        raise ValueError("The directions 'right' and 'behind' must have a horizontal part.")
    return vector[0] / length, vector[1] / length, vector[2] / length


def _mean(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)
