"""`auto`: the grammar first, and a language model for what the grammar cannot answer.

auto:openai:MODEL    this model
auto                 the one that the environment variable VIPER_LLM names, as openai:MODEL;
without it the grammar alone, whose refusals say how to add one
"""

from __future__ import annotations

import os

from viper.errors import ConfigError, GenerationError
from viper.generate.generator import GenerationRequest
from viper.generate.grammar import GrammarGenerator
from viper.programs.program import Program

__all__ = ["LLM_VARIABLE", "refusing_grammar", "resolved"]

LLM_VARIABLE = "VIPER_LLM"

_RULE_BASED = ("auto", "grammar")


def resolved(name: str) -> str:
    """Return a generator's name with the language model that plain `auto` stands for.

    Args:
        name: Any generator's name; all but `auto` come back as they are.

    Returns:
        `auto:MODEL`, or `auto` where no language model is configured.

    Raises:
        ConfigError: What is to follow the grammar is no language model.
    """
    kind, _, reference = name.partition(":")
    if kind.strip() != "auto":
        return name
    model = reference.strip() or os.environ.get(LLM_VARIABLE, "").strip()
    if model.partition(":")[0].strip() in _RULE_BASED:
        where = "auto:" if reference.strip() else f"{LLM_VARIABLE}="
        raise ConfigError(
            f"{where}{model} names no language model. Write {where}openai:MODEL or "
            f"{where}local:MODEL_OR_FOLDER: what follows the grammar must be able to answer what the "
            "grammar cannot."
        )
    return f"auto:{model}" if model else "auto"


class _RefusingGrammar(GrammarGenerator):
    """A grammar that says where to go with what it does not understand."""

    def write(self, request: GenerationRequest) -> Program:
        try:
            return super().write(request)
        except GenerationError as error:
            raise GenerationError(
                f"{error} No language model is configured for such questions: write "
                f"--generator auto:openai:MODEL, or set {LLM_VARIABLE}=openai:MODEL."
            ) from error


def refusing_grammar() -> GrammarGenerator:
    """Return the grammar for an engine without a language model."""
    return _RefusingGrammar()
