"""`viper ask` with the models that ship, in process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from viper.cli import cli
from viper.engine.config import DEFAULT_PRESET


def viper(*arguments):
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_command_line_and_python_have_the_same_default():
    commands = [cli.get_command(None, verb) for verb in ("ask", "run")]
    commands.append(cli.get_command(None, "bench").get_command(None, "jsonl"))
    for command in commands:
        options = {p.name: p for p in command.params}
        assert options["models"].default == DEFAULT_PRESET


def test_by_default_the_built_in_models_answer_and_one_line_says_so(hub_cache):
    picture = Path(__file__).parents[2] / "examples" / "shapes.png"
    result = viper("ask", picture, "How many cubes are there?")
    assert (result.exit_code, result.stdout) == (0, "4\n")
    (line,) = result.stderr.splitlines()
    assert line.startswith("viper: --models auto uses the preset 'builtin'. A small world only")
    assert line.endswith("viper models pull small")


def test_asked_for_what_they_do_not_know_the_built_in_models_say_what_they_know():
    picture = Path(__file__).parents[2] / "examples" / "shapes.png"
    for question in ("Is there a dog?", "What color is the dog?", "Is the cube wooden?"):
        result = viper("ask", picture, question, "--models", "builtin", "--json")
        assert result.exit_code == 1
        (line,) = result.stderr.splitlines()
        assert "they know cubes, spheres and cylinders only" in line
        assert "viper models pull small" in line
        assert json.loads(result.stdout)["failure"]["kind"] == "model"


@pytest.fixture
def photograph(tmp_path):
    dice = np.random.default_rng(3)
    path = tmp_path / "photo.png"
    Image.fromarray(dice.integers(0, 255, (20, 30, 3), np.uint8)).resize((480, 320)).save(path)
    return path


@pytest.mark.parametrize(
    "question", ["How many cubes are there?", "What color is the dog?", "Why is the sky blue?"]
)
def test_a_photograph_is_refused_with_the_way_to_models_that_can_see_it(photograph, question):
    result = viper("ask", photograph, question, "--models", "builtin", "--json")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    start = "viper: no answer (model): photo.png does not look like a picture of the small world"
    assert line.startswith(start)
    assert "viper models pull small" in line
    answer = json.loads(result.stdout)
    assert (answer["failure"]["kind"], answer["outcome"]) == ("model", "no_answer")


def test_the_best_effort_looks_at_a_photograph_and_says_so(photograph):
    arguments = (
        "ask",
        photograph,
        "How many cubes are there?",
        "--models",
        "builtin",
        "--best-effort",
    )
    result = viper(*arguments)
    assert result.exit_code == 3
    assert result.stdout.endswith(" (not verified: that the models know such pictures)\n")
    assert "photo.png does not look like a picture of the small world" in result.stderr
