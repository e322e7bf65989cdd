"""The registry of generators: from a name such as `openai:gpt-5-mini` to a generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from viper.errors import ConfigError, did_you_mean
from viper.generate.generator import Abilities, Generator
from viper.generate.reference import parse_reference
from viper.plugins import GENERATORS as PLUGIN_GROUP
from viper.plugins import find_plugins
from viper.texts.secrets import SECRET_REFERENCE, reveals_secret

__all__ = ["GENERATORS", "OpenedGenerator", "generator_options", "open_generator"]
__all__ += ["open_generators", "prompt_generator"]

GENERATORS: Mapping[str, str] = {
    "grammar": "grammar: no model, no key; questions of the usual forms",
    "openai": "openai:MODEL: any OpenAI-compatible server (OPENAI_BASE_URL, OPENAI_API_KEY)",
    "local": "local:MODEL_OR_FOLDER: a transformers language model on this machine",
    "auto": "auto:openai:MODEL: the grammar, and the model where the grammar cannot answer",
}


class OpenedGenerator(NamedTuple):
    """A generator, and whether its programs are trusted."""

    generator: Generator
    trusted: bool = False
    """True only for Viper's grammar when it was created here by its name. No attribute or class of a
    generator makes it trusted; programs of other generators need the full sandbox."""


def open_generators(name: str) -> tuple[OpenedGenerator, ...]:
    """Create the generators for a name; each one is used when those before it fail.

    Args:
        name: A name returned by `viper.generate.auto.resolve_auto`; all but `auto` stand for one generator.

    Raises:
        ConfigError: As in `open_generator`.
    """
    if name == "auto":
        from viper.generate.auto import RefusingGrammar

        return (OpenedGenerator(RefusingGrammar(), trusted=True),)
    kind, _, model = name.partition(":")
    if kind.strip() == "auto":
        return (*open_generators("grammar"), OpenedGenerator(open_generator(model)))
    return (OpenedGenerator(open_generator(name), trusted=kind.strip() == "grammar"),)


def prompt_generator(name: str) -> Generator:
    """Create the generator whose prompt a name stands for: the last one of `auto`.

    It writes no programs where a key is missing, and shows its prompts all the same.

    Args:
        name: As in `open_generators`.

    Raises:
        ConfigError: As in `open_generator`.
    """
    kind, _, reference = name.partition(":")
    if kind.strip() == "auto" and reference:
        return prompt_generator(reference)
    if kind.strip() == "openai" and not reveals_secret(name):
        from viper.generate.openai import OpenAIGenerator

        return OpenAIGenerator.parse(reference, needs_key=False)
    return open_generators(name)[-1].generator


def generator_options(name: str) -> dict[str, str]:
    """Return the `option=value` part of a generator's name."""
    return parse_reference(name)[1]


def open_generator(name: str) -> Generator:
    """Create the generator for `grammar`, `openai:MODEL`, `local:MODEL` or the name of a plugin.

    Options follow the model, as in `local:FOLDER?device=cuda&examples=3`.

    Raises:
        ConfigError: The name is unknown or holds a secret, or its model is missing.
    """
    if reveals_secret(name):
        raise ConfigError(f"The generator {SECRET_REFERENCE}")
    kind, _, reference = name.partition(":")
    match kind.strip():
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
            return _open_plugin(other, reference)


def _open_plugin(name: str, reference: str) -> Generator:
    plugins = find_plugins(PLUGIN_GROUP, reserved=GENERATORS)
    if name not in plugins:
        listed = [*GENERATORS.values(), *(f"{n}: of {p.origin}" for n, p in plugins.items())]
        raise ConfigError(
            f"Unknown generator {name!r}. {did_you_mean(name, [*GENERATORS, *plugins])}"
            f"Known: {'; '.join(listed)}."
        )
    plugin = plugins[name]
    factory = plugin.load()
    try:
        generator: Generator = factory(reference)
    except ConfigError:
        raise  # about the reference, written for the user
    except Exception as error:  # a plugin may raise anything
        raise plugin.load_error(error) from error
    members = ("name", "generate", "aclose")
    missing = [member for member in members if not hasattr(generator, member)]
    if missing := missing + Abilities.missing(generator):
        raise ConfigError(
            f"The generator {name!r} of {plugin.origin} must have {', '.join(missing)} "
            f"(see viper.generate.generator.Generator), but {type(generator).__name__} has not."
        )
    return generator
