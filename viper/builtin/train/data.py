"""Training pictures: scenes drawn once into a folder, read again as arrays.

    FOLDER/images/000123.jpg   the picture, 4:4:4, quality 95
    FOLDER/things/000123.png   which thing each pixel shows: 0 the ground, 1 the first thing, …
    FOLDER/scenes/000123.json  the scene as in a CLEVR scenes file

Scene number n is drawn from seed `first_seed + n`, so a folder can be completed after a kill, and a
training set and a validation set with different first seeds share nothing.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from viper.builtin.network import STRIDE
from viper.builtin.world import render, sample_scene
from viper.builtin.world.clevr import clevr_scene
from viper.builtin.world.scene import Camera

__all__ = ["IMAGE_SIZE", "Picture", "draw_pictures", "read_picture"]

IMAGE_SIZE = (384, 256)
"""(width, height) of training pictures; CLEVR's 480×320 has the same proportions."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture with what is true of it."""

    pixels: NDArray[np.uint8]
    """Shape (H, W, 3), RGB."""
    things: NDArray[np.int16]
    """Shape (H, W): index of the thing a pixel shows, −1 for the ground."""
    objects: list[dict[str, Any]]
    """As in a CLEVR scenes file."""
    ground_depth: NDArray[np.float32]
    """Shape (h, w): depth of the ground behind the middle of each of the network's cells."""


def draw_pictures(
    folder: Path,
    count: int,
    *,
    first_seed: int,
    jobs: int = 1,
    on_drawn: Callable[[], None] | None = None,
) -> None:
    """Draw the pictures that a folder still lacks.

    Args:
        folder: Where they go; made if missing.
        count: How many it shall hold.
        first_seed: Seed of picture 0.
        jobs: Processes that draw.
        on_drawn: Called after each picture, those included that were there.
    """
    for name in ("images", "things", "scenes"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    tasks = [(folder, number, first_seed) for number in range(count)]
    if jobs <= 1:
        for task in tasks:
            _draw(task)
            if on_drawn is not None:
                on_drawn()
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for _ in pool.imap_unordered(_draw, tasks, chunksize=16):
            if on_drawn is not None:
                on_drawn()


def _draw(task: tuple[Path, int, int]) -> None:
    folder, number, first_seed = task
    described = folder / "scenes" / f"{number:06d}.json"
    if described.exists():
        return
    scene = sample_scene(first_seed + number, size=IMAGE_SIZE)
    rendered = render(scene)
    name = f"{number:06d}.jpg"
    Image.fromarray(rendered.pixels).save(
        folder / "images" / name, quality=95, subsampling=0, optimize=False
    )
    Image.fromarray((rendered.things + 1).astype(np.uint8)).save(
        folder / "things" / f"{number:06d}.png", compress_level=1
    )
    entry = clevr_scene(scene, rendered, index=number, split="train", image_filename=name)
    unfinished = described.with_suffix(".part")
    unfinished.write_text(json.dumps(entry), encoding="utf-8")
    unfinished.rename(described)  # last, so that a kill leaves nothing half drawn


def read_picture(folder: Path, number: int) -> Picture:
    """Read one picture of a folder."""
    with Image.open(folder / "images" / f"{number:06d}.jpg") as image:
        pixels = np.asarray(image.convert("RGB"))
    with Image.open(folder / "things" / f"{number:06d}.png") as image:
        things = np.asarray(image).astype(np.int16) - 1
    entry = json.loads((folder / "scenes" / f"{number:06d}.json").read_text(encoding="utf-8"))
    camera = Camera(
        tuple(map(tuple, entry["camera"]["matrix_world"])),
        entry["camera"]["lens_mm"],
        entry["camera"]["sensor_width_mm"],
    )
    height, width = things.shape
    return Picture(pixels, things, entry["objects"], ground_depth(camera, (width, height)))


def ground_depth(camera: Camera, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the depth of the ground behind each cell, at most 60.

    Args:
        camera: From where it is seen.
        size: (width, height) of the picture in pixels.

    Returns:
        Shape (height // STRIDE, width // STRIDE).
    """
    width, height = size
    focal = camera.focal_px(width)
    rows = (np.arange(height // STRIDE, dtype=np.float32)[:, None] + 0.5) * STRIDE
    columns = (np.arange(width // STRIDE, dtype=np.float32)[None, :] + 0.5) * STRIDE
    # World z of a ray at unit depth: the camera's right, up and backward axes, each times its share.
    right, up, back = camera.rotation[2]
    sinking = right * (columns - width / 2) / focal + up * (height / 2 - rows) / focal - back
    depth = camera.position[2] / np.maximum(-sinking, 1e-3)
    farthest: NDArray[np.float32] = np.minimum(depth, 60).astype(np.float32)
    return farthest
