from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from fakes import true_scenes
from viper import Engine
from viper.cli import cli
from viper.errors import ConfigError
from viper_benchmarks.error_attribution import ErrorAttributor
from viper_benchmarks.run_folder import read_rows
from viper_benchmarks.scorer import Scorer

PICTURE = "table.png"


@pytest.fixture
def data(tmp_path):
    """Questions about a table that the stub, which finds three of everything, gets wrong."""
    rows = [
        {"id": "detector", "query": "How many cubes are there?", "answer": "1"},
        {"id": "matcher", "query": "Is the cylinder green?", "answer": "no"},
        {"id": "program", "query": "x", "answer": "7", "program": "return 8"},
        {"id": "several", "query": "x", "answer": "1",
         "program": "def execute_command(image):\n    found = ImagePatch(image).find('cylinder')\n"
         "    return sum(thing.verify_property('cylinder', 'red') for thing in found) "
         "+ (found[0].verify_property('cylinder', 'blue'))"},
        {"id": "right", "query": "How many spheres are there?", "answer": "3"},
        {"id": "unwritten", "query": "colourless green ideas sleep furiously", "answer": "no"},
    ]  # fmt: skip
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps({"image": PICTURE, **row}) for row in rows))
    true_scenes.write(tmp_path / "scenes.json", true_scenes.clevr((PICTURE, true_scenes.TABLE)))
    true_scenes.picture(tmp_path / PICTURE)
    return path


def test_each_wrong_sample_is_attributed_to_its_cause(data, tmp_path):
    output = tmp_path / "out"
    result = CliRunner().invoke(
        cli,
        ["bench", "jsonl", "--data", str(data), "--models", "stub", "--attribute-errors", "--truth",
         str(tmp_path / "scenes.json"), "--output", str(output), "--json"],
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    causes = {row.id: row.error_attribution for row in read_rows(output / "samples.jsonl")}
    assert {id_: value and value.cause for id_, value in causes.items()} == {
        "detector": "detector", "matcher": "matcher", "program": "program", "several": "several",
        "right": None, "unwritten": "program",
    }  # fmt: skip
    assert json.loads(result.stdout)["blame"] == {
        "program": 2,
        "detector": 1,
        "matcher": 1,
        "several": 1,
    }


def test_a_role_without_a_backend_can_be_the_cause(tmp_path):
    program = (
        "def execute_command(image):\n"
        "    return ImagePatch(image).find('cylinder')[0].verify_property('cylinder', 'red')"
    )
    row = {"id": "1", "image": PICTURE, "query": "x", "answer": "yes", "program": program}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    true_scenes.write(tmp_path / "scenes.json", true_scenes.clevr((PICTURE, true_scenes.TABLE)))
    true_scenes.picture(tmp_path / PICTURE)
    scenes = str(tmp_path / "scenes.json")
    result = CliRunner().invoke(
        cli,
        ["bench", "jsonl", "--data", str(tmp_path / "rows.jsonl"), "--models", "none", "--backend",
         f"detector=truth:{scenes}", "--attribute-errors", "--truth", scenes, "--json"],
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["failures"] == {"model": 1}
    assert report["blame"] == {"matcher": 1}


def test_the_errors_of_the_oracle_cannot_be_attributed(tmp_path):
    scenes = tmp_path / "scenes.json"
    true_scenes.write(scenes, true_scenes.clevr((PICTURE, true_scenes.TABLE)))
    with (
        Engine(f"truth:{scenes}") as engine,
        pytest.raises(ConfigError, match="is the oracle already"),
    ):
        ErrorAttributor(engine, Scorer(), scenes)


def test_models_are_shared_and_not_loaded_again(tmp_path):
    scenes = tmp_path / "scenes.json"
    true_scenes.write(scenes, true_scenes.clevr((PICTURE, true_scenes.TABLE)))
    picture = true_scenes.picture(tmp_path / PICTURE)
    with Engine("builtin", best_effort=True) as engine:
        engine.ask(picture, "How many cubes are there?")
        lent = engine.pool._workers["detector"]
        with ErrorAttributor(engine, Scorer(), scenes) as attributor:
            workers = attributor._one_role["matcher"].pool._workers
            assert workers["detector"] is lent
            assert workers["matcher"] is not engine.pool._workers["matcher"]
        assert engine.ask(picture, "How many cubes are there?").failure is None
