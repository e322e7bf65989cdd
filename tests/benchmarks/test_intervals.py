from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper_benchmarks.intervals import bootstrap_interval, mcnemar_p, wilson_interval


def test_wilson_interval_of_half_of_a_hundred():
    low, high = wilson_interval(50, 100)
    assert (round(low, 4), round(high, 4)) == (0.4038, 0.5962)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share_and_stays_in_bounds(pair):
    successes, n = pair
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1


@pytest.mark.parametrize("kind", ["many values", "few values"])
def test_the_bootstrap_of_a_mean_is_that_of_the_normal_distribution_for_many(kind):
    values = np.random.default_rng(1).normal(0.4, 0.2, size=2_000)
    if kind == "few values":
        values = np.round(values)
        low, high = bootstrap_interval(*np.unique(values, return_counts=True))
    else:
        low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / len(values) ** 0.5
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_the_bootstrap_is_the_same_each_time():
    values = list(np.random.default_rng(2).random(100))
    assert bootstrap_interval(values) == bootstrap_interval(values)


def test_a_single_value_has_no_interval():
    assert bootstrap_interval([0.3]) is None
    assert bootstrap_interval([0.3], [1]) is None


@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_is_the_two_sided_binomial_test(a, b):
    n, least = a + b, min(a, b)
    tail = sum(comb(n, k) for k in range(least + 1)) / 2**n
    assert mcnemar_p(a, b) == pytest.approx(min(1.0, 2 * tail))
    assert mcnemar_p(a, b) == mcnemar_p(b, a)


def test_mcnemar_of_thousands_does_not_overflow():
    assert 0 <= mcnemar_p(40_000, 50_000) < 1e-100
    assert mcnemar_p(50_000, 50_000) == 1.0
