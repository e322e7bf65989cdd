from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from fakes.bench import row
from viper.cli import cli
from viper.errors import InputError
from viper_benchmarks.compare import compare_runs
from viper_benchmarks.run_folder import RunFolder


def write(path, scores, **settings):
    with RunFolder(path, {"task": "jsonl", **settings}, resume=False) as folder:
        folder.write_run({})
        for id_, score in scores.items():
            folder.append(row(id_, score, prediction=f"answer {score}", query=f"question {id_}"))
    return path


@pytest.fixture
def runs(tmp_path):
    first = write(
        tmp_path / "first", {"a": 1, "b": 0, "c": 0, "d": 1, "only": 1}, generator="grammar"
    )
    second = write(
        tmp_path / "second", {"d": 0, "c": 1, "b": 1, "a": 1, "new": 0}, generator="openai:x"
    )
    return first, second


def test_runs_are_compared_over_the_samples_that_both_have(runs):
    found = compare_runs(*runs)
    assert (found["n"], found["only_in_first"], found["only_in_second"]) == (4, 1, 1)
    assert (found["first"]["value"], found["second"]["value"], found["difference"]) == (
        0.5,
        0.75,
        0.25,
    )
    assert [entry["id"] for entry in found["gained"]] == ["c", "b"]
    assert found["lost"] == [
        {"id": "d", "query": "question d", "first": "answer 1", "second": "answer 0"}
    ]
    assert (found["both_right"], found["both_wrong"], found["answers_changed"]) == (1, 0, 3)
    assert found["mcnemar_p"] == 1.0
    assert found["settings"]["generator"] == ["grammar", "openai:x"]


def test_a_run_compared_with_itself_has_not_changed(runs):
    found = compare_runs(runs[0], runs[0])
    assert (found["difference"], found["answers_changed"], found["gained"]) == (0, 0, [])
    assert found["settings"] == {}


def test_bench_compare_prints_a_table_and_json(runs):
    shown = CliRunner().invoke(cli, ["bench", "compare", *map(str, runs)])
    assert shown.exit_code == 0
    assert "second−first  +25.0 points" in shown.stdout
    assert "McNemar       p = 1" in shown.stdout
    assert "lost    d: 'question d'  'answer 1' → 'answer 0'" in shown.stdout
    machine = CliRunner().invoke(cli, ["bench", "compare", *map(str, runs), "--json"])
    assert json.loads(machine.stdout) == compare_runs(*runs)


def test_what_cannot_be_compared_is_said(runs, tmp_path):
    with pytest.raises(InputError, match="contains no run"):
        compare_runs(runs[0], tmp_path / "nothing")
    with pytest.raises(InputError, match="No sample is in both runs"):
        compare_runs(runs[0], write(tmp_path / "other", {"z": 1}))
    gqa = write(tmp_path / "gqa", {"a": 1})
    (gqa / "run.json").write_text('{"task": "gqa"}')
    with pytest.raises(InputError, match="of different tasks: jsonl and gqa"):
        compare_runs(runs[0], gqa)
