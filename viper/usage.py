"""Language model usage of an answer: tokens and cost in US dollars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that language models read and wrote, and their cost."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0
    """US dollars; 0 for a local model, None when the prices of a service are unknown."""
    is_estimated: bool = False
    """Whether a service did not say how many tokens it read or wrote, so that some are an estimate."""

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        unknown = self.cost_usd is None or other.cost_usd is None
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            None if unknown else (self.cost_usd or 0.0) + (other.cost_usd or 0.0),
            self.is_estimated or other.is_estimated,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `--json` and of traces; the cost is rounded to 6 decimals."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost_usd": None if self.cost_usd is None else round(self.cost_usd, 6),
        }
