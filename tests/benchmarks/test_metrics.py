from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper_benchmarks.metrics import grounding_iou, normalised, report, wilson_interval
from viper_benchmarks.sample import SampleResult


def result(id_, *, correct, failure=None, iou=None, tags=()):
    return SampleResult(
        id=id_, task="vqa" if iou is None else "grounding", prediction="x", box_xyxy=None,
        correct=correct, iou=iou, failure=failure, message=None, calls=2, forwards={"detector": 1},
        ms=1.0, tags=tags, program=None, unverified=(),
    )  # fmt: skip


def test_nothing_fits_is_right_only_without_a_patch():
    assert grounding_iou(None, None) == 1
    assert grounding_iou((0, 0, 1, 1), None) == 0
    assert grounding_iou(None, (0, 0, 1, 1)) == 0
    assert grounding_iou((0, 0, 2, 2), (0, 0, 2, 1)) == 0.5


@pytest.mark.parametrize(
    ("left", "right"), [("The Cat.", "cat"), ("an umbrella", "umbrella"), ("t-shirt", "T shirt")]
)
def test_answers_are_compared_without_case_articles_and_punctuation(left, right):
    assert normalised(left) == normalised(right)


def test_wilson_interval_of_half_of_a_hundred():
    low, high = wilson_interval(50, 100)
    assert (round(low, 4), round(high, 4)) == (0.4038, 0.5962)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share_and_stays_in_bounds(pair):
    successes, n = pair
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1


def test_a_failed_sample_counts_as_wrong():
    summary = report(
        "jsonl",
        [result("1", correct=True), result("2", correct=False, failure="model", tags=("a",))],
        wall_s=2.0,
    )
    assert summary["n"] == 2
    assert summary["accuracy"] == 0.5
    assert summary["failure_rate"] == 0.5
    assert summary["failures"] == {"model": 1}
    assert summary["programs_per_s"] == 1.0
    assert summary["calls"] == 4
    assert summary["forwards"] == {"detector": 2}
    assert summary["by_tag"]["a"]["accuracy"] == 0
    assert summary["mean_iou"] is None


def test_overlaps_are_reported_at_both_thresholds():
    rows = [result(str(n), correct=v >= 0.5, iou=v) for n, v in enumerate((0.0, 0.5, 0.6, 0.9))]
    summary = report("jsonl", rows, wall_s=1.0)
    assert (summary["acc_iou50"], summary["acc_iou70"]) == (0.75, 0.25)
    assert summary["mean_iou"] == 0.5
