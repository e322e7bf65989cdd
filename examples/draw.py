"""Draws the pictures in this folder, and the file that says what is in them, with Viper's small world.

Run it without arguments to draw them again: `python examples/draw.py`. `viper world render` draws others.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from viper.builtin.world import Rendered, Scene, render, sample_scene
from viper.builtin.world.clevr import clevr_scene, scenes_file

SEEDS = {"shapes.png": 2032, "cubes.png": 2036}
"""Picture → seed of its scene; no such seed was trained on."""
SIZE = (480, 320)


def draw(name: str) -> tuple[Scene, Rendered]:
    """Return the scene of a picture, and the picture."""
    scene = sample_scene(SEEDS[name], size=SIZE, randomised=False)
    return scene, render(scene)


def main(folder: Path) -> None:
    """Write all pictures and `scenes.json`."""
    entries: list[dict[str, Any]] = []
    for index, name in enumerate(SEEDS):
        scene, drawn = draw(name)
        Image.fromarray(drawn.pixels).save(folder / name, optimize=True)
        entries.append(clevr_scene(scene, drawn, index=index, split="val", image_filename=name))
    content = json.dumps(scenes_file(entries, "val"), indent=1)
    (folder / "scenes.json").write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(__file__).parent)
