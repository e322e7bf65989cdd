from __future__ import annotations

from fakes import bench
from fakes.bench import HAT, row
from viper_benchmarks.judgement import ModeResult
from viper_benchmarks.outcomes import Outcomes
from viper_benchmarks.tables import report_lines

ROWS = [
    row("1"), row("2"), row("3", 0.0), row("4", how="direct"), row("5", 0.0, how="direct", doubts=(HAT,)),
    row("6", doubts=(HAT,)), row("7", 0.0, failure="absent"), row("8", 0.0, failure="model"),
]  # fmt: skip


def outcomes_of(rows):
    outcomes = Outcomes()
    for one in rows:
        outcomes.add(one)
    return outcomes


def test_shares_are_of_all_samples_and_accuracy_is_of_those_answered():
    found = outcomes_of(ROWS).to_json()
    shares = {part: (value["n"], value["share"]) for part, value in found.items() if "n" in value}
    assert shares == {
        "answered": (4, 0.5), "doubtful": (2, 0.25), "not_answered": (2, 0.25), "given": (6, 0.75),
        "direct": (2, 0.25),
    }  # fmt: skip
    assert found["answered"]["accuracy"] == 0.75
    assert found["doubtful"]["accuracy"] == 0.5
    assert found["given"]["accuracy"] == 0.6667
    assert found["direct"]["accuracy"] == 0.5
    assert "accuracy" not in found["not_answered"]
    low, high = found["given"]["accuracy_ci95"]
    assert low < 0.6667 < high


def test_the_accuracy_of_no_answers_is_unknown_and_not_0():
    found = outcomes_of([row("1", 0.0, failure="absent")]).to_json()
    assert found["given"]["accuracy"] is None
    assert found["given"]["accuracy_ci95"] is None
    assert found["not_answered"]["share"] == 1.0


def test_a_report_says_the_shares():
    lines = list(report_lines({**bench.report("jsonl", ROWS, 1.0), "split": None}))
    text = "\n".join(lines)
    assert "answered      50.0%  accuracy of these 75.0%" in text
    assert "doubtful      25.0%  accuracy of these 50.0%" in text
    assert "one model's word 25.0%  accuracy of these 50.0%" in text
    assert "not answered  25.0%  (absent 1, model 1)" in text
    assert "risk–coverage area 0." in text


def test_both_modes_are_reported_side_by_side_whichever_the_rows_are_of():
    strict = ModeResult.failed(False, "absent", "No cup was found.")
    best = row("1", doubts=(HAT,), other_mode=strict)
    report = bench.report("jsonl", [best], 1.0)
    assert list(report["modes"]) == ["no_best_effort", "best_effort"]
    assert report["modes"]["best_effort"]["accuracy"] == report["accuracy"] == 1.0
    assert report["modes"]["no_best_effort"]["accuracy"] == 0.0
    assert report["modes"]["no_best_effort"]["failures"] == {"absent": 1}
    given = ModeResult(True, "x", None, True, 1.0, None, None, (HAT,))
    turned = row("1", 0.0, failure="absent", other_mode=given)
    assert bench.report("jsonl", [turned], 1.0)["modes"] == report["modes"]
    text = "\n".join(report_lines(report))
    assert "without best effort: accuracy 0.0%" in text
    assert "best effort: accuracy 100.0%" in text


def test_a_report_of_one_mode_has_no_modes():
    assert bench.report("jsonl", ROWS, 1.0)["modes"] is None
