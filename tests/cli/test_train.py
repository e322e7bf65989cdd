"""`viper train limber`: from a file of captions to an answerer, with tiny models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fakes import limber_world
from viper.cli import cli
from viper.errors import ConfigError
from viper.limber.folder import read_wiring


def viper(*arguments):
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("models")
    return limber_world.matcher(root / "clip"), limber_world.language(root / "language")


@pytest.fixture
def train(models, tmp_path: Path):
    matcher, language = models
    captions = limber_world.captions(tmp_path / "data")

    def run(*extra, out: Path = tmp_path / "map"):
        return viper(
            "train", "limber", out, "--captions", captions, "--matcher", f"transformers:{matcher}",
            "--language", language, "--prompts", 2, "--batch", 4, "--learning-rate", 0.02,
            "--device", "cpu", *extra,
        )  # fmt: skip

    return run


def test_a_trained_map_answers_as_a_backend(train, tmp_path: Path) -> None:
    result = train("--steps", 200, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["limber"]["accuracy"] == 1.0
    assert report["blind"]["accuracy"] <= 0.5  # one answer for both pictures
    assert report["best_text_match"]["n"] == report["asked"] == 2
    assert json.loads((tmp_path / "map" / "report.json").read_text()) == report
    assert not (tmp_path / "map" / "work").exists()
    program = tmp_path / "program.py"
    program.write_text(
        "def execute_command(image):\n"
        f"    return ImagePatch(image).simple_query({limber_world.QUESTION!r})\n"
    )
    for color in limber_world.COLORS:
        answer = viper(
            "run", program, tmp_path / "data" / f"{color}.png",
            "--backend", f"answerer=limber:{tmp_path / 'map'}?device=cpu&trust=true", "--models", "none",
        )  # fmt: skip
        said = f"{color} (answered by one model, not checked)\n"  # nothing else looked
        assert (answer.exit_code, answer.stdout) == (0, said), answer.stderr


def test_the_table_says_what_each_figure_is(train) -> None:
    result = train("--steps", 2)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["limber", "blind", "best_text_match"]
    assert lines[3].startswith("use it with: --backend answerer=limber:")
    assert lines[3].endswith("?trust=true")  # both models are in other folders
    assert "training the map: loss" in result.stderr


def test_an_interrupted_experiment_goes_on_with_the_features_it_has(
    train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from viper.limber import experiment

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(experiment, "train_map", cut)
        train("--steps", 3)
    assert (tmp_path / "map" / "work" / "features.pt").exists()
    assert not (tmp_path / "map" / "limber.json").exists()
    monkeypatch.setattr(experiment, "views_of", lambda _: pytest.fail("looked again"))
    assert train("--steps", 3).exit_code == 0
    monkeypatch.undo()


def test_a_missing_model_is_one_line_with_the_command(tmp_path: Path, hub_cache) -> None:
    captions = limber_world.captions(tmp_path)
    result = viper(
        "train", "limber", tmp_path / "out", "--captions", captions,
        "--matcher", "transformers:no/model", "--language", "no/language",
    )  # fmt: skip
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    assert "viper models pull no/model" in result.stderr


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "holds no trained map: it has no limber.json"),
        ("{", "is malformed"),
        ('{"matcher": "a", "language": "b", "features": 0, "prompts": 1, "width": 1}', "is malformed"),
        ('{"matcher": "a", "language": "b", "features": 1, "prompts": 1, "width": 1, "version": 9}',
         "has version 9, but this Viper reads version 1"),
        ('{"matcher": "a", "language": "b", "features": 1, "prompts": 1, "width": 1, "version": true}',
         "version must be a whole number"),
        ('{"matcher": "a", "language": "b", "features": true, "prompts": 1, "width": 1}', "is malformed"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_map_is_refused(tmp_path: Path, content, complaint) -> None:
    if content is not None:
        (tmp_path / "limber.json").write_text(content)
    with pytest.raises(ConfigError, match=complaint):
        read_wiring(tmp_path)
