"""The benchmark of forwards: the suite is what it says, and the counts are honest."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from click.testing import CliRunner

from docs.tooling.forwards_suite import make_suite
from viper_benchmarks.perf import suite
from viper_benchmarks.perf.__main__ import perf
from viper_benchmarks.perf.forwards import measure, naive_forwards, table
from viper_benchmarks.perf.observed import Counts, counting_opener

PUBLISHED = {
    "programs",
    "naive_forwards",
    "engine_forwards",
    "ratio",
    "wasted_items",
    "differing_answers",
    "concurrency",
    "median_ratio",
    "share_below_2x",
}


@pytest.fixture(scope="module")
def result():
    return measure(4, model_ms=1, limit=12)


def test_the_suite_has_the_programs_that_it_promises():
    programs = suite.programs()
    assert Counter(program.style for program in programs) == {"grammar": 200, "llm": 100}
    assert len({program.id for program in programs}) == 300
    scenes = json.loads(suite.scene_file().read_text())["scenes"]
    assert {program.image for program in programs} == {scene["image_filename"] for scene in scenes}
    sizes = [len(s["objects"]) for s in scenes if s["image_filename"].startswith("table")]
    assert (min(sizes), max(sizes), len(sizes)) == (3, 40, 25)


def test_the_images_are_all_different(tmp_path):
    suite.draw_images(tmp_path)
    contents = [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(contents) == len(set(contents)) == 45


@pytest.mark.photos
def test_the_suite_that_ships_is_the_one_that_the_command_makes(photos):
    """Its scenes to the letter; the grammar's programs may have got better since."""
    rows, scenes = make_suite(photos / "clevr_dev")
    assert scenes == json.loads(suite.scene_file().read_text())["scenes"]
    shipped = [program.program for program in suite.programs()]
    assert [row["program"] for row in rows if row["style"] == "llm"] == shipped[200:]
    assert len(rows) == len(shipped)


def test_the_counts_have_the_published_names(result):
    assert result.keys() >= PUBLISHED
    assert (result["programs"], result["concurrency"]) == (24, 4)


def test_the_engine_answers_the_same_with_fewer_forwards(result):
    assert result["differing_answers"] == 0
    assert 0 < result["engine_forwards"] < result["naive_forwards"]
    assert result["ratio"] == round(result["naive_forwards"] / result["engine_forwards"], 2)
    assert 1 < result["cold_ratio"] <= result["cold_limit"]
    assert result["lookahead"]["wasted"] == result["wasted_items"] >= 0


def test_best_image_match_is_one_naive_forward_per_patch(fake_engine):
    from fakes.backends import FakeDetector, FakeMatcher
    from fakes.cups import CUPS, picture

    engine = fake_engine(detector=FakeDetector(CUPS), matcher=FakeMatcher({"red": 0.5}))
    answer = engine.run_program(
        "def execute_command(image):\n"
        "    return best_image_match(image.find('cup'), ['red'], return_index=True)\n",
        picture(),
    )
    assert answer.text == "0"
    assert naive_forwards(answer) == 1 + 8


def test_models_are_counted_from_outside():
    from viper.models.registry import BackendRef

    counts = Counts()
    ref = BackendRef.parse("matcher", f"truth:{suite.scene_file()}")
    backend = counting_opener(counts)(ref)
    assert len(backend.embed_texts(["cube", "ball"])) == 2
    assert (counts.forwards, counts.items) == (1, 2)


def test_the_table_says_whether_the_goals_are_reached(result):
    goals = {row.figure: row.goal for row in table({**result, "concurrency": 16, "ratio": 20.0})}
    assert "reached" in goals["ratio"]
    goals = {
        row.figure: row.goal
        for row in table({**result, "concurrency": 1, "ratio": 5.9, "differing_answers": 1})
    }
    assert "missed" in goals["ratio"]
    assert "missed" in goals["differing_answers"]


@pytest.mark.parametrize("name", ["forwards", "overhead", "throughput", "soak"])
def test_it_is_a_verb_of_the_benchmarks(name):
    result = CliRunner().invoke(perf, [name, "--help"])
    assert result.exit_code == 0
    assert f"perf {name}" in result.stdout
