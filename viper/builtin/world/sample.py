"""Draws random scenes: things that do not touch and can be seen, a shaken camera, changing light.

The rules are those of the CLEVR generator (3 to 10 things, least distances, a camera near one place);
what a picture looks like is drawn wide, so that models trained on these pictures also understand
pictures that another renderer made.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from viper.builtin.world.render import visible_pixels
from viper.builtin.world.scene import (
    COLORS,
    MATERIALS,
    RADII,
    SHAPES,
    SIZES,
    Camera,
    Light,
    Look,
    Scene,
    Thing,
)

__all__ = ["CLEVR_LOOK", "sample_scene", "scene_seed"]

_CAMERA = (7.48, -6.51, 5.34)
# CLEVR's place of the camera (base scene of its generator) before it is shaken by up to 0.5.
_CAMERA_TARGET = (0.05, 0.0, 0.2)
_FEWEST, _MOST = 3, 10
# Things in a scene.
_REACH = 3.0
# Things stand at most this far from the middle along x and y.
_LEAST_GAP = 0.25
# Between the circles on the ground that hold two things.
_LEAST_MARGIN = 0.4
# Between two things' centres along "right" and along "behind".
_TRIES = 60
_LEAST_VISIBLE = 200 / (480 * 320)
# Share of the picture that must show a thing: CLEVR's 200 pixels of 480×320.

CLEVR_LOOK = Look(
    lights=(
        Light((6.4, -3.0, 6.5), 0.55, 1.0),
        Light((-4.2, -4.7, 3.4), 0.16, 0.8),
        Light((-1.1, 4.3, 5.0), 0.25, 0.6),
    )
)
"""Near to the lights of CLEVR: a key light, a fill light and one from behind."""


def sample_scene(
    seed: int, *, size: tuple[int, int] = (320, 240), randomised: bool = True
) -> Scene:
    """Draw a scene; the same seed gives the same scene.

    Args:
        seed: Any whole number of at least 0.
        size: (width, height) of the picture in pixels.
        randomised: False for the plain look of CLEVR.

    Raises:
        ValueError: A picture of this size is so small or flat that fewer than 3 things can be seen.
    """
    generator = np.random.default_rng(seed)
    for _ in range(_TRIES):
        scene = _drawn(generator, size, randomised=randomised)
        if len(scene.things) >= _FEWEST:
            return scene
    raise ValueError(
        f"A picture of {size[0]}×{size[1]} pixels shows too little of the world: fewer than {_FEWEST} "
        "things can be seen. Give a larger size, nearer to 4:3."
    )


def scene_seed(seed: int, index: int) -> int:
    """Return the seed of one scene of a set; sets of different seeds have no scene in common."""
    return int(np.random.SeedSequence((seed, index)).generate_state(1, np.uint64)[0])


def _drawn(generator: np.random.Generator, size: tuple[int, int], *, randomised: bool) -> Scene:
    """Draw a scene, which may show fewer things than a scene should have."""
    camera = _camera(generator, wide=randomised)
    wanted = int(generator.integers(_FEWEST, _MOST + 1))
    things: list[Thing] = []
    for _ in range(wanted):
        thing = _placed(generator, camera, things)
        if thing is not None:
            things.append(thing)
    look = _look(generator, len(things)) if randomised else CLEVR_LOOK
    scene = Scene(tuple(things), camera, look, int(generator.integers(2**31)), size)
    return _without_hidden(scene)


def _without_hidden(scene: Scene) -> Scene:
    """Take out what the picture does not show well; that hides nothing else."""
    shown = visible_pixels(scene) >= _LEAST_VISIBLE * scene.size[0] * scene.size[1]
    kept = [index for index, is_shown in enumerate(shown) if is_shown]
    jitter = scene.look.color_jitter
    look = replace(scene.look, color_jitter=tuple(jitter[i] for i in kept) if jitter else ())
    return replace(scene, things=tuple(scene.things[i] for i in kept), look=look)


def _camera(generator: np.random.Generator, *, wide: bool) -> Camera:
    x, y, z = np.array(_CAMERA) + generator.uniform(-0.5, 0.5, 3) * (1.6 if wide else 1)
    tx, ty, tz = np.array(_CAMERA_TARGET) + generator.uniform(-0.2, 0.2, 3) * wide
    return Camera.looking_at((x, y, z), (tx, ty, tz))


def _placed(generator: np.random.Generator, camera: Camera, others: list[Thing]) -> Thing | None:
    """Return a random thing where it fits, None if no place was found."""
    right, behind = _ground_axes(camera)
    for _ in range(_TRIES):
        thing = Thing(
            SHAPES[generator.integers(len(SHAPES))],
            SIZES[generator.integers(len(SIZES))],
            tuple(COLORS)[generator.integers(len(COLORS))],
            MATERIALS[generator.integers(len(MATERIALS))],
            float(generator.uniform(-_REACH, _REACH)),
            float(generator.uniform(-_REACH, _REACH)),
            float(generator.uniform(0, 360)),
        )
        if all(_apart(thing, other, (right, behind)) for other in others):
            return thing
    return None


def _apart(
    thing: Thing, other: Thing, axes: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> bool:
    """Tell whether things neither touch nor stand so that left or behind is unclear."""
    step = np.array([thing.x - other.x, thing.y - other.y])
    reach = RADII[thing.size] + RADII[other.size]
    if float(np.hypot(*step)) - reach < _LEAST_GAP:
        return False
    return all(abs(float(step @ axis)) > _LEAST_MARGIN for axis in axes)


def _ground_axes(camera: Camera) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return "right" and "behind" as seen by the camera, as unit vectors on the ground, (2,)."""
    right = camera.rotation[:2, 0]
    behind = -camera.rotation[:2, 2]
    return right / np.linalg.norm(right), behind / np.linalg.norm(behind)


def _look(generator: np.random.Generator, count: int) -> Look:
    """Draw lights, colours and the faults of a picture."""
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
