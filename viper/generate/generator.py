"""What a generator is asked and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from viper.generate.prompt import Prompt
from viper.generate.request import GenerationRequest, Rejected
from viper.programs.program import Program

__all__ = ["Abilities", "GenerationRequest", "Generator", "Prompting", "Rejected", "Threaded"]


class Generator(Protocol):
    """Writes programs.

    One with only `name`, `can_repair`, `generate` and `aclose`, as in Viper 0.1, is served as well
    (see `Abilities.of`). One that is configured in ways which its name does not tell (an address, a
    revision) may have an attribute `fingerprint: str` besides; the memo keeps the programs of each apart.
    """

    @property
    def name(self) -> str:
        """As the user names it, such as "grammar" or "openai:gpt-5-mini"."""
        ...

    @property
    def billed(self) -> bool:
        """True when a language model writes, whose tokens count against the engine's budget.

        It is not asked when the budget is spent, and its programs are remembered in the memo.
        """
        ...

    @property
    def deterministic(self) -> bool:
        """True when equal requests always give equal programs, whatever temperature and seed they name.

        Votes are refused then: all programs would be the same.
        """
        ...

    @property
    def repairs(self) -> bool:
        """True when it can write another program where one was rejected (`GenerationRequest.rejected`)."""
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


class Abilities(NamedTuple):
    """What a generator says of itself, see `Generator`."""

    billed: bool
    deterministic: bool
    repairs: bool

    @classmethod
    def of(cls, generator: object) -> Abilities:
        """Read a generator's abilities.

        Generators of Viper 0.1 say `can_repair` alone, which meant all three: a language model, whose
        programs differ and can be mended. What one does not say at all is taken to cost money, to be
        always the same, and not to be mended: that spends nothing that nobody allowed.
        """
        said = getattr(generator, "can_repair", None)
        model = None if said is None else bool(said)
        return cls(
            billed=bool(getattr(generator, "billed", model is not False)),
            deterministic=bool(getattr(generator, "deterministic", not model)),
            repairs=bool(getattr(generator, "repairs", bool(model))),
        )

    @classmethod
    def lacking(cls, generator: object) -> list[str]:
        """Return the names of abilities that a generator does not tell of."""
        known = hasattr(generator, "can_repair")
        return [name for name in cls._fields if not known and not hasattr(generator, name)]


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
