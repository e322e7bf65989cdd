"""The program generator that needs no model: it parses the question and writes the program by rule."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from viper.errors import GenerationError
from viper.generate.generator import GenerationRequest
from viper.generate.grammar.parse import parse
from viper.generate.grammar.writing.write import write_program
from viper.programs.program import Program
from viper_sandbox.large_work import beside_loop

__all__ = ["GrammarGenerator"]

# Longer than nearly all real questions, which take a millisecond or two.
_LONG_CHARACTERS = 150


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
        programs: list[Program] = []
        for request in requests:
            characters = len(request.question) + sum(map(len, request.choices))
            if characters > _LONG_CHARACTERS:
                programs.append(await beside_loop(functools.partial(self.write, request)))
            else:
                programs.append(self.write(request))
        return programs

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
        try:
            form = parse(request.question, request.task, request.choices)
            return write_program(
                form, request.capabilities, self.name, best_effort=request.best_effort
            )
        except RecursionError:
            raise GenerationError(
                "The parts of the question are nested too deeply. Ask a shorter one, or use a language "
                "model: --generator openai:MODEL"
            ) from None

    async def aclose(self) -> None:
        """Do nothing: the grammar holds no connection."""
