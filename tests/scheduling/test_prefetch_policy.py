from __future__ import annotations

import random

import pytest

from viper.scheduling.prefetch_policy import PrefetchPolicy


def trained(start_s, slope_s, *, asked=None, noise=0.0, seed=1):
    """Knowledge of a model whose forward of n requests takes start + slope · n."""
    policy, rng = PrefetchPolicy(), random.Random(seed)
    policy.record_forward(1, 1, 9.0)  # the first one warms up, and is not counted
    for _ in range(40):
        n = rng.randint(1, 8)
        seconds = (start_s + slope_s * n) * (1 + rng.uniform(-noise, noise))
        policy.record_forward(n, n if asked is None else asked, seconds)
    return policy


def test_while_nothing_is_known_guesses_are_computed():
    policy = PrefetchPolicy()
    assert policy.pays
    for _ in range(10):
        policy.record_forward(
            1, 1, 0.1
        )  # one size only: it is not known what another request costs
    assert policy.pays


def test_on_a_model_whose_forwards_cost_the_same_for_many_guesses_pay():
    assert trained(0.020, 0.0005, asked=1).pays
    assert trained(0.020, 0.0005, asked=1, noise=0.2).pays


def test_on_a_model_that_costs_by_the_request_only_sure_guesses_pay():
    policy = trained(0.010, 0.150, asked=1)
    assert not policy.pays
    for _ in range(100):
        policy.record_prefetches(10, 10)
    assert policy.pays


def test_where_programs_share_forwards_anyway_guesses_pay_less():
    assert trained(0.020, 0.010, asked=1).pays
    assert not trained(0.020, 0.010, asked=8).pays


def test_guesses_that_are_never_used_end_and_are_tried_again_later():
    policy = trained(0.020, 0.010, asked=1)
    for _ in range(20):
        policy.record_prefetches(20, 0)
    assert not policy.pays
    for _ in range(200):
        policy.record_prefetches(0, 0)  # no guesses, nothing to learn: what was learnt fades
    assert policy.pays


def test_a_model_that_takes_no_time_is_always_asked_beforehand():
    assert trained(1e-6, 1e-5, asked=1).pays


@pytest.mark.parametrize("seed", range(20))
def test_guesses_that_were_used_never_make_guessing_pay_less(seed):
    rng = random.Random(seed)
    used, unused = PrefetchPolicy(), PrefetchPolicy()
    for _ in range(50):
        forward = (rng.randint(1, 64), 1, rng.choice([0.0, 1e-9, 0.01, 5.0]))
        guesses = rng.randint(0, 5)
        for policy, of_them in ((used, guesses), (unused, 0)):
            policy.record_forward(*forward)
            policy.record_prefetches(guesses, of_them)
        assert used.pays >= unused.pays
