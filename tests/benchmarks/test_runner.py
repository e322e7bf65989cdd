from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner

from fakes import bench
from fakes.llm_server import LLMServer, drop, text
from viper import Engine
from viper.cli import cli
from viper.errors import ConfigError
from viper.generate.openai import OpenAIGenerator
from viper_benchmarks.run_folder import read_rows
from viper_benchmarks.runner import RunPlan, run
from viper_benchmarks.tasks.jsonl import JsonlSamples


@pytest.fixture
def data(tmp_path):
    return bench.folder(tmp_path)


def test_failures_count_as_wrong_and_every_row_is_kept(data, tmp_path):
    output = tmp_path / "out"
    with Engine("stub") as engine:
        report = bench.score(data, engine, concurrency=3, output=output)
    assert report["n"] == 6
    assert report["accuracy"] == 0.5
    assert report["failures"] == {"runtime": 1, "input": 1}
    assert report["acc_iou50"] == 1.0
    assert report["by_tag"]["n"]["accuracy"] == 1.0
    rows = {row.id: row for row in read_rows(output / "samples.jsonl")}
    assert set(rows) == {"count", "wrong", "fails", "gone", "box", "none"}
    assert (rows["count"].image, rows["count"].query) == ("a.png", "How many cups?")
    assert (rows["count"].answer, rows["box"].right_box_xyxy) == ("3", (0.0, 0.0, 30.0, 80.0))
    assert json.loads((output / "report.json").read_text()) == report
    assert "<!doctype html>" in (output / "report.html").read_text()


def test_a_run_that_was_cut_off_is_resumed_without_repeating_anything(data, tmp_path):
    output = tmp_path / "out"
    with Engine("stub") as engine:
        whole = bench.score(data, engine, output=output)
        path = output / "samples.jsonl"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[:3]) + lines[3][:20])
        told: list[tuple[str, bool]] = []
        resumed = bench.score(
            data, engine, output=output, resume=True,
            on_result=lambda result, new: told.append((result.id, new)),
        )  # fmt: skip
    ids = [row["id"] for row in bench.ROWS]
    assert told == [(id_, False) for id_ in ids[:3]] + [(id_, True) for id_ in ids[3:]]
    assert len(path.read_text().splitlines()) == 6
    for key in ("n", "accuracy", "failures", "mean_iou", "ids_sha256_sum", "metrics"):
        assert resumed[key] == whole[key]


COUNTS = "def execute_command(image):\n    return len(image.find('cup'))\n"
ASKED = [{"id": str(n), "image": "a.png", "query": f"Why {n}?", "answer": "3"} for n in range(6)]


def asked_of(server, data, output, **options):
    """Run the rows with a language model that writes the programs."""
    generator = OpenAIGenerator.parse(
        f"m?base_url={server.url}&examples=0&api=brief&max_retries=0&timeout=5"
    )
    with Engine("stub", generator) as engine:
        return bench.score(data, engine, output=output, **options)


@pytest.mark.parametrize("replies", [3, 6], ids=["dies", "the control: stays"])
def test_a_service_that_dies_costs_the_rows_that_it_did_not_answer_alone(tmp_path, replies):
    data, output = bench.folder(tmp_path, ASKED), tmp_path / "out"
    served = [text(f"```python\n{COUNTS}```")] * replies
    with LLMServer([*served, drop()]) as server:
        report = asked_of(server, data, output)
    assert report["n"] == 6
    assert report["failures"] == ({"generator": 6 - replies} if replies < 6 else {})
    assert report["accuracy"] == replies / 6
    rows = [*read_rows(output / "samples.jsonl")]
    assert [row.failure for row in rows] == [None] * replies + ["generator"] * (6 - replies)
    assert [row.answer for row in rows[:replies]] == ["3"] * replies


def test_a_run_that_ended_with_its_service_is_completed_by_another(tmp_path):
    data, output = bench.folder(tmp_path, ASKED), tmp_path / "out"
    path = output / "samples.jsonl"
    with LLMServer([text(f"```python\n{COUNTS}```")] * 3 + [drop()]) as server:
        asked_of(server, data, output)
    answered = path.read_text().splitlines(keepends=True)[:3]
    path.write_text("".join(answered))  # the rows of the failures are removed
    with LLMServer([text(f"```python\n{COUNTS}```")]) as server:
        report = asked_of(server, data, output, resume=True)
        assert len(server.requests) == 3
    assert (report["n"], report["accuracy"], report["failures"]) == (6, 1.0, {})
    assert path.read_text().splitlines(keepends=True)[:3] == answered


def test_a_finished_run_that_is_resumed_answers_nothing_and_reports_the_same(data, tmp_path):
    output = tmp_path / "out"
    with Engine("stub") as engine:
        whole = bench.score(data, engine, output=output)
        again = bench.score(data, engine, output=output, resume=True)
    assert again["programs_per_s"] == 0
    assert {**again, "programs_per_s": 0} == {**whole, "programs_per_s": 0}


def test_rows_of_samples_that_are_not_scored_now_are_left_out_of_the_report(data, tmp_path):
    output = tmp_path / "out"
    with Engine("stub") as engine:
        bench.score(data, engine, output=output)
        few = list(JsonlSamples(data))[:2]
        report = bench.score(data, engine, samples=few, output=output, resume=True)
    assert (report["n"], report["left"]) == (2, 0)
    page = (output / "report.html").read_text()
    assert page.count("<figure") == 2


def invoke(data, *more):
    return CliRunner().invoke(
        cli, ["bench", "jsonl", "--data", str(data), "--models", "stub", *more]
    )


def test_bench_prints_the_report_as_json(data):
    result = invoke(data, "--json", "--limit", "2")
    assert result.exit_code == 0
    assert list(json.loads(result.stdout)) == [
        "task", "n", "n_correct", "accuracy", "accuracy_ci95", "outcomes", "modes", "acc_iou50",
        "acc_iou50_ci95",
        "acc_iou70", "acc_iou70_ci95", "mean_iou", "mean_iou_ci95", "failure_rate",
        "failure_rate_ci95", "failures", "programs_per_s", "calls", "forwards", "ms", "metrics",
        "by_tag", "baselines", "found", "blame", "error_attribution", "ids_sha256_sum", "usage",
        "version", "split",
        "subset", "metric", "exposure", "best_effort", "memo", "program_cache", "stopped", "left",
    ]  # fmt: skip


def test_bench_prints_a_table_for_people(data):
    result = invoke(data)
    assert result.exit_code == 0
    assert "accuracy      50.0%  (95 % interval" in result.stdout
    assert "not answered  33.3%  (runtime 1, input 1)" in result.stdout


def test_bench_writes_what_decided_the_rows(data, tmp_path):
    output = tmp_path / "out"
    assert invoke(data, "--output", str(output)).exit_code == 0
    config = json.loads((output / "run.json").read_text())
    assert config["backends"]["detector"] == "stub"
    assert config["versions"]["viper"]
    assert (config["task"], config["n"], config["engine"]) == ("jsonl", 6, "local")
    assert config["data"] == str(data.resolve())


def test_bench_refuses_to_resume_with_other_models(data, tmp_path):
    output = str(tmp_path / "out")
    assert invoke(data, "--output", output).exit_code == 0
    result = invoke(data, "--output", output, "--resume", "--backend", "detector=builtin")
    assert result.exit_code == 1
    assert "has backends =" in result.stderr


@pytest.mark.parametrize(
    ("options", "status", "complaint"),
    [
        (["--resume"], 2, "--resume needs --output"),
        (["--split", "val"], 2, "jsonl has no splits"),
        (["--subset", "tiny"], 2, "jsonl has no subset 'tiny'"),
        (["--attribute-errors"], 1, "--attribute-errors needs the scenes of the images"),
        (["--blame"], 1, "--attribute-errors needs the scenes of the images"),
        (["--workers", "2"], 2, "--workers is for --engine ray"),
        (["--metric", "iou50"], 1, "does not fit sample 'count'"),
        (["--programs", "nothing.jsonl"], 1, "There is no file 'nothing.jsonl'"),
        (["--models", "stubb"], 2, "Unknown preset 'stubb'"),
        (["--generator", "gramar"], 2, "Unknown generator 'gramar'"),
        (["--backend", "onnx:x"], 2, "--backend takes ROLE=NAME:REFERENCE"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(data, options, status, complaint):
    result = invoke(data, *options)
    assert result.exit_code == status
    assert complaint in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_missing_file_is_one_clear_line(tmp_path):
    result = invoke(tmp_path / "no.jsonl")
    assert result.exit_code == 1
    assert "There is no file" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_unknown_benchmark_is_answered_with_the_near_one(data):
    result = CliRunner().invoke(cli, ["bench", "jsonnl", "--data", str(data)])
    assert result.exit_code == 2
    assert "There is no benchmark 'jsonnl'. Did you mean 'jsonl'?" in result.stderr


def test_the_list_says_what_each_benchmark_needs():
    result = CliRunner().invoke(cli, ["bench", "list"])
    assert result.exit_code == 0
    assert "refcoco    v1  Short referring expressions" in result.stdout
    assert "val 10,834" in result.stdout
    tasks = json.loads(CliRunner().invoke(cli, ["bench", "list", "--json"]).stdout)["tasks"]
    assert [task["name"] for task in tasks] == [
        "refcoco", "refcoco+", "refcocog", "gqa", "clevr", "okvqa", "vqav2", "jsonl",
    ]  # fmt: skip


def test_the_help_of_a_benchmark_says_which_files_it_needs():
    result = CliRunner().invoke(cli, ["bench", "refcoco", "--help"])
    assert "refcoco/refs(unc).p" in result.stdout
    assert "github.com/lichengunc/refer" in result.stdout
    assert "testB (5,095)" in result.stdout


def test_a_run_can_be_started_where_an_event_loop_runs(data):
    async def notebook():
        with Engine("stub") as engine:
            return bench.score(data, engine)

    assert asyncio.run(notebook())["n"] == 6


def test_an_error_of_the_runner_itself_is_raised_as_it_is(data):
    class Broken:
        async def evaluate(self, sample):
            raise ConfigError("broken")

    with pytest.raises(ConfigError, match=r"^broken$"):
        run(RunPlan("jsonl", JsonlSamples(data)), Broken(), concurrency=3)
