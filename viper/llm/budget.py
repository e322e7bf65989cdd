"""The budget of an engine for language models: usage so far, and its limits.

Every call of a language model (generator, answerer, `llm_query`) is checked against the budget before it
starts and added when it returns. The length of its prompt is estimated, and a prompt that is longer than what
is left is not sent; the prompts of calls under way count as used. The rest of a call's cost is not known in
advance, so calls that are in flight when the budget runs out are finished and paid; the next call is refused.
Where a service does not say how many tokens it read and wrote, they are estimated, too (`viper.llm.replies`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from viper.errors import BudgetError
from viper.usage import Usage

__all__ = ["Budget", "estimated_image_tokens", "estimated_tokens"]

_CHARACTERS_PER_TOKEN = 3.5
"""Byte-pair tokenizers of code models have 3 to 4 characters of English and Python per token."""

_PIXELS_PER_TOKEN = 750
"""Of models that read an image in patches of 28 pixels, or count it by its area."""


def estimated_tokens(characters: int) -> int:
    """Return the approximate number of tokens of a text."""
    return round(characters / _CHARACTERS_PER_TOKEN)


def estimated_image_tokens(width: int, height: int) -> int:
    """Return the approximate number of tokens of an image, by its size in pixels.

    Models differ: 765 to 1,400 tokens for a square of 1024 pixels.
    """
    return max(1, round(width * height / _PIXELS_PER_TOKEN))


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
        self._reserved = 0  # tokens of the prompts of calls under way

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

    @contextmanager
    def reserved(self, prompt_tokens: int) -> Iterator[Callable[[int], None]]:
        """Check that the budget allows a call, and count its prompts as used until the block ends.

        Args:
            prompt_tokens: As in `check`.

        Yields:
            A function that gives back a number of tokens before the block ends, as when one of several
            prompts has been answered and its usage was added.

        Raises:
            BudgetError: As in `check`.
        """
        left = prompt_tokens

        def release(tokens: int) -> None:
            nonlocal left
            with self._lock:
                tokens = min(tokens, left)
                left -= tokens
                self._reserved -= tokens

        with self._lock:
            self.check(prompt_tokens)
            self._reserved += prompt_tokens
        try:
            yield release
        finally:
            release(left)

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
        used = spent.tokens + self._reserved
        if self._max_tokens is not None and used + prompt_tokens > self._max_tokens:
            held = f" ({self._reserved:,} are held for calls under way)" if self._reserved else ""
            raise BudgetError(
                f"The next prompt has about {prompt_tokens:,} tokens, but only "
                f"{max(0, self._max_tokens - used):,} of the budget of {self._max_tokens:,} are "
                f"left{held}. Give a larger --max-tokens (max_tokens) to go on."
            )
        if self._max_cost_usd is None:
            return
        if spent.cost_usd is None:
            raise BudgetError(
                f"The cost of the calls so far is not known, so the budget of "
                f"{self._max_cost_usd:g} USD cannot be enforced: a service has no prices. "
                "Limit --max-tokens (max_tokens) instead."
            )
        if spent.cost_usd >= self._max_cost_usd:
            raise BudgetError(
                f"The budget of {self._max_cost_usd:g} USD is spent "
                f"({spent.cost_usd:.4g} USD were used). "
                "Give a larger --max-cost (max_cost_usd) to go on."
            )
