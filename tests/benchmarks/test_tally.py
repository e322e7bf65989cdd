from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.bench import report, row
from viper_benchmarks.means import Mean, Times
from viper_benchmarks.row import BaselineResult, ErrorAttribution
from viper_benchmarks.tally import Tally


def test_a_failed_sample_counts_as_wrong():
    summary = report("jsonl", [row("1"), row("2", 0.0, failure="model", tags=("a",))], wall_s=2.0)
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
    rows = [
        row(str(n), float(v >= 0.5), task="grounding", iou=v,
            scores={"iou50": float(v >= 0.5), "iou70": float(v >= 0.7), "mean-iou": v})
        for n, v in enumerate((0.0, 0.5, 0.6, 0.9))
    ]  # fmt: skip
    summary = report("jsonl", rows, wall_s=1.0)
    assert (summary["acc_iou50"], summary["acc_iou70"]) == (0.75, 0.25)
    assert summary["mean_iou"] == 0.5
    low, high = summary["mean_iou_ci95"]
    assert 0 < low < 0.5 < high < 0.9


def test_the_mean_of_soft_scores_is_the_accuracy():
    summary = report("vqav2", [row("1", 0.3), row("2", 0.9), row("3", 0.6)], wall_s=1.0)
    assert summary["accuracy"] == 0.6
    assert summary["n_correct"] == 2
    low, high = summary["accuracy_ci95"]
    assert 0.3 <= low < 0.6 < high <= 0.9


def test_a_baseline_is_compared_sample_by_sample():
    def sample(id_, score, baseline):
        return row(
            id_, score, baselines={"blind": BaselineResult("x", None, baseline > 0, baseline)}
        )

    rows = [
        sample("1", 1.0, 0.0),
        sample("2", 1.0, 0.0),
        sample("3", 0.0, 1.0),
        sample("4", 1.0, 1.0),
    ]
    blind = report("jsonl", rows, wall_s=1.0)["baselines"]["blind"]
    assert (blind["accuracy"], blind["gained"]) == (0.5, 0.25)
    assert (blind["only_program"], blind["only_baseline"]) == (2, 1)
    assert blind["mcnemar_p"] == 1.0


def test_accuracy_is_also_given_where_the_detector_has_the_target():
    def sample(id_, score, reach, right=(0.0, 0.0, 1.0, 1.0)):
        ceiling = BaselineResult(None, None, reach >= 0.5, float(reach >= 0.5), iou=reach)
        return row(id_, score, right_box_xyxy=right, baselines={"ceiling": ceiling})

    rows = [
        sample("1", 1.0, 0.9),
        sample("2", 0.0, 0.6),
        sample("3", 0.0, 0.1),
        sample("4", 1.0, 1.0, None),
    ]
    found = report("jsonl", rows, wall_s=1.0)["found"]
    assert (found["n"], found["value"]) == (2, 0.5)


def test_causes_are_counted():
    rows = [row("1", 0.0, error_attribution=ErrorAttribution("detector")),
            row("2", 0.0, error_attribution=ErrorAttribution("program")),
            row("3", 0.0, error_attribution=ErrorAttribution("detector")), row("4")]  # fmt: skip
    assert report("clevr", rows, wall_s=1.0)["error_attribution"] == {
        "detector": 2,
        "program": 1,
    }


def test_the_fingerprint_of_the_ids_does_not_depend_on_their_order():
    rows = [row(name) for name in "abc"]
    one, other, less = (report("t", r, 1.0)["ids_sha256_sum"] for r in (rows, rows[::-1], rows[:2]))
    assert one == other != less


def test_a_report_without_samples_says_so():
    summary = Tally().to_json("jsonl", 0.0)
    assert (summary["n"], summary["accuracy"], summary["accuracy_ci95"]) == (0, 0.0, [0.0, 1.0])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=200))
def test_means_are_the_same_whether_values_are_counted_or_kept(values):
    mean = Mean()
    for value in values:
        mean.add(value)
    assert mean.mean == pytest.approx(sum(values) / len(values))
    low, high = mean.interval()
    assert low - 1e-3 <= mean.mean <= high + 1e-3


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=100))
def test_quantiles_of_times_are_right_to_three_digits(values):
    times = Times()
    for value in values:
        times.add(value)
    told, ordered = times.to_json(), sorted(values)
    for name, share in (("median", 0.5), ("p95", 0.95)):
        exact = ordered[math.ceil(share * len(ordered)) - 1]
        assert told[name] == pytest.approx(exact, rel=0.006)
    assert Times().to_json() is None
