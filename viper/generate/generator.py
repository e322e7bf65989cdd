"""What a generator is asked and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from viper.models.capabilities import Capabilities
from viper.programs.api_spec import ApiSpec, load_spec
from viper.programs.program import Failure, Program, Task

if TYPE_CHECKING:
    from viper.generate.prompt import Prompt

__all__ = ["GenerationRequest", "Generator", "Prompting", "Rejected", "Threaded"]


@dataclass(frozen=True, slots=True)
class Rejected:
    """An earlier attempt of the same request, and why it failed."""

    program: Program
    source: str
    """The normalised source that the failure's line counts in."""
    failure: Failure
    seen: tuple[str, ...] = ()
    """Its last calls and what they gave, oldest first: one JSON object each (see `seen_calls`)."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One question to write a program for."""

    question: str
    task: Task = "vqa"
    choices: tuple[str, ...] = ()
    """Answers that the caller allows; empty when any will do."""
    capabilities: Capabilities = field(default_factory=Capabilities.everything)
    """What the vision side can serve; conditions outside it must not be tested."""
    spec: ApiSpec = field(default_factory=load_spec)
    """The contract of programs, with what modules add to it."""
    rejected: tuple[Rejected, ...] = ()
    """Earlier attempts, oldest first; a generator that cannot repair refuses when there are any."""
    temperature: float | None = None
    """Replaces the generator's own, so that the same request may give several programs; None leaves
    it alone. A generator without a model has none and takes no notice."""
    seed: int | None = None
    """Chooses among the programs that the temperature allows, where the model knows seeds."""


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
