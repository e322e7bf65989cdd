"""Lighting: area lights with soft shadows, matte rubber, shiny metal.

Light is linear. A surface receives ambient light and direct light from each visible light; metal also mirrors
the other objects, the ground and the dim room above. Shadows are soft because each pixel tests several points
of a light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viper.builtin.world.mirror import mirrored
from viper.builtin.world.scene import Light, Scene, SceneObject
from viper.builtin.world.shapes import Vectors, column, direction, dot, interval, normals, to_local
from viper.builtin.world.window import window

__all__ = ["GROUND", "Hits", "shade"]

GROUND = -1
"""Index of the ground in maps of objects."""
_LIGHT_POINTS = 5
_SURFACE = np.float32(2e-3)
# Distance from a surface at which a second ray starts, so that it does not meet the surface itself.


@dataclass(frozen=True, slots=True)
class Hits:
    """The first hits of N rays."""

    points: Vectors
    """Shape (3, N), world."""
    directions: Vectors
    """Shape (3, N), unit, from the camera."""
    distances: Vectors
    """Shape (N,), along the rays."""
    cosines: Vectors
    """Shape (N,), of the rays with the viewing axis."""
    objects: NDArray[np.int16]
    """Shape (N,), index of the object or −1 for the ground."""


def shade(
    scene: Scene, hits: Hits, generator: np.random.Generator, *, grid: bool = False
) -> Vectors:
    """Return the linear light along each ray, shape (3, N).

    Args:
        scene: The scene.
        hits: Of the rays.
        generator: Random numbers for the roughness of metal.
        grid: True when the rays are those of all pixels in reading order, so that most tests can be skipped.
    """
    surface_normals, colors = _surfaces(scene, hits)
    starts = np.add(hits.points, surface_normals * _SURFACE, dtype=np.float32)
    look = scene.look
    arriving = np.full_like(colors, look.ambient)
    on_object = np.flatnonzero(hits.objects != GROUND)
    is_metal = np.array([*(item.material == "metal" for item in scene.objects), False])
    metal = is_metal[hits.objects[on_object]]
    shine = np.zeros((3, len(on_object)), np.float32)  # highlights (Blinn 1977)
    sharpness = np.where(metal, np.float32(look.metal_sharpness), np.float32(12))
    strength = np.where(metal, np.float32(look.metal_gloss), np.float32(look.rubber_gloss))
    object_normals = surface_normals[:, on_object]
    for light in look.lights:
        towards, facing = _towards(light, starts, surface_normals)
        visible = _visible_share(scene, light, starts, hits.objects, facing, grid=grid)
        amount = facing * visible * np.float32(light.power)
        tint = column(light.tint)
        arriving += amount * tint
        half = towards[:, on_object] - hits.directions[:, on_object]
        half /= np.sqrt(dot(half, half)) + np.float32(1e-6)
        cosine = np.maximum(dot(half, object_normals), 0)
        received = visible[on_object] * np.float32(light.power)
        shine += tint * (received * strength * cosine**sharpness)
    result = colors * arriving
    result[:, on_object] += shine
    if metal.any():
        shiny = on_object[metal]
        reflection = mirrored(
            scene,
            starts[:, shiny],
            hits.directions[:, shiny],
            object_normals[:, metal],
            hits.objects[shiny],
            generator,
        )
        share = np.float32(look.metal_reflection)
        own = colors[:, shiny]
        hue = own / (own.max(axis=0) + np.float32(1e-3))
        tint = 1 - np.float32(look.metal_tint) * (1 - hue)
        tint *= 0.5 + 0.5 * own.max(axis=0)  # a dark metal mirrors less
        # Metal colors its highlights too; they are white only where the image saturates.
        highlight = shine[:, metal] * (1 - np.float32(look.metal_highlight_tint) * (1 - hue))
        diffuse = own * arriving[:, shiny]
        result[:, shiny] = (1 - share) * diffuse + share * tint * reflection + highlight
    return result


def _surfaces(scene: Scene, hits: Hits) -> tuple[Vectors, Vectors]:
    """Return world normals and linear colors where the rays ended, each of shape (3, N)."""
    count = len(hits.objects)
    found = np.zeros((3, count), np.float32)
    found[2] = 1
    colors = np.repeat(column(scene.look.ground), count, axis=1)
    if scene.look.ground_variation > 0:
        slow = np.sin(hits.points[0] * 0.6 + 1) * np.cos(hits.points[1] * 0.5)
        slow *= np.exp(-hits.distances / 12)  # far away the waves would look like stripes
        slow *= 3
        colors *= 1 + np.float32(scene.look.ground_variation) * slow
    for index, item in enumerate(scene.objects):
        chosen = np.flatnonzero(hits.objects == index)
        if len(chosen):
            found[:, chosen] = _world_normals(item, hits.points[:, chosen], scene.look.bevel)
            colors[:, chosen] = scene.linear_color(index)[:, None]
    return found, colors


def _world_normals(item: SceneObject, points: Vectors, bevel: float) -> Vectors:
    local = normals(item.shape, to_local(item, points, points=True), bevel)
    if item.shape == "sphere":
        return local
    cos, sin = direction(item)
    turned = np.stack([local[0] * cos - local[1] * sin, local[0] * sin + local[1] * cos, local[2]])
    return turned.astype(np.float32, copy=False)


def _towards(light: Light, points: Vectors, surface_normals: Vectors) -> tuple[Vectors, Vectors]:
    """Return unit directions to the light, shape (3, N), and how much surfaces face it, (N,)."""
    towards = column(light.position) - points
    towards /= np.sqrt(dot(towards, towards))
    return towards, np.maximum(dot(towards, surface_normals), 0)


def _visible_share(
    scene: Scene,
    light: Light,
    points: Vectors,
    objects: NDArray[np.int16],
    facing: Vectors,
    *,
    grid: bool,
) -> Vectors:
    """Return the visible share of a light for each point, shape (N,)."""
    visible = np.ones(points.shape[1], np.float32)
    spots = _light_points(light)  # (3, all of them)
    lit = facing > 0
    shape = scene.size[::-1] if grid else (1, points.shape[1])
    for index, item in enumerate(scene.objects):
        area: tuple[slice, slice] = (slice(None), slice(None))
        if grid:
            area = window(scene.camera, _shadow(item, light), scene.size)
        around = points.reshape(3, *shape)[:, *area].reshape(3, -1)
        # All shapes are convex: an object shadows itself only where it faces away.
        others = (lit & (objects != index)).reshape(shape)[area].ravel()
        near = _may_be_shaded(item, light, around) & others
        chosen = np.flatnonzero(near)
        if not len(chosen):
            continue
        origin = to_local(item, around[:, chosen], points=True)
        lamp = to_local(item, spots, points=True)  # (3, _LIGHT_POINTS)
        hidden = np.zeros(len(chosen), np.float32)
        for number in range(_LIGHT_POINTS):
            enter, leave = interval(item.shape, origin, lamp[:, number : number + 1] - origin)
            hidden += (enter < leave) & (leave > 1e-3)
        part = visible.reshape(shape)[area]  # a view
        part[near.reshape(part.shape)] *= 1 - hidden / _LIGHT_POINTS
    return visible


def _light_points(light: Light) -> NDArray[np.float32]:
    """Return points on the disc of a light, which faces the origin, shape (3, points)."""
    position = np.array(light.position)
    axis = position / np.linalg.norm(position)
    one = np.cross(axis, (0.0, 0.0, 1.0) if abs(axis[2]) < 0.9 else (1.0, 0.0, 0.0))
    one /= np.linalg.norm(one)
    two = np.cross(axis, one)
    # Points of a sunflower: evenly spread over the disc (Vogel 1979).
    k = np.arange(_LIGHT_POINTS)
    radii = light.radius * np.sqrt((k + 0.5) / _LIGHT_POINTS)
    angles = k * np.pi * (3 - 5**0.5)
    spread = position + radii[:, None] * (
        np.cos(angles)[:, None] * one + np.sin(angles)[:, None] * two
    )
    points: NDArray[np.float32] = spread.T.astype(np.float32)
    return points


def _shadow(item: SceneObject, light: Light) -> list[tuple[tuple[float, ...], float]]:
    """Return two balls whose hull contains the shadow of an object: the object, and the end of the shadow."""
    center, lamp = np.array(item.center), np.array(light.position)
    radius = item.bounding_radius
    length = float(np.linalg.norm(lamp - center))
    away = (center - lamp) / length
    # The shadow is a cone that widens with the light's disc. It ends where all of it is below the ground.
    widening = 1.3 * light.radius / length
    sinking = -float(away[2]) - widening
    if sinking <= 0.05:  # nearly horizontal: it may reach anywhere
        return [(tuple(center), 1e6)]
    distance = (float(center[2]) + radius + 0.05) / sinking
    end = center + away * distance
    return [(tuple(center), radius + 0.05), (tuple(end), radius + 0.05 + distance * widening)]


def _may_be_shaded(item: SceneObject, light: Light, points: Vectors) -> NDArray[np.bool_]:
    """Return for which points the path to the light passes near an object."""
    radius = item.bounding_radius
    center = column(item.center)
    to_center = center - points
    axis = column(light.position) - center  # (3, 1)
    length = np.float32(np.linalg.norm(axis))
    axis /= length
    along = dot(to_center, axis)
    squared = dot(to_center, to_center) - along**2
    # The light's disc widens the shadow with the distance behind the object.
    reach = np.float32(radius) + np.maximum(along, 0) * np.float32(1.3 * light.radius / length)
    inside: NDArray[np.bool_] = (along > -radius) & (squared < (reach + 0.05) ** 2)
    return inside
