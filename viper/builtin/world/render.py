"""From a scene to its image, its depth map and the exact visible boxes of its objects.

Rays are cast from the camera; each object is tested only where its bounding sphere is visible, and pixels at
edges are drawn again with more rays. Lighting is in `shade`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viper.builtin.world.scene import Camera, Scene
from viper.builtin.world.shade import GROUND, Hits, shade
from viper.builtin.world.shapes import dot, interval, to_local
from viper.builtin.world.window import window

__all__ = ["GROUND", "Rendered", "cast", "render", "visible_pixels"]

# Where the ground fades into the horizon, in units of the world.
_FARTHEST = np.float32(60.0)
# Offsets within a pixel of the rays that smooth an edge.
_EDGE_RAYS = ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A drawn scene."""

    pixels: NDArray[np.uint8]
    """Shape (H, W, 3), RGB."""
    depth: NDArray[np.float32]
    """Shape (H, W), along the viewing axis in units of the world."""
    object_map: NDArray[np.int16]
    """Shape (H, W): index of the object that each pixel shows, `GROUND` for none."""

    @property
    def things(self) -> NDArray[np.int16]:
        """Former name of `object_map`."""
        return self.object_map

    def boxes_xyxy(self, count: int) -> NDArray[np.float64]:
        """Return the boxes of the visible parts, shape (count, 4), pixels, exclusive ends.

        A hidden object has a box of zeros.
        """
        boxes = np.zeros((count, 4))
        for index in range(count):
            mask = self.object_map == index
            columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
            if len(columns):
                boxes[index] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        return boxes


def render(scene: Scene) -> Rendered:
    """Draw a scene; the same scene always gives the same pixels."""
    width, height = scene.size
    generator = np.random.default_rng(scene.seed)
    x, y = _pixel_centers(scene.size)
    hits = cast(scene, x, y, grid=True)
    light = shade(scene, hits, generator, grid=True)  # (3, H·W), linear
    object_map = hits.objects.reshape(height, width)
    edges = np.flatnonzero(_edges(object_map).ravel())
    if len(edges):
        dx, dy = np.array(_EDGE_RAYS, np.float32).T[:, :, None]  # (rays, 1) each
        moved = cast(scene, (x[edges] + dx).ravel(), (y[edges] + dy).ravel())
        finer = shade(scene, moved, generator).reshape(3, len(_EDGE_RAYS), len(edges))
        light[:, edges] = finer.mean(axis=1)
    forward = hits.distances * hits.cosines
    pixels = _developed(light.reshape(3, height, width), scene, generator)
    return Rendered(pixels, forward.reshape(height, width), object_map)


def visible_pixels(scene: Scene) -> NDArray[np.int64]:
    """Return how many pixels show each object, shape (objects,), without drawing the image."""
    objects = cast(scene, *_pixel_centers(scene.size), grid=True).objects
    return np.bincount(objects[objects != GROUND], minlength=len(scene.objects))


def _pixel_centers(size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    return (columns.ravel() + 0.5).astype(np.float32), (rows.ravel() + 0.5).astype(np.float32)


def cast(
    scene: Scene, x: NDArray[np.float32], y: NDArray[np.float32], *, grid: bool = False
) -> Hits:
    """Return the first hits of rays through points of the image.

    Args:
        scene: The scene.
        x: Columns in pixels, shape (N,).
        y: Rows in pixels, shape (N,).
        grid: True when the points are all pixels in reading order, so that most tests can be skipped.

    Returns:
        The first hit of each ray; without an object the ground, at most `_FARTHEST` away.
    """
    directions, cosines = _rays(scene.camera, x, y, scene.size)
    origin = scene.camera.position.astype(np.float32)[:, None]  # (3, 1)
    down = np.minimum(directions[2], np.float32(-1e-4))
    distances = np.minimum(-origin[2] / down, _FARTHEST)
    objects = np.full(len(x), GROUND, np.int16)
    shape = scene.size[::-1] if grid else (1, len(x))
    for index, item in enumerate(scene.objects):
        # Views of the arrays: writing into them changes the arrays.
        area: tuple[slice, slice] = (slice(None), slice(None))
        if grid:
            area = window(scene.camera, [(item.center, item.bounding_radius)], scene.size)
        depth, index_map = distances.reshape(shape)[area], objects.reshape(shape)[area]
        towards = directions.reshape(3, *shape)[:, *area].reshape(3, -1)
        local_origin = to_local(item, origin, points=True)
        enter, leave = interval(
            item.shape, local_origin, to_local(item, towards, points=False), scene.look.bevel
        )
        nearer = (enter < leave) & (enter > 1e-3) & (enter < depth.ravel())
        chosen = nearer.reshape(depth.shape)
        depth[chosen], index_map[chosen] = enter[nearer], np.int16(index)
    return Hits(origin + directions * distances, directions, distances, cosines, objects)


def _rays(
    camera: Camera, x: NDArray[np.float32], y: NDArray[np.float32], size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return unit directions, shape (3, N), and their cosines with the viewing axis, shape (N,)."""
    focal = np.float32(camera.focal_px(size[0]))
    local = np.stack(
        [(x - size[0] / 2) / focal, (size[1] / 2 - y) / focal, np.full_like(x, -1)]
    ).astype(np.float32)
    length = np.sqrt(dot(local, local))
    world = camera.rotation @ (local / length)
    return world.astype(np.float32), np.reciprocal(length)


def _edges(object_map: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return the pixels that show another object than a neighbor, shape (H, W)."""
    edges = np.zeros(object_map.shape, bool)
    for ids, marks in ((object_map, edges), (object_map.T, edges.T)):  # rows, then columns
        changes = ids[1:] != ids[:-1]
        marks[1:] |= changes
        marks[:-1] |= changes
    return edges


def _developed(
    light: NDArray[np.float32], scene: Scene, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Convert linear light, shape (3, H, W), into an image, shape (H, W, 3)."""
    look = scene.look
    height, width = light.shape[1:]
    if look.vignette > 0:
        rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
        left = 1 - look.vignette * (rows**2 + columns**2) / 2
        light = (light * left).astype(np.float32, copy=False)
    exposed = np.clip(light * np.float32(look.exposure), np.float32(1e-6), np.float32(1))
    image = np.exp(np.log(exposed) * np.float32(1 / look.gamma))  # much faster than np.power
    if look.blur_px > 0:
        image = _blurred(image, look.blur_px)
    if look.noise > 0:
        noise = generator.standard_normal(image.shape, np.float32)
        image = image + np.float32(look.noise) * noise
    pixels = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))


def _blurred(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    reach = max(1, round(2 * sigma))
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    for axis in (1, 2):
        rows = image.swapaxes(0, axis)  # a view
        padded = np.pad(rows, ((reach, reach), (0, 0), (0, 0)), mode="edge")
        image = np.zeros_like(image)
        blurred = image.swapaxes(0, axis)
        for i, weight in enumerate(weights):
            blurred += np.float32(weight) * padded[i : i + len(blurred)]
    return image
