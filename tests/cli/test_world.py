"""`viper world render`, in process."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from viper.cli import cli


def viper(*arguments):
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_two_images_are_drawn_and_asked_about(tmp_path):
    out = tmp_path / "out"
    result = viper("world", "render", out, "--count", 2, "--size", "96x64", "--seed", 3)
    scenes = out / "scenes" / "CLEVR_val_scenes.json"
    assert (result.exit_code, result.stdout) == (0, f"{scenes}\n")
    assert result.stderr.startswith("viper: 2 images of ")
    objects = json.loads(scenes.read_text())["scenes"][1]["objects"]
    picture = out / "images" / "val" / "CLEVR_val_000001.png"
    question = "How many cubes are there?"
    answer = viper("ask", picture, question, "--models", f"truth:{scenes}")
    assert answer.stdout == f"{sum(item['shape'] == 'cube' for item in objects)}\n"


def test_the_summary_for_machines_is_one_object(tmp_path):
    result = viper(
        "world", "render", tmp_path, "--count", 1, "--size", "64x48", "--json", "--plain"
    )
    summary = json.loads(result.stdout)
    assert summary.pop("took_s") > 0
    assert summary.pop("objects") == summary.pop("things") >= 3
    assert summary == {
        "images": str(tmp_path / "images" / "val"),
        "scenes": str(tmp_path / "scenes" / "CLEVR_val_scenes.json"),
        "count": 1,
        "seed": 0,
        "size": [64, 48],
        "split": "val",
        "plain": True,
    }
    assert result.stderr == ""


def test_force_writes_into_a_folder_that_is_not_empty(tmp_path):
    arguments = ("world", "render", tmp_path, "--count", 1, "--size", "64x48")
    assert viper(*arguments).exit_code == 0
    refused = viper(*arguments)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("viper: ")
    assert "is not empty" in refused.stderr
    assert viper(*arguments, "--force").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--count", 0), "0 is not in the range"),
        ((), "Missing option '--count'"),
        (("--count", 1, "--size", "480"), "'480' is not a size. Give WIDTHxHEIGHT"),
        (("--count", 1, "--size", "480x20"), "not 32 to 4096 pixels long"),
        (("--count", 1, "--seed", -1), "-1 is not in the range"),
    ],
    ids=["no pictures", "count missing", "half a size", "too flat", "negative seed"],
)
def test_what_cannot_be_drawn_is_a_usage_error(tmp_path, arguments, message):
    result = viper("world", "render", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not (tmp_path / "out").exists()


def test_a_bad_split_fails_with_one_line(tmp_path):
    result = viper("world", "render", tmp_path, "--count", 1, "--split", "a/b")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "cannot name a split" in result.stderr
