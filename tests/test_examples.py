"""The pictures in examples/ are what their script draws, and what pages ask of them is answered right."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from viper.builtin.world.clevr import clevr_scene
from viper.cli import cli

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
_COMMAND = re.compile(r"viper (ask examples/\S+ \".*)")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw", EXAMPLES / "draw.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands(page: Path) -> list[list[str]]:
    """Return the questions about examples that a page asks, without what only a shell reads."""
    found = _COMMAND.findall(page.read_text(encoding="utf-8"))
    return [shlex.split(command.split("  #")[0]) for command in found]


@pytest.mark.parametrize("name", ["shapes.png", "cubes.png"])
def test_the_script_draws_the_committed_picture(script: ModuleType, name: str) -> None:
    scene, drawn = script.draw(name)
    with Image.open(EXAMPLES / name) as picture:
        committed = np.asarray(picture).astype(int)
    difference = np.abs(drawn.pixels.astype(int) - committed).max(axis=2)
    # Rounding of another processor or version; its random numbers may turn single rays.
    assert np.median(difference) <= 1
    assert (difference > 24).mean() < 0.02
    told = json.loads((EXAMPLES / "scenes.json").read_text())["scenes"]
    (entry,) = [entry for entry in told if entry["image_filename"] == name]
    again = clevr_scene(scene, drawn, index=entry["image_index"], split="val", image_filename=name)
    assert [t["3d_coords"] for t in entry["objects"]] == [
        pytest.approx(t["3d_coords"]) for t in again["objects"]
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        *commands(EXAMPLES / "README.md"),
        *commands(ROOT / "README.md"),
        *commands(ROOT / "Makefile"),
    ],
    ids=" ".join,
)
def test_the_built_in_models_answer_what_the_pages_ask_as_the_scene_file_does(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, hub_cache: Path
) -> None:
    monkeypatch.chdir(ROOT)

    def answer(*models: str) -> dict[str, object]:
        result = CliRunner().invoke(cli, [*arguments, "--json", *models])
        assert result.exit_code == 0, result.stderr
        told: dict[str, object] = json.loads(result.stdout)
        return told

    seen, true = answer(), answer("--models", "truth:examples/scenes.json")
    assert seen["answer"] == true["answer"]
    if "grounding" in arguments:
        seen_box, true_box = (np.array(told["patches"][0]["box_xyxy"]) for told in (seen, true))
        assert np.abs(seen_box - true_box).max() < 8


def test_every_page_asks_something() -> None:
    for page in (EXAMPLES / "README.md", ROOT / "README.md", ROOT / "Makefile"):
        assert commands(page)
