"""The benchmark of the runner: that it measures what it says, never how fast it is."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from viper_benchmarks.perf.__main__ import perf
from viper_benchmarks.perf.runner import measure, table


@pytest.fixture(scope="module")
def result():
    return measure(2, samples=12, long_n=100)


def test_every_figure_is_measured_in_every_round(result):
    assert {name: len(values) for name, values in result["rounds"].items()} == {
        "samples_per_s": 2, "engine_per_s": 2, "runner_per_s": 2,
    }  # fmt: skip
    assert 0 < result["samples_per_s"] < result["runner_per_s"]
    assert result["overhead_us"] > 0


def test_memory_is_watched_to_the_last_sample(result):
    assert [count for count, _ in result["rss_mb"]][-1] == result["long_samples"] == 100
    assert all(mb > 10 for _, mb in result["rss_mb"])


def test_the_table_says_whether_the_goals_are_reached(result):
    rows = {
        row.figure: row.goal
        for row in table({**result, "samples_per_s": 200.0, "rss_growth": 0.06})
    }
    assert "reached" in rows["samples_per_s"]
    assert "missed" in rows["rss_growth"]


def test_it_is_a_verb_of_the_benchmarks():
    result = CliRunner().invoke(perf, ["runner", "--help"])
    assert result.exit_code == 0
    assert "the cost of scoring" in result.stdout
