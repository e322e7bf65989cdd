"""The fixed suite of programs and scenes of `perf forwards`, and how it is opened.

Version 1: 200 programs of the grammar for questions about 20 scenes in CLEVR's format, 10 per scene; 100 in
the style of language models, 4 for each of 25 scenes with 3 to 40 objects. Made by
`docs/tooling/forwards_suite.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SUITE_VERSION", "SuiteProgram", "draw_images", "programs", "scene_file"]

SUITE_VERSION = 1

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SuiteProgram:
    """One program of the suite."""

    id: str
    style: str
    """`grammar` or `llm`."""
    image: str
    """File name of its image."""
    program: str


def scene_file() -> Path:
    """Return the scene file of the images, for the oracle."""
    return _HERE / "scenes.json"


def programs() -> list[SuiteProgram]:
    """Return the programs, in order."""
    lines = (_HERE / "programs.jsonl").read_text(encoding="utf-8").splitlines()
    return [SuiteProgram(**json.loads(line)) for line in lines]


def draw_images(folder: Path) -> None:
    """Write one small image per scene, of the scene's size, all with different pixels.

    The oracle reads the scene file only; no model uses the pixels.
    """
    from PIL import Image

    for number, scene in enumerate(json.loads(scene_file().read_text())["scenes"]):
        size = (scene["width"], scene["height"])
        Image.new("RGB", size, (number, 0, 0)).save(folder / scene["image_filename"])
