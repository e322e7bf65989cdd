"""What a generator is asked and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from viper.generate.prompt import Prompt
from viper.generate.request import GenerationRequest, Rejected
from viper.programs.program import Program

__all__ = ["GenerationRequest", "Generator", "Prompting", "Rejected", "Threaded"]


class Generator(Protocol):
    """Writes programs.

    One that is configured in ways which its name does not tell (an address, a revision) may have an
    attribute `fingerprint: str` besides; the memo keeps the programs of each apart.
    """

    @property
    def name(self) -> str:
        """As the user names it, such as "grammar" or "openai:gpt-5-mini"."""
        ...

    @property
    def can_repair(self) -> bool:
        """False when the same question always gives the same program."""
        ...

    async def generate(self, requests: Sequence[GenerationRequest]) -> list[Program]:
        """Return one program per request, in order.

        Raises:
            GenerationError: A question was not understood, or the model behind failed. Callers that
                need isolation ask for one at a time.
        """
        ...

    async def aclose(self) -> None:
        """Close connections; called once, on the loop that `generate` ran on."""
        ...


@runtime_checkable
class Prompting(Protocol):
    """What a generator offers besides when it asks a language model."""

    async def prompt(self, request: GenerationRequest) -> Prompt:
        """Return the conversation that `generate` would send, without sending it."""
        ...


@runtime_checkable
class Threaded(Protocol):
    """What a generator offers besides when a thread of its own runs a model."""

    @property
    def is_running(self) -> bool:
        """True while that thread lives; it may outlast `aclose`, which cannot stop a forward."""
        ...
