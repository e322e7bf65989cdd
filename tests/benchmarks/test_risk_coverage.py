from __future__ import annotations

import itertools
import random

import pytest

from fakes.bench import HAT, row
from viper_benchmarks.judgement import WeakestCall
from viper_benchmarks.risk_coverage import RiskCoverage, confidence_of


def curve_of(rows):
    curve = RiskCoverage()
    for one in rows:
        curve.add(one)
    return curve.to_json()


def hanging_on(margin, score=1.0, **more):
    return row("x", score, weakest=WeakestCall("verify_property", 1, 0.5 + margin, 0.5), **more)


VOTED = row("x", confidence=0.6)
SURE = hanging_on(0.4)
UNSURE = hanging_on(0.01)
NO_MARGIN = row("x")
DOUBTFUL = hanging_on(0.5, doubts=(HAT,))
FAILED = row("x", 0.0, failure="absent")


def test_answers_come_before_doubtful_ones_before_none_and_then_by_their_margin():
    ordered = [SURE, UNSURE, NO_MARGIN, DOUBTFUL, FAILED]
    shuffled = random.Random(3).sample(ordered, len(ordered))
    assert sorted(shuffled, key=confidence_of, reverse=True) == ordered


def test_votes_come_before_everything_but_whether_there_is_an_answer():
    agreed = row("x", confidence=0.9, doubts=(HAT,))
    split = hanging_on(0.5, confidence=0.4)
    assert confidence_of(agreed) > confidence_of(split) > confidence_of(FAILED)
    assert confidence_of(row("x", confidence=0.9)) > confidence_of(agreed)
    assert confidence_of(row("x", 0.0, failure="absent", confidence=0.9)) == confidence_of(FAILED)


def test_risk_is_the_mean_loss_of_the_surest_samples():
    # Surest first: right, wrong, right, not answered.
    curve = curve_of([FAILED, hanging_on(0.1), hanging_on(0.3, 0.0), hanging_on(0.4)])
    assert curve["points"] == [[0.25, 0.0], [0.5, 0.5], [0.75, 0.3333], [1.0, 0.5]]
    assert curve["area"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4, abs=1e-4)
    assert curve["answered"] == 0.75
    assert curve["area_random"] == 0.5
    assert curve["area_best"] == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4, abs=1e-4)


def test_equally_sure_samples_count_as_in_random_order():
    losses = (0.0, 1.0, 1.0, 0.25)
    orders = list(itertools.permutations(losses))
    expected = [sum(sum(order[:k]) / k for order in orders) / len(orders) for k in range(1, 5)]
    curve = curve_of([hanging_on(0.2, 1 - loss) for loss in losses])
    assert [risk for _, risk in curve["points"]] == pytest.approx(expected, abs=1e-4)


def test_the_curve_depends_on_the_order_of_rows_in_no_way():
    rng = random.Random(1)
    rows = [hanging_on(rng.random() / 2, float(rng.random() < 0.7)) for _ in range(300)]
    assert curve_of(rows) == curve_of(rows[::-1])
    assert len(curve_of(rows)["points"]) == 100


def test_a_confidence_that_says_nothing_gives_the_loss_of_all_samples():
    rows = [row(str(n), float(n % 4 != 0)) for n in range(40)]
    curve = curve_of(rows)
    assert curve["area"] == curve["area_random"] == 0.25


def test_without_rows_there_is_no_curve():
    assert curve_of([]) is None


def test_memory_is_bounded_by_different_confidences():
    curve = RiskCoverage()
    rng = random.Random(2)
    for _ in range(5_000):
        curve.add(hanging_on(rng.random() / 2, rng.random()))
    assert len(curve._groups) <= 501
    assert len(curve._losses) <= 1_001
