"""Draws `shapes.png`: cubes, spheres and cylinders on a light ground, by casting rays.

Run it without arguments to draw the file again; it takes about ten seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float64]

WIDTH, HEIGHT = 480, 320
SHADOW_RAYS = 8
FAR = 1e9  # where rays end that meet nothing
EYE = np.array([0.0, -9.4, 5.2])
TARGET = np.array([0.25, 0.30, 0.60])
FIELD_OF_VIEW = 0.43  # tangent of half the horizontal angle
LAMP, LAMP_RADIUS = np.array([-9.0, -8.5, 18.0]), 2.4
FILL = np.array([0.75, -0.45, 0.5])  # a second light from the right, without shadows
GROUND = np.array([0.70, 0.70, 0.72])


class Shape(NamedTuple):
    """A solid that stands on the ground: z points up, y away from the camera."""

    kind: str
    x: float
    y: float
    size: float  # radius, or half the edge of a cube
    turn: float  # radians about the vertical
    colour: tuple[float, float, float]
    gloss: float


SHAPES = (
    Shape("cube", -2.45, 0.55, 0.72, 0.50, (0.68, 0.04, 0.04), 0.15),
    Shape("sphere", -0.45, 1.65, 0.80, 0.00, (0.03, 0.15, 0.62), 0.60),
    Shape("cylinder", 1.60, 1.10, 0.66, 0.00, (0.90, 0.52, 0.02), 0.25),
    Shape("cube", 3.50, 1.60, 0.58, 0.95, (0.03, 0.36, 0.10), 0.15),
    Shape("sphere", -1.10, -1.15, 0.46, 0.00, (0.90, 0.52, 0.02), 0.60),
    Shape("cube", 0.70, -1.10, 0.42, 0.30, (0.03, 0.15, 0.62), 0.15),
    Shape("cylinder", 2.45, -1.10, 0.42, 0.00, (0.30, 0.05, 0.38), 0.25),
)


def draw(samples: int = 3) -> Image.Image:
    """Return the picture, averaged over `samples` × `samples` rays per pixel."""
    rows, columns = HEIGHT * samples, WIDTH * samples
    forward = unit(TARGET - EYE)
    right = unit(np.cross(forward, [0.0, 0.0, 1.0]))
    x = ((np.arange(columns) + 0.5) / columns * 2 - 1) * FIELD_OF_VIEW
    y = (1 - (np.arange(rows) + 0.5) / rows * 2) * FIELD_OF_VIEW * HEIGHT / WIDTH
    rays = unit(
        forward + x[None, :, None] * right + y[:, None, None] * np.cross(right, forward)
    ).reshape(-1, 3)
    # In parts, so that a few hundred megabytes are enough.
    linear = np.concatenate([colours(part) for part in np.array_split(rays, 24)])
    pixels = linear.reshape(HEIGHT, samples, WIDTH, samples, 3).mean(axis=(1, 3))
    return Image.fromarray(np.rint(np.clip(pixels, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))


def colours(rays: Array) -> Array:
    """Return the linear colour that each ray from the eye meets, shape (N, 3)."""
    distance = np.where(rays[:, 2] < 0, -EYE[2] / np.minimum(rays[:, 2], -1e-9), FAR)
    normal = np.broadcast_to([0.0, 0.0, 1.0], rays.shape).copy()
    surface = np.broadcast_to(GROUND, rays.shape).copy()
    gloss = np.zeros(len(rays))
    for shape in SHAPES:
        near, facing = HIT[shape.kind](shape, EYE[None], rays)
        closer = near < distance
        distance[closer], normal[closer] = near[closer], facing[closer]
        surface[closer], gloss[closer] = shape.colour, shape.gloss
    points = EYE + rays * distance[:, None] + normal * 1e-4
    towards = unit(LAMP - points)
    lit = np.maximum((normal * towards).sum(1), 0) * shadow_free(points)
    sky = 0.5 + 0.5 * normal[:, 2]
    light = 0.85 * lit + 0.12 * np.maximum(normal @ unit(FILL), 0) + 0.26 * sky
    highlight = np.maximum((normal * unit(towards - rays)).sum(1), 0) ** 60
    return surface * light[:, None] + (gloss * highlight * (lit > 0) * 0.9)[:, None]


def shadow_free(points: Array) -> Array:
    """Return the part of the lamp, a ball, that each point sees: 0 … 1."""
    noise = np.random.default_rng(7)
    seen = np.zeros(len(points))
    for _ in range(SHADOW_RAYS):
        # A point of the ball for each ray: the grain averages out over the samples of a pixel.
        towards = unit(LAMP + unit(noise.normal(size=points.shape)) * LAMP_RADIUS - points)
        blocked = np.zeros(len(points), bool)
        for shape in SHAPES:
            blocked |= HIT[shape.kind](shape, points, towards)[0] < FAR
        seen += ~blocked
    return seen / SHADOW_RAYS


def hit_sphere(shape: Shape, start: Array, rays: Array) -> tuple[Array, Array]:
    """Return where rays enter, FAR for a miss, and the outward normal there."""
    away = start - [shape.x, shape.y, shape.size]
    half = (away * rays).sum(1)
    root = half**2 - (away**2).sum(1) + shape.size**2
    near = -half - np.sqrt(np.maximum(root, 0))
    near = np.where((root > 0) & (near > 1e-6), near, FAR)
    return near, (away + rays * near[:, None]) / shape.size


def hit_cube(shape: Shape, start: Array, rays: Array) -> tuple[Array, Array]:
    """The same for a cube: the last of the three slabs to be entered."""
    cos, sin = np.cos(shape.turn), np.sin(shape.turn)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    away, along = (start - [shape.x, shape.y, shape.size]) @ turn, rays @ turn
    along = np.where(np.abs(along) < 1e-12, 1e-12, along)
    ends = np.stack([-away - shape.size, -away + shape.size]) / along
    enter, near = ends.min(0), ends.min(0).max(1)
    near = np.where((near < ends.max(0).min(1)) & (near > 1e-6), near, FAR)
    return near, (np.eye(3)[enter.argmax(1)] * -np.sign(along)) @ turn.T


def hit_cylinder(shape: Shape, start: Array, rays: Array) -> tuple[Array, Array]:
    """The same for an upright cylinder, as high as wide: its wall or its lid."""
    away = start - [shape.x, shape.y, 0]
    flat = np.maximum((rays[:, :2] ** 2).sum(1), 1e-12)
    half = (away[:, :2] * rays[:, :2]).sum(1)
    root = half**2 - flat * ((away[:, :2] ** 2).sum(1) - shape.size**2)
    wall = (-half - np.sqrt(np.maximum(root, 0))) / flat
    level = (away[:, 2] + rays[:, 2] * wall) / shape.size
    wall = np.where((root > 0) & (wall > 1e-6) & (level > 0) & (level < 2), wall, FAR)
    lid = (2 * shape.size - away[:, 2]) / np.where(np.abs(rays[:, 2]) < 1e-12, 1e-12, rays[:, 2])
    top = away + rays * lid[:, None]
    lid = np.where((lid > 1e-6) & ((top[:, :2] ** 2).sum(1) < shape.size**2), lid, FAR)
    normal = (away + rays * wall[:, None]) * [1, 1, 0] / shape.size
    normal[lid < wall] = [0, 0, 1]
    return np.minimum(wall, lid), normal


HIT = {"sphere": hit_sphere, "cube": hit_cube, "cylinder": hit_cylinder}


def unit(vectors: Array) -> Array:
    """Scale vectors to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


if __name__ == "__main__":
    draw().save(Path(__file__).with_name("shapes.png"), optimize=True)
