from __future__ import annotations

import threading

import pytest

from viper import BudgetError, ConfigError
from viper.llm.budget import Budget, estimated_image_tokens
from viper.llm.prices import Prices
from viper.models.options import Options
from viper.usage import Usage


def test_without_a_budget_everything_passes():
    budget = Budget()
    budget.add(Usage(10**9, 10**9, cost_usd=None))
    budget.check()


def test_tokens_are_counted_until_they_are_spent():
    budget = Budget(max_tokens=100)
    budget.add(Usage(60, 39))
    budget.check()
    budget.add(Usage(0, 1))
    with pytest.raises(BudgetError, match=r"budget of 100 tokens is spent \(100 were used\)"):
        budget.check()


def test_costs_are_added_until_they_are_spent():
    budget = Budget(max_cost_usd=0.5)
    budget.add(Usage(1, 1, 0.3))
    budget.check()
    budget.add(Usage(1, 1, 0.3))
    with pytest.raises(BudgetError, match=r"budget of 0.5 USD is spent \(0.6 USD were used\)"):
        budget.check()


def test_a_cost_that_nobody_knows_ends_a_budget_in_dollars():
    budget = Budget(max_cost_usd=0.5)
    budget.add(Usage(1, 1, cost_usd=None))
    with pytest.raises(BudgetError, match="is not known"):
        budget.check()


def test_threads_lose_nothing():
    budget = Budget()
    threads = [
        threading.Thread(target=lambda: [budget.add(Usage(1, 2, 0.5)) for _ in range(2000)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.spent == Usage(16_000, 32_000, 8_000.0)


def test_a_prompt_that_is_longer_than_what_is_left_is_refused():
    budget = Budget(max_tokens=1000)
    budget.add(Usage(500, 100))
    budget.check(400)
    with pytest.raises(
        BudgetError, match=r"about 401 tokens, but only 400 of the budget of 1,000 are left\. Give"
    ):
        budget.check(401)


def test_prompts_of_calls_under_way_count_as_used():
    budget = Budget(max_tokens=1000)
    with budget.reserved(600):
        budget.check(400)
        with pytest.raises(BudgetError, match=r"only 400 .* \(600 are held for calls under way\)"):
            budget.check(401)
        with pytest.raises(BudgetError), budget.reserved(401):
            raise AssertionError("no call may begin")
        budget.add(Usage(600, 50))
    budget.check(350)
    with pytest.raises(BudgetError):
        budget.check(351)


def test_a_part_of_what_is_held_is_given_back_when_its_call_has_returned():
    budget = Budget(max_tokens=1000)
    with budget.reserved(900) as release:
        for _ in range(3):
            budget.add(Usage(300, 0))
            release(300)
        budget.check(100)
        release(300)  # nothing is left to give back
        with pytest.raises(BudgetError):
            budget.check(101)


def test_what_is_held_is_given_back_when_the_call_fails():
    budget = Budget(max_tokens=1000)
    with pytest.raises(KeyError), budget.reserved(1000):
        raise KeyError("a failed call")
    budget.check(1000)


def test_of_many_calls_at_once_no_more_begin_than_fit():
    budget, begun, ready = Budget(max_tokens=1000), [], threading.Barrier(16)

    def call():
        ready.wait()
        try:
            with budget.reserved(300):
                begun.append(1)
                ready.wait()
        except BudgetError:
            ready.wait()

    threads = [threading.Thread(target=call) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == 3


def test_a_sum_with_an_estimate_is_an_estimate():
    assert (Usage(1, 1) + Usage(1, 1, is_estimated=True)).is_estimated
    assert not (Usage(1, 1) + Usage(1, 1)).is_estimated


def test_an_image_has_as_many_tokens_as_the_usual_models_count():
    assert 700 < estimated_image_tokens(1024, 1024) < 1500
    assert estimated_image_tokens(1, 1) == 1


def test_a_sum_is_unknown_where_a_part_is():
    assert (Usage(1, 1, 0.5) + Usage(1, 1, None)).cost_usd is None
    assert (Usage(1, 1, 0.5) + Usage()).cost_usd == 0.5


def prices(**options):
    with Options(options, "openai:x") as read:
        return Prices.read(read, "openai:x")


def test_prices_are_for_a_million_tokens():
    found = prices(input_usd="0.25", output_usd="2")
    assert found is not None
    assert found.priced(Usage(1_000_000, 500_000)).cost_usd == 1.25


def test_prices_are_optional_but_come_in_pairs():
    assert prices() is None
    assert prices(input_usd="0", output_usd="0") == Prices(0.0, 0.0)
    with pytest.raises(ConfigError, match="openai:x has the price input_usd alone"):
        prices(input_usd="1")
    with pytest.raises(ConfigError, match="output_usd='-1'"):
        prices(input_usd="1", output_usd="-1")
