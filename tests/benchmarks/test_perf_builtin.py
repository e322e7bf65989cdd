"""The benchmark of the built-in models: that it measures what it says, never how fast they are."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from viper_benchmarks.perf.__main__ import perf
from viper_benchmarks.perf.builtin import GOALS, measure, table


@pytest.fixture(scope="module")
def result():
    return measure(1, images_per_round=2)


def test_every_figure_is_there_and_positive(result):
    assert result["pictures"] == 2
    for figure in (*GOALS, "question_ms"):
        assert result[figure] > 0


def test_the_weights_are_those_that_ship(result):
    assert result["weights_mb"] <= GOALS["weights_mb"]


@pytest.mark.parametrize("figure", GOALS)
def test_the_table_says_whether_each_goal_is_reached(result, figure):
    rows = {row.figure: row for row in table({**result, figure: GOALS[figure]})}
    assert "reached" in rows[figure].goal
    rows = {row.figure: row for row in table({**result, figure: GOALS[figure] * 1.01})}
    assert "missed" in rows[figure].goal


def test_it_is_a_verb_of_the_benchmarks():
    result = CliRunner().invoke(perf, ["builtin", "--help"])
    assert result.exit_code == 0
    assert "what the built-in models cost" in result.stdout
