"""The benchmark of the renderer: that it measures what it says, never how fast it is."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from viper_benchmarks.perf.__main__ import perf
from viper_benchmarks.perf.world import measure, table


@pytest.fixture(scope="module")
def result():
    return measure(2, scenes=3)


def test_every_scene_of_every_round_is_measured(result):
    assert result["scenes"] == 6
    assert len(result["round_scenes_per_s"]) == 2
    assert result["size"] == [320, 240]


def test_the_parts_make_up_the_whole(result):
    whole_ms = 1000 / result["scenes_per_s"]
    assert 0 < result["sample_ms"] < result["render_ms"] < whole_ms * 1.5


def test_the_table_says_whether_the_goal_is_reached(result):
    assert "reached" in table({**result, "scenes_per_s": 20.0})[0].goal
    assert "missed" in table({**result, "scenes_per_s": 19.9})[0].goal


def test_it_is_a_verb_of_the_benchmarks():
    result = CliRunner().invoke(perf, ["world", "--help"])
    assert result.exit_code == 0
    assert "scenes of the small world" in result.stdout
