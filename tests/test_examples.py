"""The pictures in examples/ are what their script draws, and what pages ask of them is answered right."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
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


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return loaded("draw")


def commands(page: Path) -> list[list[str]]:
    """Return the questions about examples that a page asks, without what only a shell reads."""
    found = _COMMAND.findall(page.read_text(encoding="utf-8"))
    # Photographs need other models than the built-in ones.
    found = [command for command in found if command.split()[1].endswith(".png")]
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


@pytest.mark.parametrize("name", ["street.jpg", "table.jpg"])
def test_the_script_paints_the_committed_picture(name: str) -> None:
    drawn = np.asarray(loaded("places").PICTURES[name]()).astype(int)
    with Image.open(EXAMPLES / name) as picture:
        committed = np.asarray(picture).astype(int)
    assert (EXAMPLES / name).stat().st_size < 100_000
    # A JPEG of a picture with grain, perhaps of another version.
    assert np.median(np.abs(drawn - committed)) <= 4


@pytest.mark.photos
@pytest.mark.parametrize(
    ("picture", "question", "answer"),
    [
        ("street.jpg", "How many people are there?", "3"),
        ("street.jpg", "How many buses are there?", "1"),
        ("street.jpg", "How many people are left of the bus?", "2"),
        ("street.jpg", "Is there a car left of the bus?", "yes"),
        ("street.jpg", "Is there a dog?", "no"),
        ("table.jpg", "How many cups are there?", "2"),
        ("table.jpg", "Is the apple left of the orange?", "yes"),
        ("table.jpg", "Is the banana left of the bottle?", "no"),
    ],
)
def test_a_detector_of_photographs_finds_what_is_painted(
    photos: Path, picture: str, question: str, answer: str
) -> None:
    detector = f"detector=onnx:{photos}/weights/yolox_nano.onnx"
    result = CliRunner().invoke(
        cli, ["ask", str(EXAMPLES / picture), question, "--backend", detector]
    )
    assert (result.exit_code, result.stdout) == (0, f"{answer}\n")


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this machine")
def test_make_ask_prints_question_picture_answer_and_what_to_try_next(tmp_path: Path) -> None:
    installed = tmp_path / "venv"
    (installed / "bin").mkdir(parents=True)
    (installed / "bin" / "python").touch()
    command = installed / "bin" / "viper"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m viper "$@"\n')
    command.chmod(0o755)
    (installed / ".installed").touch()
    done = subprocess.run(
        ["make", "--no-print-directory", "ask", f"VENV={installed}"],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    question, picture, answer, _, following = done.stdout.splitlines()
    assert question == "question  How many metal things are left of the purple cube?"
    assert picture == "picture   examples/shapes.png"
    assert answer == "answer    5"
    name, *arguments = shlex.split(following)
    assert name == str(command)
    place = arguments.index("run.html")
    arguments[place] = str(tmp_path / "run.html")
    result = CliRunner().invoke(cli, [str(ROOT / a) if "examples/" in a else a for a in arguments])
    assert (result.exit_code, result.stdout) == (0, "purple\n")


def test_every_page_asks_something() -> None:
    for page in (EXAMPLES / "README.md", ROOT / "README.md", ROOT / "Makefile"):
        assert commands(page)
