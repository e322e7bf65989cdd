"""Sets of scenes in a folder, laid out as CLEVR is.

    OUT/images/val/CLEVR_val_000000.png …
    OUT/scenes/CLEVR_val_scenes.json

The scene file is written last, and each file appears complete: if the scene file exists, all its images do.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from viper.builtin.world.clevr import clevr_scene, scenes_file
from viper.builtin.world.render import render
from viper.builtin.world.sample import sample_scene, scene_seed
from viper.errors import InputError
from viper.storage.below import names_in, remove
from viper.storage.files import make_folder, quote_path, write_file

__all__ = ["RenderedSet", "render_set"]

_SPLIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class RenderedSet:
    """A set of scenes on disk."""

    images: Path
    """The folder of the images."""
    scenes: Path
    """The scene file."""
    count: int
    """Number of images."""
    objects: int
    """Objects in all images together."""


def render_set(
    folder: Path,
    count: int,
    *,
    seed: int = 0,
    size: tuple[int, int] = (480, 320),
    split: str = "val",
    randomised: bool = True,
    replace: bool = False,
    on_scene: Callable[[], None] | None = None,
) -> RenderedSet:
    """Draw scenes and write their images and their scene file.

    Args:
        folder: Where to write; it is made if it is missing.
        count: Number of scenes.
        seed: The same seed, size and look give the same files; a larger count only adds to them.
        size: (width, height) of the images in pixels.
        split: Name of the set, which is a part of the files' names.
        randomised: False for the plain look of CLEVR.
        replace: Also write into a folder that is not empty. A set of the same name is replaced, other
            files stay.
        on_scene: Called after each image.

    Raises:
        InputError: The folder is not empty or cannot be written, the split is not a name, or an image
            of this size shows too few objects.
    """
    if _SPLIT.fullmatch(split) is None:
        raise InputError(
            f"{split!r} cannot name a split. Give letters, digits, '-' and '_', such as 'train'."
        )
    images, scenes = folder / "images" / split, folder / "scenes"
    scenes_path = scenes / f"CLEVR_{split}_scenes.json"
    entries: list[dict[str, Any]] = []
    try:
        if not replace and folder.exists() and any(folder.iterdir()):
            raise InputError(
                f"{quote_path(str(folder))} is not empty. Name a new folder, or replace the set in it with "
                "--force (replace=True in Python)."
            )
        make_folder(images, below=folder)
        make_folder(scenes, below=folder)
        _remove_set(folder, images, scenes_path, split)
        for index in range(count):
            scene = sample_scene(scene_seed(seed, index), size=size, randomised=randomised)
            rendered = render(scene)
            name = f"CLEVR_{split}_{index:06d}.png"
            content = io.BytesIO()
            Image.fromarray(rendered.pixels).save(content, "PNG")
            write_file(images / name, content.getvalue(), durable=False, below=folder)
            entries.append(
                clevr_scene(scene, rendered, index=index, split=split, image_filename=name)
            )
            if on_scene is not None:
                on_scene()
        write_file(scenes_path, json.dumps(scenes_file(entries, split)), below=folder)
    except OSError as error:
        place = quote_path(str(error.filename or folder))
        reason = error.strerror or str(error)
        raise InputError(
            f"{place} cannot be written ({reason}). Name a folder that this user may write to, with "
            "room for the images."
        ) from error
    except ValueError as error:  # raised by `sample_scene`
        raise InputError(str(error)) from error
    return RenderedSet(images, scenes_path, count, sum(len(entry["objects"]) for entry in entries))


def _remove_set(folder: Path, images: Path, scenes_path: Path, split: str) -> None:
    """Remove what an earlier run wrote, the scene file first: it must not describe missing images."""
    remove(scenes_path, below=folder)
    written = re.compile(rf"CLEVR_{re.escape(split)}_[0-9]{{6,}}\.png")
    for name in names_in(images, below=folder):
        if written.fullmatch(name):
            remove(images / name, below=folder)
