"""The program generator that needs no model: it parses the question and writes the program by rule."""

from __future__ import annotations

from collections.abc import Sequence

from viper.errors import GenerationError
from viper.generate.generator import GenerationRequest
from viper.generate.grammar.parse import parse
from viper.generate.grammar.writing.write import write_program
from viper.programs.program import Program

__all__ = ["GrammarGenerator"]


class GrammarGenerator:
    """Writes programs from a grammar of questions, deterministically and within milliseconds."""

    @property
    def name(self) -> str:
        """The name that users give on the command line."""
        return "grammar"

    @property
    def billed(self) -> bool:
        """False: no language model is called."""
        return False

    @property
    def deterministic(self) -> bool:
        """True: the same question always gives the same program."""
        return True

    @property
    def repairs(self) -> bool:
        """False: the same question gives the same program again."""
        return False

    async def generate(self, requests: Sequence[GenerationRequest]) -> list[Program]:
        """Write one program per request, in order.

        Raises:
            GenerationError: A question was not understood, or an earlier program of this generator
                failed.
        """
        return [self.write(request) for request in requests]

    def write(self, request: GenerationRequest) -> Program:
        """Write one program; the same as `generate` without waiting.

        Raises:
            GenerationError: As for `generate`.
        """
        if request.rejected:
            raise GenerationError(
                "The grammar cannot repair a program: the same question gives the same program. "
                "Rephrase it, or use a language model: --generator openai:MODEL"
            )
        form = parse(request.question, request.task, request.choices)
        return write_program(form, request.capabilities, self.name)

    async def aclose(self) -> None:
        """Do nothing: the grammar holds no connection."""
