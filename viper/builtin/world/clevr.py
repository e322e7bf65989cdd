"""The official CLEVR scene file: what is where in every picture, as JSON.

Facts of the format (Johnson et al. 2017 and its generator): `pixel_coords` are column, row and depth
of the centre; `directions` lie on the ground as the camera sees it; `relationships["left"][i]` lists
the things left of thing i; `rotation` acts in radians, although CLEVR draws it from 0 … 360. Beyond the
format each object has the box of its visible pixels (`bbox_xyxy`, exclusive ends) and their number, and
each scene the size of its picture and its camera.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.builtin.world.render import GROUND, Rendered
from viper.builtin.world.scene import Camera, Scene

__all__ = ["clevr_scene", "scenes_file"]

_CLEAR = 0.2
# Least distance along a direction that counts as "left of" and so on (CLEVR's generator).


def scenes_file(scenes: list[dict[str, Any]], split: str) -> dict[str, Any]:
    """Return the content of a scenes file."""
    return {"info": {"split": split, "license": "CC0", "version": "1.0"}, "scenes": scenes}


def clevr_scene(
    scene: Scene, rendered: Rendered, *, index: int, split: str, image_filename: str
) -> dict[str, Any]:
    """Return one entry of a scenes file.

    Args:
        scene: What was drawn.
        rendered: The drawing, for boxes and visibility.
        index: Number of the image.
        split: Name of the split, such as "val".
        image_filename: Name of the picture's file.
    """
    centers = np.array([thing.center for thing in scene.things]).reshape(-1, 3)
    pixels, depths = scene.camera.project(centers, scene.size)
    boxes = rendered.boxes_xyxy(len(scene.things))
    shown = rendered.things[rendered.things != GROUND]
    visible = np.bincount(shown, minlength=len(scene.things))
    objects = [
        {
            "shape": thing.shape,
            "size": thing.size,
            "color": thing.color,
            "material": thing.material,
            "3d_coords": [round(value, 6) for value in thing.center],
            "rotation": round(math.radians(thing.rotation_deg), 6),
            "pixel_coords": [round(float(pixel[0])), round(float(pixel[1])), float(depth)],
            "bbox_xyxy": [int(edge) for edge in box],
            "visible_pixels": int(count),
        }
        for thing, pixel, depth, box, count in zip(
            scene.things, pixels, depths, boxes, visible, strict=True
        )
    ]
    directions = _directions(scene.camera)
    return {
        "split": split,
        "image_index": index,
        "image_filename": image_filename,
        "width": scene.size[0],
        "height": scene.size[1],
        "objects": objects,
        "directions": directions,
        "relationships": _relationships(centers, directions),
        "camera": {
            "matrix_world": [list(row) for row in scene.camera.matrix_world],
            "lens_mm": scene.camera.lens_mm,
            "sensor_width_mm": scene.camera.sensor_width_mm,
        },
    }


def _directions(camera: Camera) -> dict[str, list[float]]:
    """Return what the camera calls left, behind, … as unit vectors in the world."""
    right, behind = camera.rotation[:, 0].copy(), -camera.rotation[:, 2]
    right[2] = behind[2] = 0
    right /= np.linalg.norm(right)
    behind /= np.linalg.norm(behind)
    above = np.array([0.0, 0.0, 1.0])
    named = {"right": right, "behind": behind, "above": above}
    opposite = {"left": -right, "front": -behind, "below": -above}
    return {name: [float(v) for v in vector] for name, vector in (named | opposite).items()}


def _relationships(
    centers: NDArray[np.float64], directions: dict[str, list[float]]
) -> dict[str, list[list[int]]]:
    steps = centers[None, :, :] - centers[:, None, :]  # (of, other, 3)
    found: dict[str, list[list[int]]] = {}
    for name in ("left", "right", "front", "behind"):
        along = steps @ np.array(directions[name])
        found[name] = [[int(j) for j in np.flatnonzero(row > _CLEAR)] for row in along]
    return found
