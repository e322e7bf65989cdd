"""Which generators exist, and how a name such as `openai:gpt-5-mini` is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from viper.errors import ConfigError, did_you_mean
from viper.generate.generator import Abilities, Generator
from viper.plugins import GENERATORS as PLUGGED
from viper.plugins import find_plugins

__all__ = ["GENERATORS", "Opened", "open_generator", "open_generators", "options_of"]

GENERATORS: Mapping[str, str] = {
    "grammar": "grammar: no model, no key; questions of the usual forms",
    "openai": "openai:MODEL: any OpenAI-compatible server (OPENAI_BASE_URL, OPENAI_API_KEY)",
    "local": "local:MODEL_OR_FOLDER: a language model of transformers on this machine",
    "auto": "auto:openai:MODEL: the grammar, and the model where the grammar cannot answer",
}


class Opened(NamedTuple):
    """A generator, and whether its programs may be trusted."""

    generator: Generator
    trusted: bool = False
    """True for Viper's own grammar, made here from its name. Nothing that an object says of itself, its
    class included, makes it trusted: its programs run in the full sandbox."""


def open_generators(text: str) -> tuple[Opened, ...]:
    """Make the generators that a name stands for; each is asked where the one before cannot answer.

    Args:
        text: A name as `viper.generate.auto.resolved` gives it; all but `auto` stand for one generator.

    Raises:
        ConfigError: As in `open_generator`.
    """
    if text == "auto":
        from viper.generate.auto import refusing_grammar

        return (Opened(refusing_grammar(), trusted=True),)
    name, _, model = text.partition(":")
    if name.strip() == "auto":
        return (Opened(open_generator("grammar"), trusted=True), Opened(open_generator(model)))
    return (Opened(open_generator(text), trusted=name.strip() == "grammar"),)


def options_of(text: str) -> dict[str, str]:
    """Return the `option=value` part of a generator's name."""
    return dict(parse_qsl(text.partition("?")[2], keep_blank_values=True))


def open_generator(text: str) -> Generator:
    """Make the generator that `grammar`, `openai:MODEL`, `local:MODEL` or a plugin's name stands for.

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
            return _of_plugin(other, reference)


def _of_plugin(name: str, reference: str) -> Generator:
    plugins = find_plugins(PLUGGED, taken=GENERATORS)
    if name not in plugins:
        known = [*GENERATORS.values(), *(f"{n}: of {p.origin}" for n, p in plugins.items())]
        raise ConfigError(
            f"Unknown generator {name!r}. {did_you_mean(name, [*GENERATORS, *plugins])}"
            f"Known: {'; '.join(known)}."
        )
    plugin = plugins[name]
    factory = plugin.load()
    try:
        made = factory(reference)
    except ConfigError:
        raise  # about the reference, in words for the user
    except Exception as error:  # a stranger's factory may raise anything
        raise plugin.broken(error) from error
    lacking = [
        *(member for member in ("name", "generate", "aclose") if not hasattr(made, member)),
        *Abilities.lacking(made),
    ]
    if lacking:
        raise ConfigError(
            f"The generator {name!r} of {plugin.origin} must have {', '.join(lacking)} "
            f"(see viper.generate.generator.Generator), but {type(made).__name__} has not."
        )
    generator: Generator = made
    return generator
