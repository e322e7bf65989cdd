"""The official CLEVR scene file: the objects of every image, as JSON.

Facts of the format (Johnson et al. 2017 and its generator): `pixel_coords` are column, row and depth
of the center; `directions` lie on the ground as the camera sees it; `relationships["left"][i]` lists
the objects left of object i; `rotation` acts in radians, although CLEVR draws it from 0 … 360. Beyond the
format each object has the box of its visible pixels (`bbox_xyxy`, exclusive ends) and their number, and
each scene the size of its image and its camera.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.builtin.world.render import GROUND, Rendered
from viper.builtin.world.scene import Camera, Scene

__all__ = ["clevr_scene", "scenes_file"]

_CLEAR = 0.2
# Minimum distance along a direction that counts as "left of" and so on (CLEVR's generator).


def scenes_file(scenes: list[dict[str, Any]], split: str) -> dict[str, Any]:
    """Return the content of a scenes file."""
    return {"info": {"split": split, "license": "CC0", "version": "1.0"}, "scenes": scenes}


def clevr_scene(
    scene: Scene, rendered: Rendered, *, index: int, split: str, image_filename: str
) -> dict[str, Any]:
    """Return one entry of a scenes file.

    Args:
        scene: The scene.
        rendered: The drawn scene, for boxes and visibility.
        index: Number of the image.
        split: Name of the split, such as "val".
        image_filename: Name of the image's file.
    """
    centers = np.array([item.center for item in scene.objects]).reshape(-1, 3)
    pixels, depths = scene.camera.project(centers, scene.size)
    boxes = rendered.boxes_xyxy(len(scene.objects))
    pixels_of_objects = rendered.object_map[rendered.object_map != GROUND]
    visible = np.bincount(pixels_of_objects, minlength=len(scene.objects))
    objects = [
        {
            "shape": item.shape,
            "size": item.size,
            "color": item.color,
            "material": item.material,
            "3d_coords": [round(value, 6) for value in item.center],
            "rotation": round(math.radians(item.rotation_deg), 6),
            "pixel_coords": [round(float(pixel[0])), round(float(pixel[1])), float(depth)],
            "bbox_xyxy": [int(edge) for edge in box],
            "visible_pixels": int(count),
        }
        for item, pixel, depth, box, count in zip(
            scene.objects, pixels, depths, boxes, visible, strict=True
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
        "camera": asdict(scene.camera),
    }


def _directions(camera: Camera) -> dict[str, list[float]]:
    """Return left, behind, … as the camera sees them, as unit vectors in the world."""
    right, behind = camera.rotation[:, 0].copy(), -camera.rotation[:, 2]
    right[2] = behind[2] = 0
    right /= np.linalg.norm(right)
    behind /= np.linalg.norm(behind)
    above = np.array([0.0, 0.0, 1.0])
    named = {"right": right, "behind": behind, "above": above}
    named |= {"left": -right, "front": -behind, "below": -above}
    return {name: vector.tolist() for name, vector in named.items()}


def _relationships(
    centers: NDArray[np.float64], directions: dict[str, list[float]]
) -> dict[str, list[list[int]]]:
    steps = centers[None, :, :] - centers[:, None, :]  # (of, other, 3)
    return {
        name: [np.flatnonzero(row > _CLEAR).tolist() for row in steps @ np.array(directions[name])]
        for name in ("left", "right", "front", "behind")
    }
