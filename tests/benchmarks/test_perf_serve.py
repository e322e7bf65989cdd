"""The benchmark of the server: that it measures what it says, never how fast it is."""

from __future__ import annotations

import copy

import pytest
from click.testing import CliRunner

pytest.importorskip("starlette", reason="the extra [serve] is not installed")

from viper_benchmarks.perf.__main__ import perf
from viper_benchmarks.perf.command import BenchmarkError
from viper_benchmarks.perf.memory import GOAL_GROWTH
from viper_benchmarks.perf.samples import percentile
from viper_benchmarks.perf.serve import measure, table
from viper_benchmarks.perf.serve_load import RequestResult, counts

RESULT = {
    "requests": 500, "concurrency": 32, "pictures": 125, "lost": 0, "wrong": 0, "turned_away": 0,
    "outcomes": {"answered": 500}, "p50_ms": 1.0, "p90_ms": 2.0, "p99_ms": 3.0, "max_ms": 4.0,
    "answers_per_s": 30.0, "forwards": {"detector": 1}, "rss_idle_mb": 1.0,
    "rss_mb": [[100, 1000.0], [500, 1010.0]], "rss_growth": 0.01,
    "burst": {"requests": 80, "places": 40, "turned_away": 40, "lost": 0, "wrong": 0},
    "machine": {"cpu": "x", "cores": 2, "load_average_1min": 0.1}, "versions": {"python": "3"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "figure"),
    [
        (("lost",), 1, "lost"),
        (("wrong",), 1, "wrong"),
        (("rss_growth",), GOAL_GROWTH * 1.01, "rss_growth"),
        (("burst", "lost"), 1, "burst"),
        (("burst", "wrong"), 1, "burst"),
    ],
)
def test_the_table_says_whether_each_goal_is_reached(path, value, figure):
    assert "reached" in {row.figure: row for row in table(RESULT)}[figure].goal
    worse = copy.deepcopy(RESULT)
    place = worse
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert "missed" in {row.figure: row for row in table(worse)}[figure].goal


def test_an_answer_that_is_lost_is_not_counted_as_wrong_too():
    right = ("4", None)
    outcomes = [
        RequestResult(right, 1, 0),
        RequestResult(None, 1, 0),
        RequestResult(("5", None), 1, 0),
    ]
    assert counts(outcomes, [right] * 3) == {"turned_away": 0, "lost": 1, "wrong": 1}


def test_percentiles_are_values_that_were_measured():
    times = [float(n) for n in range(1, 201)]
    assert [percentile(times, p) for p in (50, 90, 99)] == [100.0, 180.0, 198.0]
    assert percentile([7.0], 99) == 7.0


def test_it_is_a_verb_of_the_benchmarks():
    result = CliRunner().invoke(perf, ["serve", "--help"])
    assert result.exit_code == 0
    assert "Put the server under load" in result.stdout


def test_a_server_that_does_not_start_is_no_figure(monkeypatch):
    from viper_benchmarks.perf import serve_load

    monkeypatch.setattr(serve_load.sys, "executable", "/bin/true")
    with pytest.raises(BenchmarkError, match="did not start"), serve_load.server():
        pass


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_under_load_no_answer_is_lost_or_wrong_and_memory_stays():
    result = measure(100, 32, early=60)
    assert (result["lost"], result["wrong"]) == (0, 0)
    assert sum(result["outcomes"].values()) == 100
    assert result["outcomes"]["answered"] > 50
    assert result["forwards"]["detector"] > 0
    assert result["burst"]["turned_away"] > 0
    assert (result["burst"]["lost"], result["burst"]["wrong"]) == (0, 0)
    assert result["rss_growth"] < 0.2
