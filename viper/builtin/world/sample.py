"""Samples random scenes: objects that do not touch and are visible, a jittered camera, varying light.

The rules are those of the CLEVR generator (3 to 10 objects, least distances, a camera near one place);
the look of the images varies widely, so that models trained on them also work for images of another renderer.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from viper.builtin.world.render import visible_pixels
from viper.builtin.world.scene import (
    COLORS,
    MATERIALS,
    SHAPES,
    SIZES,
    Camera,
    Light,
    Look,
    Scene,
    SceneObject,
)

__all__ = ["CLEVR_LOOK", "sample_scene", "scene_seed"]

# CLEVR's camera position (base scene of its generator), before a random shift of up to 0.5.
_CAMERA = (7.48, -6.51, 5.34)
_CAMERA_TARGET = (0.05, 0.0, 0.2)
# Number of objects in a scene.
_FEWEST, _MOST = 3, 10
# Maximum distance of objects from the origin along x and y.
_REACH = 3.0
# Minimum distance between the circles around two objects on the ground.
_LEAST_GAP = 0.25
# Minimum distance between two objects' centers along "right" and along "behind".
_LEAST_MARGIN = 0.4
_TRIES = 60
# Minimum visible share of the image per object: CLEVR's 200 pixels of 480×320.
_LEAST_VISIBLE = 200 / (480 * 320)

CLEVR_LOOK = Look(
    lights=(
        Light((6.4, -3.0, 6.5), 0.55, 1.0),
        Light((-4.2, -4.7, 3.4), 0.16, 0.8),
        Light((-1.1, 4.3, 5.0), 0.25, 0.6),
    )
)
"""Close to the lights of CLEVR: a key light, a fill light and a back light."""


def sample_scene(
    seed: int, *, size: tuple[int, int] = (320, 240), randomised: bool = True
) -> Scene:
    """Sample a scene; the same seed gives the same scene.

    Args:
        seed: Any whole number of at least 0.
        size: (width, height) of the image in pixels.
        randomised: False for the plain look of CLEVR.

    Raises:
        ValueError: An image of this size is so small or flat that fewer than 3 objects are visible.
    """
    generator = np.random.default_rng(seed)
    for _ in range(_TRIES):
        scene = _sampled(generator, size, randomised=randomised)
        if len(scene.objects) >= _FEWEST:
            return scene
    raise ValueError(
        f"An image of {size[0]}×{size[1]} pixels shows too little of the world: fewer than {_FEWEST} "
        "objects can be seen. Give a larger size, nearer to 4:3."
    )


def scene_seed(seed: int, index: int) -> int:
    """Return the seed of one scene of a set; sets of different seeds have no scene in common."""
    return int(np.random.SeedSequence((seed, index)).generate_state(1, np.uint64)[0])


def _sampled(generator: np.random.Generator, size: tuple[int, int], *, randomised: bool) -> Scene:
    """Sample a scene, which may show too few objects."""
    camera = _camera(generator, wide=randomised)
    wanted = int(generator.integers(_FEWEST, _MOST + 1))
    objects: list[SceneObject] = []
    for _ in range(wanted):
        objects += _placed(generator, camera, objects)
    look = _look(generator, len(objects)) if randomised else CLEVR_LOOK
    scene = Scene(tuple(objects), camera, look, int(generator.integers(2**31)), size)
    return _without_hidden(scene)


def _without_hidden(scene: Scene) -> Scene:
    """Remove objects that are hardly visible; no other object becomes hidden by that."""
    visible = visible_pixels(scene) >= _LEAST_VISIBLE * scene.size[0] * scene.size[1]
    kept = np.flatnonzero(visible)
    jitter = scene.look.color_jitter
    look = replace(scene.look, color_jitter=tuple(jitter[i] for i in kept) if jitter else ())
    return replace(scene, objects=tuple(scene.objects[i] for i in kept), look=look)


def _camera(generator: np.random.Generator, *, wide: bool) -> Camera:
    x, y, z = np.array(_CAMERA) + generator.uniform(-0.5, 0.5, 3) * (1.6 if wide else 1)
    tx, ty, tz = np.array(_CAMERA_TARGET) + generator.uniform(-0.2, 0.2, 3) * wide
    return Camera.looking_at((x, y, z), (tx, ty, tz))


def _placed(
    generator: np.random.Generator, camera: Camera, others: list[SceneObject]
) -> list[SceneObject]:
    """Return a random object at a free place, or nothing if there is none."""
    # "right" and "behind" as seen by the camera, as unit vectors on the ground.
    on_ground = (camera.rotation[:2, 0], -camera.rotation[:2, 2])
    axes = [axis / np.linalg.norm(axis) for axis in on_ground]
    for _ in range(_TRIES):
        item = SceneObject(
            SHAPES[generator.integers(len(SHAPES))],
            SIZES[generator.integers(len(SIZES))],
            tuple(COLORS)[generator.integers(len(COLORS))],
            MATERIALS[generator.integers(len(MATERIALS))],
            float(generator.uniform(-_REACH, _REACH)),
            float(generator.uniform(-_REACH, _REACH)),
            float(generator.uniform(0, 360)),
        )
        if all(_apart(item, other, axes) for other in others):
            return [item]
    return []


def _apart(item: SceneObject, other: SceneObject, axes: list[NDArray[np.float64]]) -> bool:
    """Return whether objects do not touch and differ clearly along left and behind."""
    step = np.array([item.x - other.x, item.y - other.y])
    if float(np.hypot(*step)) - (item.half + other.half) < _LEAST_GAP:
        return False
    return all(abs(float(step @ axis)) > _LEAST_MARGIN for axis in axes)


def _look(generator: np.random.Generator, count: int) -> Look:
    """Sample lights, colors and the defects of an image."""
    uniform = generator.uniform
    lights = tuple(
        Light(
            tuple(np.array(light.position) + uniform(-1.5, 1.5, 3) * (1, 1, 0.6)),
            light.power * float(uniform(0.3, 1.5)),
            light.radius * float(uniform(0.5, 1.8)),
            tuple(1 + uniform(-0.08, 0.08, 3)),
        )
        for light in CLEVR_LOOK.lights
    )
    base = float(uniform(0.28, 0.65))
    ambient = float(uniform(0.15, 0.65))
    arriving = ambient + 0.6 * sum(light.power for light in lights)
    return Look(
        lights=lights,
        ambient=ambient,
        ground=tuple(np.clip(base * (1 + uniform(-0.05, 0.05, 3)), 0, 1)),
        ground_variation=float(uniform(0, 0.3)),
        color_jitter=tuple(
            tuple(float(uniform(0.8, 1.25)) * (1 + uniform(-0.15, 0.15, 3))) for _ in range(count)
        ),
        bevel=float(uniform(0.08, 0.3)),
        metal_reflection=float(uniform(0.55, 1.0)),
        metal_tint=float(uniform(0.7, 1.0)),
        metal_roughness=max(0.0, float(uniform(-0.04, 0.2))),
        metal_gloss=float(uniform(0.6, 4.0)),
        metal_highlight_tint=float(uniform(0.2, 1.0)),
        ground_fading=float(uniform(0.0, 0.25)),
        room=float(uniform(0.01, 0.3)),
        metal_sharpness=float(uniform(25, 160)),
        rubber_gloss=float(uniform(0.0, 0.12)),
        rubber_paleness=float(uniform(0.0, 0.1)),
        exposure=float(uniform(0.65, 1.15)) / arriving,
        gamma=float(uniform(1.9, 2.5)),
        blur_px=float(uniform(0.3, 0.8)) if uniform() < 0.5 else 0.0,
        noise=float(uniform(0.0, 0.02)),
        vignette=float(uniform(0.0, 0.25)),
    )
