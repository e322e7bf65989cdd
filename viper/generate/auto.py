"""The `auto` generator: the grammar first, then a language model for questions that the grammar refuses.

auto:openai:MODEL    the grammar and this model
auto                 the model that the environment variable VIPER_LLM names, as openai:MODEL;
                     if it is unset the grammar alone, whose refusals say how to add a model
"""

from __future__ import annotations

import os

from viper.errors import ConfigError, GenerationError
from viper.generate.generator import GenerationRequest
from viper.generate.grammar import GrammarGenerator
from viper.programs.program import Program

__all__ = ["LLM_VARIABLE", "RefusingGrammar", "resolve_auto"]

LLM_VARIABLE = "VIPER_LLM"


def resolve_auto(name: str) -> str:
    """Return a generator's name, with plain `auto` resolved to `auto:MODEL` from `VIPER_LLM`.

    Args:
        name: Name of a generator; all but `auto` are returned unchanged.

    Returns:
        `auto:MODEL`, or `auto` if no language model is configured.

    Raises:
        ConfigError: The second generator is not a language model.
    """
    kind, _, reference = name.partition(":")
    if kind.strip() != "auto":
        return name
    model = reference.strip() or os.environ.get(LLM_VARIABLE, "").strip()
    if model.partition(":")[0].strip() in ("auto", "grammar"):
        prefix = "auto:" if reference.strip() else f"{LLM_VARIABLE}="
        raise ConfigError(
            f"{prefix}{model} does not name a language model. Write {prefix}openai:MODEL or "
            f"{prefix}local:MODEL_OR_FOLDER, to answer the questions that the grammar cannot."
        )
    return f"auto:{model}" if model else "auto"


class RefusingGrammar(GrammarGenerator):
    """The grammar of an engine without a language model; its refusals say how to configure one."""

    def write(self, request: GenerationRequest) -> Program:
        """Write a program as `GrammarGenerator.write` does, with a longer refusal."""
        try:
            return super().write(request)
        except GenerationError as error:
            raise GenerationError(
                f"{error} No language model is configured for such questions: write "
                f"--generator auto:openai:MODEL, or set {LLM_VARIABLE}=openai:MODEL."
            ) from error
