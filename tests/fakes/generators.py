"""Generators that give what the test wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from viper.errors import GenerationError
from viper.generate.generator import GenerationRequest
from viper.programs.program import Program
from viper.usage import Usage


@dataclass
class ScriptedGenerator:
    """Gives one source after the other, and remembers what it was asked."""

    sources: list[str]
    name: str = "scripted"
    can_repair: bool = True
    trusted: bool = False
    prompt_text: str = ""
    requests: list[GenerationRequest] = field(default_factory=list)
    closed: bool = False

    async def generate(self, requests: Sequence[GenerationRequest]) -> list[Program]:
        self.requests += requests
        if not self.sources:
            raise GenerationError("The script has no more programs.")
        return [
            Program(
                self.sources.pop(0),
                self.name,
                usage=Usage(7, 3),
                trusted=self.trusted,
                prompt=self.prompt_text,
            )
            for _ in requests
        ]

    async def aclose(self) -> None:
        self.closed = True
