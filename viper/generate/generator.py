"""The interface of generators: requests in, programs out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from viper.generate.request import GenerationRequest, Rejected
from viper.programs.program import Program

if TYPE_CHECKING:
    from viper.generate.prompt import Prompt

__all__ = ["Abilities", "GenerationRequest", "Generator", "LanguageModelAbilities", "Prompting"]
__all__ += ["Clocked", "Rejected", "Threaded"]


class Generator(Protocol):
    """Writes programs.

    Generators of Viper 0.1, with only `name`, `can_repair`, `generate` and `aclose`, work as well (see
    `Abilities.of`). A generator whose name does not identify its configuration (such as an address or a
    revision) may add an attribute `fingerprint: str`; the program cache keeps the programs of different
    fingerprints apart.
    """

    @property
    def name(self) -> str:
        """Name as the user gives it, such as "grammar" or "openai:gpt-5-mini"."""
        ...

    @property
    def billed(self) -> bool:
        """True if a language model writes the programs and its tokens count against the budget.

        It is not called when the budget is spent, and its programs go into the program cache.
        """
        ...

    @property
    def deterministic(self) -> bool:
        """True if equal requests always give equal programs, whatever the temperature and seed.

        Such a generator cannot be used with votes.
        """
        ...

    @property
    def repairs(self) -> bool:
        """True if it can write another program after failures (`GenerationRequest.rejected`)."""
        ...

    async def generate(self, requests: Sequence[GenerationRequest]) -> list[Program]:
        """Return one program per request, in order.

        Raises:
            GenerationError: A question was not understood, or the language model failed. To isolate
                failures, pass one request at a time.
        """
        ...

    async def aclose(self) -> None:
        """Close connections; called once, on the event loop that `generate` ran on."""
        ...


class Abilities(NamedTuple):
    """Abilities of a generator; see the properties of `Generator`."""

    billed: bool
    deterministic: bool
    repairs: bool

    @classmethod
    def of(cls, generator: object) -> Abilities:
        """Return the abilities of a generator.

        Generators of Viper 0.1 have `can_repair` alone, which meant a language model: billed, not
        deterministic, able to repair. The defaults for an undeclared ability are the ones that spend
        nothing without permission: billed, deterministic, unable to repair.
        """
        can_repair = getattr(generator, "can_repair", None)
        return cls(
            billed=bool(getattr(generator, "billed", can_repair is None or can_repair)),
            deterministic=bool(getattr(generator, "deterministic", not can_repair)),
            repairs=bool(getattr(generator, "repairs", can_repair)),
        )

    @classmethod
    def missing(cls, generator: object) -> list[str]:
        """Return the names of the abilities that a generator does not declare."""
        if hasattr(generator, "can_repair"):
            return []
        return [name for name in cls._fields if not hasattr(generator, name)]


class LanguageModelAbilities:
    """Base class of generators that call a language model."""

    billed = True
    deterministic = False
    repairs = True


@runtime_checkable
class Prompting(Protocol):
    """Interface of generators that send a prompt to a language model."""

    async def prompt(self, request: GenerationRequest) -> Prompt:
        """Return the conversation that `generate` would send, without sending it."""
        ...


@runtime_checkable
class Threaded(Protocol):
    """Interface of generators that run a model in a thread of their own."""

    @property
    def is_running(self) -> bool:
        """True while the thread is alive; it may outlast `aclose`, which cannot interrupt a forward."""
        ...


@runtime_checkable
class Clocked(Protocol):
    """Interface of generators that know whether their model still makes progress."""

    @property
    def stuck_s(self) -> float:
        """How long the model has shown no progress if that is too long, in seconds; else 0."""
        ...
