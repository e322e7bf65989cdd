"""The benchmark of the start-up: that it measures what it says, never how fast it is."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from viper_benchmarks.perf.__main__ import perf
from viper_benchmarks.perf.startup import GOALS, measure, table

PARTS = [
    "interpreter",
    "command line imported",
    "engine imported",
    "engine made",
    "image opened",
    "detector loaded",
    "program written",
    "sandbox started",
    "answered",
    "closed",
]


@pytest.fixture(scope="module")
def result():
    return measure(1)


def test_every_figure_is_there_and_positive(result):
    for figure in ("import_s", "ask_s", "ask_ratio", "resident_mb", "modules"):
        assert result[figure] > 0
    assert "photo_s" not in result  # without a detector and a photograph
    assert result["ask_ratio"] == pytest.approx(result["ask_s"] / result["import_s"], rel=0.02)


def test_the_timeline_has_all_parts_and_runs_forward(result):
    times = result["timeline_ms"]
    assert set(times) == set(PARTS)
    order = [times[part] for part in PARTS if part != "sandbox started"]
    assert order == sorted(order)


@pytest.mark.parametrize("figure", GOALS)
def test_the_table_says_whether_each_goal_is_reached(result, figure):
    whole = {**result, "photo_s": 1.0, "photo_ratio": 1.0}
    rows = {row.figure: row for row in table({**whole, figure: GOALS[figure]})}
    assert "reached" in rows[figure].goal
    rows = {row.figure: row for row in table({**whole, figure: GOALS[figure] * 1.01})}
    assert "missed" in rows[figure].goal


def test_a_detector_needs_a_photograph(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"")
    failed = CliRunner().invoke(perf, ["startup", "--detector", str(tmp_path / "a.onnx")])
    assert failed.exit_code == 1
    assert "--detector and --image go together" in failed.output
