"""The benchmarks of the engine: that they measure what they say, never how fast it is."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import Future
from dataclasses import replace

import pytest

from viper_benchmarks.perf import overhead, soak, throughput
from viper_benchmarks.perf.answer_differences import compare
from viper_benchmarks.perf.models_alone import ModelBench, _best


def test_overhead_is_what_the_engine_takes_beyond_its_parts():
    result = overhead.measure(1, programs=6)
    assert set(result["parts"]) == {"image", "sandbox", "models"}
    assert all(ms > 0 for ms in result["parts"].values())
    assert result["parts_ms"] == pytest.approx(sum(result["parts"].values()), abs=0.01)
    assert result["overhead_ms"] == pytest.approx(
        result["engine_ms"] - result["parts_ms"], abs=0.01
    )
    figures = [row.figure for row in overhead.table(result)]
    assert figures[:2] == ["engine_ms", "parts_ms"]


def test_a_soak_runs_all_programs_and_leaves_nothing_behind():
    result = soak.measure(100, chunk=50)
    assert result["programs"] == sum(result["outcomes"].values()) == 100
    assert set(result["outcomes"]) >= {"answered", "runtime"}
    assert (result["leaked_futures"], result["leaked_threads"]) == (0, 0)
    assert [count for count, _ in result["rss_mb"]] == [50, 100]


def test_a_future_without_an_answer_is_counted():
    before = soak._waiting_futures()
    left = Future()
    assert soak._waiting_futures() == before + 1
    left.set_result(None)
    assert soak._waiting_futures() == before
    del left
    gc.collect()


def test_a_thread_that_outlives_the_rest_is_counted_and_one_that_ends_is_not():
    before = set(threading.enumerate())
    ended = threading.Event()
    staying = threading.Thread(target=ended.wait)
    ending = threading.Thread(target=ended.wait, args=(0.1,))
    staying.start()
    ending.start()
    try:
        assert soak._threads_left(before) == 1
    finally:
        ended.set()
        staying.join()
    assert soak._threads_left(before) == 0


def test_the_tables_say_whether_the_goals_are_reached():
    clean = {
        "programs": 1_000, "rss_growth": 0.05, "leaked_futures": 0, "leaked_threads": 0,
        "programs_per_s": 9.0, "outcomes": {"answered": 1_000}, "rss_mb": [[100, 50.0], [1_000, 52.5]],
    }  # fmt: skip
    goals = {row.figure: row.goal for row in soak.table(clean)}
    assert "reached" in goals["rss_growth"]
    assert "reached" in goals["leaked_futures"]
    goals = {
        row.figure: row.goal
        for row in soak.table({**clean, "rss_growth": 0.06, "leaked_threads": 1})
    }
    assert "missed" in goals["rss_growth"]
    assert "missed" in goals["leaked_futures"]


def row(**values):
    return {
        "device": "cuda", "concurrency": 64, "programs_per_s": 8.0, "naive_per_s": 1.0,
        "ceiling_per_s": 10.0, "of_ceiling": 0.8, "times_naive": 10.0, "mean_batch": 9.0,
        "busy_share": 0.9,
    } | values  # fmt: skip


@pytest.mark.parametrize(
    ("values", "goal"),
    [
        ({}, "≥ 0.8 of ceiling, reached, ≥ 10 × naive, reached"),
        ({"of_ceiling": 0.79}, "≥ 0.8 of ceiling, missed, ≥ 10 × naive, reached"),
        ({"concurrency": 16}, ""),
        ({"device": "cpu", "concurrency": 1, "times_naive": 2.9}, "≥ 3 × naive, missed"),
        ({"device": "cpu"}, ""),
    ],
)
def test_throughput_has_goals_for_a_gpu_and_for_a_cpu(values, goal):
    machine = {"gpu": None, "cpu": "a"}
    same = {"programs": 3, "differing_answers": 0, "largest_score_difference": 0.0}
    result = {
        "rows": [row(**values)], "size": "real", "machine": machine, "best_batch": {},
        "same_answers": same,
    }  # fmt: skip
    assert throughput.table(result)[0].goal == goal


def test_the_time_in_which_a_model_was_busy_counts_overlaps_once():
    bench = ModelBench()
    for start, end in ((0.0, 2.0), (1.0, 3.0), (5.0, 6.0), (5.2, 5.8)):
        bench._record("detect", [], start, end)
    assert bench.busy_s() == pytest.approx(4.0)


def test_the_best_batch_is_the_one_that_is_fastest_per_item(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("viper_benchmarks.perf.models_alone.time.perf_counter", lambda: now[0])

    def method(items):
        now[0] += 1.0 + (0.1 if len(items) <= 8 else 9.0) * len(items)

    per_item, size = _best(method, list(range(64)))
    assert size == 8
    assert per_item == pytest.approx(1.8 / 8)


@pytest.mark.slow
def test_throughput_is_measured_with_real_architectures():
    result = throughput.measure("small", [2], programs=8)
    (measured,) = result["rows"]
    assert measured["concurrency"] == 2
    assert measured["failed"] == 0
    assert measured["programs_per_s"] > measured["naive_per_s"] > 0
    assert measured["mean_batch"] > 1
    assert 0 < measured["busy_share"] <= 1.01
    assert result["same_answers"]["differing_answers"] == 0
    assert result["same_answers"]["largest_score_difference"] < 1e-5
    assert set(result["best_batch"]) >= {"detect", "embed_images", "estimate"}


@pytest.mark.slow
def test_two_thousand_programs_leave_nothing_behind():
    result = soak.measure(2_000)
    assert (result["leaked_futures"], result["leaked_threads"]) == (0, 0)
    assert result["rss_growth"] < 0.25  # the first tenth is too short for the cache to fill


@pytest.mark.parametrize(
    ("moved", "more", "category", "differing"),
    [(0.0, 6e-8, "cup", 0), (1 / 64, 0.0, "cup", 1), (0.0, 0.0, "mug", 1)],
    ids=["last bit of a score", "box", "category"],
)
def test_the_last_bits_of_a_score_are_measured_and_everything_else_must_be_equal(
    fake_engine, moved, more, category, differing
):
    from fakes.backends import FakeDetector
    from fakes.cups import CUPS, picture

    source = "def execute_command(image):\n    return image.find('cup')\n"
    answer = fake_engine(detector=FakeDetector(CUPS)).run_program(source, picture())
    first, *rest = answer.patches
    x1, y1, x2, y2 = first.box_xyxy
    other = replace(
        first,
        view=replace(first.view, box_xyxy=(x1 + moved, y1, x2, y2)),
        score=first.score - more,
        category=category,
    )
    found = compare([answer], [replace(answer, patches=(other, *rest))])
    assert found["differing_answers"] == differing
    if not differing:
        assert found["largest_score_difference"] == pytest.approx(more)


def test_answers_that_differ_are_reported_with_the_scores_that_were_near(fake_engine):
    from fakes.backends import FakeDetector, FakeMatcher
    from fakes.cups import CUPS, picture

    source = (
        "def execute_command(image):\n"
        "    return image.find('cup')[0].verify_property('cup', 'red')\n"
    )
    answers = []
    for cosine in (0.5001, 0.4999):
        matcher = FakeMatcher({"red cup": cosine, "cup": 0.5})
        engine = fake_engine(detector=FakeDetector(CUPS), matcher=matcher)
        answers.append(engine.run_program(source, picture()))
    same = compare(answers[:1], answers[:1])
    assert (same["differing_answers"], same["differences"]) == (0, [])
    found = compare(answers[:1], answers[1:])
    assert found["differing_answers"] == 1
    (difference,) = found["differences"]
    assert difference["answers"] == ["yes", "no"]
    assert difference["method"] == "ImagePatch.verify_property"
    assert difference["scores"] == pytest.approx([0.5, 0.5], abs=0.02)
