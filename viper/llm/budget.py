"""What language models have cost an engine so far, and the budget that it may not exceed.

Every call of a language model, whoever makes it (generator, answerer, `llm_query`), asks the ledger
first and is entered when it returns. What a call will cost is not known before, so calls that are in
flight when the budget runs out are finished and paid: the budget stops the next one.
"""

from __future__ import annotations

import threading

from viper.errors import BudgetError
from viper.usage import Usage

__all__ = ["Budget"]


class Budget:
    """Adds up usage; any thread may use it.

    Args:
        max_cost_usd: Most US dollars; None for no limit.
        max_tokens: Most tokens, prompts and completions together; None for no limit.
    """

    def __init__(self, *, max_cost_usd: float | None = None, max_tokens: int | None = None) -> None:
        self._max_cost_usd = max_cost_usd
        self._max_tokens = max_tokens
        self._lock = threading.Lock()
        self._spent = Usage()

    @property
    def spent(self) -> Usage:
        """What all calls that returned have used."""
        return self._spent

    def add(self, usage: Usage) -> None:
        """Enter a call that returned."""
        with self._lock:
            self._spent += usage

    def check(self) -> None:
        """Let the next call pass.

        Raises:
            BudgetError: The budget is spent, or it is not known whether it is.
        """
        spent = self._spent
        if self._max_tokens is not None and spent.tokens >= self._max_tokens:
            raise BudgetError(
                f"The budget of {self._max_tokens:,} tokens is spent ({spent.tokens:,} were used). "
                "Give a larger --max-tokens (max_tokens) to go on."
            )
        if self._max_cost_usd is None:
            return
        if spent.cost_usd is None:
            raise BudgetError(
                f"What the calls so far have cost is not known, so the budget of "
                f"{self._max_cost_usd:g} USD cannot be kept: a service sent no usage with its "
                "reply, or has no prices. Limit --max-tokens (max_tokens) instead."
            )
        if spent.cost_usd >= self._max_cost_usd:
            raise BudgetError(
                f"The budget of {self._max_cost_usd:g} USD is spent "
                f"({spent.cost_usd:.4g} USD were used). "
                "Give a larger --max-cost (max_cost_usd) to go on."
            )
