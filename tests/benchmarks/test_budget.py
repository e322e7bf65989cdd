"""What language models cost a benchmark, and a budget that ends it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fakes.bench import score
from fakes.generators import ScriptedGenerator
from fakes.llm_server import LLMServer, text
from viper import Engine
from viper.cli import cli
from viper.generate.program_cache import Store
from viper_benchmarks.row import SampleResult

WORDS = "cup dog cat car boat".split()
COUNT = "return len(image.find('cup'))"


@pytest.fixture
def data(tmp_path):
    Image.fromarray(np.zeros((80, 90, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    rows = [
        {"id": word, "image": "a.png", "query": f"How many {word}s are there?", "answer": "3"}
        for word in WORDS
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def bench(data, server, *more):
    name = f"openai:fake?base_url={server.url}&input_usd=1000&output_usd=1000"
    arguments = ["--models", "stub", "--generator", name, "--json", *more]
    return CliRunner().invoke(cli, ["bench", "jsonl", "--data", str(data), *arguments])


def test_the_report_adds_up_what_was_used(data):
    with LLMServer([text(COUNT)]) as server:
        result = bench(data, server)
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["usage"] == {"prompt_tokens": 55, "completion_tokens": 35, "cost_usd": 0.09}
    assert (report["stopped"], report["left"], report["memo"]) == (None, 0, None)


def test_a_budget_ends_a_benchmark_which_can_be_resumed(data, tmp_path):
    output = str(tmp_path / "out")
    with LLMServer([text(COUNT)]) as server:
        stopped = bench(data, server, "--max-cost", "0.03", "--output", output)
        report = json.loads(stopped.stdout)
        assert stopped.exit_code == 1
        assert "the budget is spent: 3 samples are left. Continue with --resume" in stopped.stderr
        assert (report["n"], report["accuracy"], report["failures"]) == (2, 1.0, {})
        assert (report["stopped"], report["left"]) == ("budget", 3)
        assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
        resumed = bench(data, server, "--max-cost", "1", "--output", output, "--resume")
    report = json.loads(resumed.stdout)
    assert resumed.exit_code == 0
    assert (report["n"], report["stopped"], report["left"]) == (5, None, 0)
    assert report["usage"]["cost_usd"] == 0.09  # of both runs
    assert len(server.requests) == 5


def test_samples_in_flight_are_finished_when_the_budget_is_spent(data):
    with LLMServer([text(COUNT, delay_s=0.3)]) as server:
        result = bench(data, server, "--max-cost", "0.01", "--concurrency", "3")
        assert len(server.requests) == 3
    report = json.loads(result.stdout)
    assert (report["n"], report["left"], report["stopped"]) == (3, 2, "budget")


def test_a_benchmark_remembers_nothing_unless_it_is_told_to(data, monkeypatch, tmp_path):
    path = tmp_path / "memo.sqlite"
    monkeypatch.setenv("VIPER_MEMO", str(path))
    with LLMServer([text(COUNT)]) as server:
        bench(data, server)
        assert len(server.requests) == 5
        assert not path.exists()
        result = bench(data, server, "--program-cache", "--stats")
        assert len(server.requests) == 6
    report = json.loads(result.stdout)
    assert report["program_cache"] == report["memo"] == {"hits": 4, "of": 5}
    assert report["usage"]["prompt_tokens"] == 11
    assert "memo hits   4 of 5 (80%)" in result.stderr
    assert len(Store(path).entries()) == 1


def test_stats_tell_what_a_benchmark_took(data):
    with LLMServer([text(COUNT)]) as server:
        lines = bench(data, server, "--stats").stderr.splitlines()
    table = dict(line.split(maxsplit=1) for line in lines if "stub" not in line)
    assert table["answers"] == "5"
    assert table["tokens"] == "90 (55 prompt, 35 completion)"
    assert table["cost"] == "0.090000 USD"
    assert table["total"].endswith("per answer)")


def test_rows_of_older_runs_can_be_resumed(data, tmp_path):
    output = tmp_path / "out"
    with Engine("stub", ScriptedGenerator([COUNT] * 9)) as engine:
        score(data, engine, output=output)
        path = output / "samples.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            del row["usage"], row["memo"], row["program_cached"]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        report = score(data, engine, output=output, resume=True)
    assert report["n"] == 5
    assert report["usage"]["cost_usd"] is None  # nobody wrote it down


def test_a_row_is_read_as_it_was_written(data):
    with Engine("stub", ScriptedGenerator([COUNT] * 5)) as engine:
        rows: list[SampleResult] = []
        score(data, engine, on_result=lambda row, new: rows.append(row))
    assert SampleResult.from_json(json.loads(json.dumps(rows[0].to_json()))) == rows[0]
