"""Reflections on metal: the other objects, the ground and the dim room above, more or less blurred."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viper.builtin.world.scene import Scene, SceneObject
from viper.builtin.world.shapes import Vectors, column, dot, interval, to_local

__all__ = ["mirrored"]

# Rays per pixel of rough metal; blur and neighboring pixels reduce the remaining noise.
_RAYS = 2
# Distance at which the ground is darkest, in units of the world.
_FARTHEST = 60


def mirrored(
    scene: Scene,
    starts: Vectors,
    directions: Vectors,
    surface_normals: Vectors,
    own: NDArray[np.int16],
    generator: np.random.Generator,
) -> Vectors:
    """Return the linear light that metal surfaces mirror, shape (3, N).

    A rough surface mirrors along several rays around the ray of a smooth surface.

    Args:
        scene: The scene.
        starts: Origins of the rays on the surfaces, shape (3, N).
        directions: Of the rays from the camera, unit, shape (3, N).
        surface_normals: Shape (3, N).
        own: Index of the object that each surface belongs to, which it does not mirror; shape (N,).
        generator: Random numbers for the roughness.
    """
    along = dot(directions, surface_normals) * np.float32(2)
    bounce = np.subtract(directions, along * surface_normals, dtype=np.float32)
    rough = np.float32(scene.look.metal_roughness)
    if rough <= 0:
        return _light_along(scene, starts, bounce, own)
    count = starts.shape[1]
    spread = generator.standard_normal((3, _RAYS * count), np.float32) * rough
    rays = np.add(np.tile(bounce, _RAYS), spread, dtype=np.float32)
    rays /= np.sqrt(dot(rays, rays))
    light = _light_along(scene, np.tile(starts, _RAYS), rays, np.tile(own, _RAYS))
    mean: Vectors = light.reshape(3, _RAYS, count).mean(axis=1)
    return mean


def _light_along(scene: Scene, starts: Vectors, rays: Vectors, own: NDArray[np.int16]) -> Vectors:
    """Return the approximate light along unit rays, shape (3, N); objects have one brightness."""
    look = scene.look
    total = np.float32(look.ambient + 0.6 * sum(light.power for light in look.lights))
    above = np.clip(rays[2], 0, 1)
    room = np.float32(look.room) * (1 + 2 * above**2)  # dim at the horizon, lights above
    down = rays[2] < 0
    nearest = np.where(down, -starts[2] / np.minimum(rays[2], np.float32(-1e-4)), np.float32(1e9))
    # Far from the lights the ground is dark, so that it merges with the room.
    lit = total * np.exp(-np.float32(look.ground_fading) * np.minimum(nearest, _FARTHEST))
    ground = column(look.ground) * np.maximum(lit, room)
    result = np.where(down, ground, room)
    for index, item in enumerate(scene.objects):
        chosen = np.flatnonzero(_passes(item, starts, rays) & (own != index))
        if not len(chosen):
            continue
        enter, leave = interval(
            item.shape,
            to_local(item, starts[:, chosen], points=True),
            to_local(item, rays[:, chosen], points=False),
        )
        nearer = (enter < leave) & (enter > 1e-2) & (enter < nearest[chosen])
        chosen = chosen[nearer]
        nearest[chosen] = enter[nearer]
        result[:, chosen] = scene.linear_color(index)[:, None] * total * np.float32(0.7)
    light: Vectors = result.astype(np.float32, copy=False)
    return light


def _passes(item: SceneObject, starts: Vectors, rays: Vectors) -> NDArray[np.bool_]:
    """Return which rays meet the bounding sphere of an object, shape (N,)."""
    to_center = column(item.center) - starts
    along = dot(rays, to_center)
    aside = dot(to_center, to_center) - along**2
    meets: NDArray[np.bool_] = (along > 0) & (aside < np.float32(item.bounding_radius**2))
    return meets
