"""Which generators exist, and how a name such as `openai:gpt-5-mini` is read."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from viper.errors import ConfigError, did_you_mean
from viper.generate.generator import Generator

__all__ = ["GENERATORS", "open_generator", "open_generators", "options_of"]

GENERATORS: Mapping[str, str] = {
    "grammar": "grammar: no model, no key; questions of the usual forms",
    "openai": "openai:MODEL: any OpenAI-compatible server (OPENAI_BASE_URL, OPENAI_API_KEY)",
    "local": "local:MODEL_OR_FOLDER: a language model of transformers on this machine",
    "auto": "auto:openai:MODEL: the grammar, and the model where the grammar cannot answer",
}


def open_generators(text: str) -> tuple[Generator, ...]:
    """Make the generators that a name stands for; each is asked where the one before cannot answer.

    Args:
        text: A name as `viper.generate.auto.resolved` gives it; all but `auto` stand for one generator.

    Raises:
        ConfigError: As in `open_generator`.
    """
    if text == "auto":
        from viper.generate.auto import refusing_grammar

        return (refusing_grammar(),)
    name, _, model = text.partition(":")
    if name.strip() == "auto":
        return (open_generator("grammar"), open_generator(model))
    return (open_generator(text),)


def options_of(text: str) -> dict[str, str]:
    """Return the `option=value` part of a generator's name."""
    return dict(parse_qsl(text.partition("?")[2], keep_blank_values=True))


def open_generator(text: str) -> Generator:
    """Make the generator that `grammar`, `openai:MODEL` or `local:MODEL` names.

    Options follow the model, as in `local:FOLDER?device=cuda&examples=3`.

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
        case "local":
            from viper.generate.local import LocalGenerator

            return LocalGenerator.parse(reference)
        case other:
            raise ConfigError(
                f"Unknown generator {other!r}. {did_you_mean(other, GENERATORS)}"
                f"Known: {'; '.join(GENERATORS.values())}."
            )
