"""The budget of an engine for language models: usage so far, and its limits.

Every call of a language model (generator, answerer, `llm_query`) is checked against the budget before it
starts and added when it returns. The length of its prompt is estimated, and a prompt that is longer than what
is left is not sent. The rest of its cost is not known in advance, so calls that are in flight when the budget
runs out are finished and paid; the next call is refused.
"""

from __future__ import annotations

import threading

from viper.errors import BudgetError
from viper.usage import Usage

__all__ = ["Budget", "estimated_tokens"]

_CHARACTERS_PER_TOKEN = 3.5
"""Byte-pair tokenizers of code models have 3 to 4 characters of English and Python per token."""


def estimated_tokens(characters: int) -> int:
    """Return the approximate number of tokens of a text."""
    return round(characters / _CHARACTERS_PER_TOKEN)


class Budget:
    """Usage so far and its limits; thread-safe.

    Args:
        max_cost_usd: Largest cost in US dollars; None for no limit.
        max_tokens: Most tokens of prompts and completions together; None for no limit.
    """

    def __init__(self, *, max_cost_usd: float | None = None, max_tokens: int | None = None) -> None:
        self._max_cost_usd = max_cost_usd
        self._max_tokens = max_tokens
        self._lock = threading.Lock()
        self._spent = Usage()

    @property
    def spent(self) -> Usage:
        """Usage of all calls that have returned."""
        return self._spent

    def add(self, usage: Usage) -> None:
        """Add the usage of a call that has returned."""
        with self._lock:
            self._spent += usage

    @property
    def limits_tokens(self) -> bool:
        """Whether there is a limit of tokens."""
        return self._max_tokens is not None

    def check(self, prompt_tokens: int = 0) -> None:
        """Check that the budget allows another call.

        Args:
            prompt_tokens: Length of its prompts, if that is known.

        Raises:
            BudgetError: The budget is spent, the prompts are longer than what is left, or the cost so far
                is unknown.
        """
        spent = self._spent
        if self._max_tokens is not None and spent.tokens >= self._max_tokens:
            raise BudgetError(
                f"The budget of {self._max_tokens:,} tokens is spent ({spent.tokens:,} were used). "
                "Give a larger --max-tokens (max_tokens) to go on."
            )
        if self._max_tokens is not None and spent.tokens + prompt_tokens > self._max_tokens:
            raise BudgetError(
                f"The next prompt has about {prompt_tokens:,} tokens, but only "
                f"{self._max_tokens - spent.tokens:,} of the budget of {self._max_tokens:,} are left. "
                "Give a larger --max-tokens (max_tokens) to go on."
            )
        if self._max_cost_usd is None:
            return
        if spent.cost_usd is None:
            raise BudgetError(
                f"The cost of the calls so far is not known, so the budget of "
                f"{self._max_cost_usd:g} USD cannot be enforced: a service sent no usage with its "
                "reply, or has no prices. Limit --max-tokens (max_tokens) instead."
            )
        if spent.cost_usd >= self._max_cost_usd:
            raise BudgetError(
                f"The budget of {self._max_cost_usd:g} USD is spent "
                f"({spent.cost_usd:.4g} USD were used). "
                "Give a larger --max-cost (max_cost_usd) to go on."
            )
