"""Training images: scenes drawn once into a folder, read again as arrays.

    FOLDER/images/000123.jpg   the image, 4:4:4, quality 95
    FOLDER/things/000123.png   the object of each pixel: 0 the ground, 1 the first object, …
    FOLDER/scenes/000123.json  the scene as in a CLEVR scenes file

Scene number n is drawn from seed `first_seed + n`, so an incomplete folder can be completed, and a
training set and a validation set with different first seeds have no scene in common.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from viper.builtin.graphs import STRIDE
from viper.builtin.world import render, sample_scene
from viper.builtin.world.clevr import clevr_scene
from viper.builtin.world.scene import Camera
from viper.storage.files import make_folder, open_regular_file, replace_file, write_file

__all__ = ["IMAGE_SIZE", "DrawnImage", "draw_images", "read_image"]

IMAGE_SIZE = (384, 256)
"""(width, height) of training images, with the proportions of CLEVR's 480×320."""


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """One image with its ground truth."""

    pixels: NDArray[np.uint8]
    """Shape (H, W, 3), RGB."""
    object_map: NDArray[np.int16]
    """Shape (H, W): index of the object of a pixel, −1 for the ground."""
    objects: list[dict[str, Any]]
    """As in a CLEVR scenes file."""
    ground_depth: NDArray[np.float32]
    """Shape (h, w): depth of the ground behind the middle of each of the network's cells."""


def draw_images(
    folder: Path,
    count: int,
    *,
    first_seed: int,
    jobs: int = 1,
    on_drawn: Callable[[], None] | None = None,
) -> None:
    """Draw the images that a folder still lacks.

    Args:
        folder: Created if missing.
        count: Images that the folder is to have.
        first_seed: Seed of image 0.
        jobs: Processes that draw.
        on_drawn: Called after each image, existing ones included.
    """
    for name in ("images", "things", "scenes"):
        make_folder(folder / name, below=folder)
    tasks = [(folder, number, first_seed) for number in range(count)]
    with contextlib.ExitStack() as stack:
        drawn: Iterable[None] = map(_draw, tasks)
        if jobs > 1:
            pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(jobs))
            drawn = pool.imap_unordered(_draw, tasks, chunksize=16)
        for _ in drawn:
            if on_drawn is not None:
                on_drawn()


def _draw(task: tuple[Path, int, int]) -> None:
    folder, number, first_seed = task
    path = folder / "scenes" / f"{number:06d}.json"
    if os.path.lexists(path):
        return
    scene = sample_scene(first_seed + number, size=IMAGE_SIZE)
    rendered = render(scene)
    name = f"{number:06d}.jpg"
    with replace_file(folder / "images" / name, durable=False, below=folder) as file:
        image = Image.fromarray(rendered.pixels)
        image.save(file, "JPEG", quality=95, subsampling=0, optimize=False)
    object_map = folder / "things" / f"{number:06d}.png"
    with replace_file(object_map, durable=False, below=folder) as file:
        objects = Image.fromarray((rendered.object_map + 1).astype(np.uint8))
        objects.save(file, "PNG", compress_level=1)
    entry = clevr_scene(scene, rendered, index=number, split="train", image_filename=name)
    # Last: it marks a complete image.
    write_file(path, json.dumps(entry), durable=False, below=folder)


def read_image(folder: Path, number: int) -> DrawnImage:
    """Read one image of a folder."""
    name = f"{number:06d}"
    with _opened(folder, f"images/{name}.jpg") as file, Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB"))
    with _opened(folder, f"things/{name}.png") as file, Image.open(file) as image:
        object_map = np.asarray(image).astype(np.int16) - 1
    with _opened(folder, f"scenes/{name}.json") as file:
        entry = json.load(file)
    camera = Camera(**entry["camera"])
    height, width = object_map.shape
    return DrawnImage(pixels, object_map, entry["objects"], ground_depth(camera, (width, height)))


def _opened(folder: Path, name: str) -> BinaryIO:
    return open_regular_file(str(folder / name), what="training", below=folder)


def ground_depth(camera: Camera, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the depth of the ground behind each cell, at most 60.

    Args:
        camera: The camera.
        size: (width, height) of the image in pixels.

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
