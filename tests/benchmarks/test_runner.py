from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from viper import Engine, InputError
from viper.cli import cli
from viper_benchmarks.jsonl import read_jsonl
from viper_benchmarks.runner import read_finished, run_benchmark


@pytest.fixture
def data(tmp_path):
    Image.fromarray(np.zeros((80, 90, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    rows = [
        {"id": "count", "image": "a.png", "query": "How many cups?", "answer": "3", "tags": ["n"]},
        {"id": "wrong", "image": "a.png", "query": "Is there a cup?", "answer": "no"},
        {"id": "fails", "image": "a.png", "query": "x", "answer": "no", "program": "return [][0]"},
        {"id": "gone", "image": "b.png", "query": "Is there a cup?", "answer": "yes"},
        {"id": "box", "task": "grounding", "image": "a.png", "query": "left cup",
         "box_xyxy": [0, 0, 30, 80], "tags": ["n"]},
        {"id": "none", "task": "grounding", "image": "a.png", "query": "cup", "box_xyxy": None,
         "program": "def execute_command(image):\n    return None"},
    ]  # fmt: skip
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_failures_count_as_wrong_and_every_row_is_kept(data, tmp_path):
    output = tmp_path / "out"
    with Engine("stub") as engine:
        report = run_benchmark("jsonl", read_jsonl(data), engine, concurrency=3, output=output)
    assert report["n"] == 6
    assert report["accuracy"] == 0.5
    assert report["failures"] == {"runtime": 1, "input": 1}
    assert report["acc_iou50"] == 1.0
    assert report["by_tag"]["n"]["accuracy"] == 1.0
    rows = read_finished(output / "samples.jsonl")
    assert set(rows) == {"count", "wrong", "fails", "gone", "box", "none"}
    assert json.loads((output / "report.json").read_text()) == report
    config = json.loads((output / "run.json").read_text())
    assert config["backends"]["detector"] == "stub"
    assert config["versions"]["viper"]


def test_a_run_that_was_cut_off_is_resumed_without_repeating_anything(data, tmp_path):
    output = tmp_path / "out"
    samples = read_jsonl(data)
    with Engine("stub") as engine:
        whole = run_benchmark("jsonl", samples, engine, output=output)
        path = output / "samples.jsonl"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[:3]) + lines[3][:20])
        asked: list[str] = []
        resumed = run_benchmark(
            "jsonl", samples, engine, output=output, resume=True,
            on_result=lambda result: asked.append(result.id),
        )  # fmt: skip
    assert asked == [sample.id for sample in samples[3:]]
    assert len(path.read_text().splitlines()) == 6
    for key in ("n", "accuracy", "failures", "mean_iou"):
        assert resumed[key] == whole[key]


def test_a_folder_that_holds_a_run_is_not_overwritten(data, tmp_path):
    output = tmp_path / "out"
    with Engine("stub") as engine:
        run_benchmark("jsonl", read_jsonl(data, limit=1), engine, output=output)
        with pytest.raises(InputError, match=r"holds a run already. Add --resume"):
            run_benchmark("jsonl", read_jsonl(data, limit=1), engine, output=output)


def test_bench_prints_the_report_as_json(data):
    result = CliRunner().invoke(
        cli, ["bench", "jsonl", "--data", str(data), "--models", "stub", "--json", "--limit", "2"]
    )
    assert result.exit_code == 0
    assert list(json.loads(result.stdout)) == [
        "task", "n", "accuracy", "accuracy_ci95", "acc_iou50", "acc_iou70", "mean_iou",
        "failure_rate", "failures", "programs_per_s", "calls", "forwards", "by_tag", "usage", "memo",
        "stopped", "left",
    ]  # fmt: skip


def test_bench_prints_a_table_for_people(data):
    result = CliRunner().invoke(cli, ["bench", "jsonl", "--data", str(data), "--models", "stub"])
    assert result.exit_code == 0
    assert "accuracy      50.0%  (95 % interval" in result.stdout
    assert "failures      33.3%  (runtime 1, input 1)" in result.stdout


def test_a_missing_file_is_one_clear_line(tmp_path):
    result = CliRunner().invoke(
        cli, ["bench", "jsonl", "--data", str(tmp_path / "no.jsonl"), "--models", "stub"]
    )
    assert result.exit_code == 1
    assert "There is no file" in result.stderr
    assert len(result.stderr.splitlines()) == 1
