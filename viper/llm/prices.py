"""Prices of a service per million tokens, as options of a model.

    openai:MODEL?input_usd=0.25&output_usd=2

There is no built-in price list, because it would become outdated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from viper.errors import ConfigError
from viper.models.options import Options
from viper.usage import Usage

__all__ = ["Prices"]


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens."""

    input_usd: float
    output_usd: float

    @classmethod
    def read(cls, read: Options, where: str) -> Prices | None:
        """Read the options `input_usd` and `output_usd`; return None if neither is given.

        Args:
            read: The options.
            where: The model, as the subject of a message.

        Raises:
            ConfigError: Only one is given, or a price is not a number of at least 0.
        """
        given = [name for name in ("input_usd", "output_usd") if read.optional_text(name)]
        if not given:
            return None
        if len(given) == 1:
            raise ConfigError(
                f"{where} has the price {given[0]} alone. Give both input_usd and output_usd, in US "
                "dollars per million tokens; 0 for what is free."
            )
        return cls(read.number("input_usd", 0.0, low=0.0), read.number("output_usd", 0.0, low=0.0))

    def priced(self, usage: Usage) -> Usage:
        """Return usage with the cost of its tokens."""
        cost = usage.prompt_tokens * self.input_usd + usage.completion_tokens * self.output_usd
        return replace(usage, cost_usd=cost / 1_000_000)
