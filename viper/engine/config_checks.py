"""Checks that an engine's generators support its votes (sampling) and its cost limit (prices)."""

from __future__ import annotations

from collections.abc import Sequence

from viper.engine.config import EngineConfig
from viper.errors import ConfigError
from viper.generate.generator import Abilities, Generator
from viper.generate.registry import generator_options
from viper.models.registry import STUB

__all__ = ["check_demands", "vote_temperature"]

_VOTE_TEMPERATURE = 0.7
"""Programs differ at this temperature and still parse; papers on self-consistency sample at 0.5 to 0.7
(Wang et al. 2023, https://arxiv.org/abs/2203.11171)."""

_PRICES = ("input_usd", "output_usd")


def vote_temperature(generator: str) -> float | None:
    """Return the temperature for programs that vote; None if the user gave one."""
    return None if "temperature" in generator_options(generator) else _VOTE_TEMPERATURE


def check_demands(config: EngineConfig, generators: Sequence[Generator]) -> None:
    """Check that the generators of an engine support its votes and budget.

    Raises:
        ConfigError: They do not; the message says what to change.
    """
    if config.votes > 1:
        _check_votes(config, generators)
    if config.max_cost_usd is not None:
        _check_prices(config, generators)


def _check_votes(config: EngineConfig, generators: Sequence[Generator]) -> None:
    writer = generators[-1]
    if Abilities.of(writer).deterministic:
        raise ConfigError(
            f"{config.votes} votes need programs that differ, but the generator {writer.name!r} "
            "always writes the same one. Use a language model: --generator openai:MODEL."
        )
    if _is_zero(generator_options(config.generator).get("temperature")):
        raise ConfigError(
            f"{config.votes} votes need programs that differ, but at temperature=0 "
            f"{writer.name!r} always writes the same one. Leave the option out, or raise it."
        )


def _is_zero(text: str | None) -> bool:
    try:
        return text is not None and float(text) == 0.0
    except ValueError:  # a generator of a plugin says itself which values it takes
        return False


def _check_prices(config: EngineConfig, generators: Sequence[Generator]) -> None:
    from viper.generate.openai import OpenAIGenerator

    unpriced = [
        writer.name
        for writer in generators
        if isinstance(writer, OpenAIGenerator) and writer.prices is None
    ]
    for role, ref in config.backends.items():
        bills = ref.name != STUB and ref.entry.remote
        if bills and not set(_PRICES) <= dict(ref.options).keys():
            unpriced.append(f"{role}={ref.name}:{ref.reference}")
    if unpriced:
        raise ConfigError(
            f"A budget of {config.max_cost_usd:g} USD needs the prices of {', '.join(unpriced)}. "
            "Add them in US dollars per million tokens, as in "
            "openai:MODEL?input_usd=0.25&output_usd=2, or limit the tokens: --max-tokens."
        )
