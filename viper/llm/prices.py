"""What a service asks for its tokens: prices per million, as the user gives them with a model.

    openai:MODEL?input_usd=0.25&output_usd=2

Nobody else knows them: lists of prices grow old, so none is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from viper.errors import ConfigError
from viper.models.options import Options
from viper.usage import Usage

__all__ = ["Prices"]

_PER = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens."""

    input_usd: float
    output_usd: float

    @classmethod
    def read(cls, read: Options, where: str) -> Prices | None:
        """Take `input_usd` and `output_usd` out of options; None where neither is given.

        Args:
            read: The options.
            where: Whose they are, as a message begins with it.

        Raises:
            ConfigError: Only one of them is given, or a price is no number from 0 up.
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
        """Return tokens with what they cost."""
        cost = usage.prompt_tokens * self.input_usd + usage.completion_tokens * self.output_usd
        return replace(usage, cost_usd=cost / _PER)
