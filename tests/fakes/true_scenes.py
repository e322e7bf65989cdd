"""Files of scenes for the oracle, written as the official formats have them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from viper.images.image import ImageRef, View


def clevr_object(words, box=None, *, depth=10.0, center=(0.0, 0.0, 0.7), pixel=(240, 160)):
    """An object of "large red metal cube", with or without a box."""
    size, color, material, shape = words.split()
    value = {
        "size": size,
        "color": color,
        "material": material,
        "shape": shape,
        "3d_coords": list(center),
        "pixel_coords": [*pixel, depth],
        "rotation": 0.0,
    }
    return value if box is None else {**value, "bbox_xyxy": list(box)}


DIRECTIONS = {
    "right": [1.0, 0.0, 0.0],
    "left": [-1.0, 0.0, 0.0],
    "behind": [0.0, 1.0, 0.0],
    "front": [0.0, -1.0, 0.0],
    "above": [0.0, 0.0, 1.0],
    "below": [0.0, 0.0, -1.0],
}

TABLE = [
    clevr_object("large red metal cube", (40, 100, 140, 200), depth=9.5),
    # In front of the cube and over most of its box.
    clevr_object("large blue rubber sphere", (50, 105, 150, 205), depth=8.25),
    clevr_object("small red rubber cylinder", (300, 60, 340, 110), depth=12.125),
    clevr_object("small gray metal sphere", (400, 200, 440, 240), depth=7.0),
]
"""Objects of the picture "table.png"."""


def clevr(*images, **scene):
    """A scene file of (image name, objects) pairs."""
    return {
        "info": {"split": "val"},
        "scenes": [
            {
                "image_filename": name,
                "image_index": index,
                "objects": objects,
                "directions": DIRECTIONS,
                "relationships": {},
                **scene,
            }
            for index, (name, objects) in enumerate(images)
        ],
    }


def write(path: Path, value) -> str:
    """Write a scene file; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return str(path)


def picture(path: Path, size=(480, 320)) -> str:
    """Write an empty picture that looks like no picture of another name; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shades = np.frombuffer(path.name.encode(), dtype=np.uint8)
    Image.fromarray(np.resize(shades, (size[1], size[0], 3))).save(path)
    return str(path)


def view(box=None, name="table.png", size=(480, 320)) -> View:
    """A view of a picture that nobody needs to look at."""
    whole = (0.0, 0.0, float(size[0]), float(size[1]))
    return View(ImageRef(name, size, name), tuple(map(float, box)) if box else whole)


GRAPHS = str(Path(__file__).parents[1] / "data" / "gqa_scene_graphs.json")
"""Scene graphs of a street, a kitchen and a beach."""

GRAPH_SIZES = {"900001": (640, 480), "900002": (500, 400), "900003": (600, 400)}
"""Image ids of these graphs and the sizes of their pictures."""
