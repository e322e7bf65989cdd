"""Which generators exist, and how a name such as `openai:gpt-5-mini` is read."""

from __future__ import annotations

from collections.abc import Mapping

from viper.errors import ConfigError, did_you_mean
from viper.generate.generator import Generator

__all__ = ["GENERATORS", "open_generator"]

GENERATORS: Mapping[str, str] = {
    "grammar": "grammar: no model, no key; questions of the usual forms",
    "openai": "openai:MODEL: any OpenAI-compatible server (OPENAI_BASE_URL, OPENAI_API_KEY)",
}


def open_generator(text: str) -> Generator:
    """Make the generator that `grammar` or `openai:MODEL[?option=value]` names.

    Raises:
        ConfigError: The name is unknown, or its model is missing.
    """
    name, _, reference = text.partition(":")
    match name.strip():
        case "grammar":
            from viper.generate.grammar import GrammarGenerator

            return GrammarGenerator()
        case "openai":
            from viper.generate.openai import OpenAIGenerator

            return OpenAIGenerator.parse(reference)
        case other:
            raise ConfigError(
                f"Unknown generator {other!r}. {did_you_mean(other, GENERATORS)}"
                f"Known: {'; '.join(GENERATORS.values())}."
            )
