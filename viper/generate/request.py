"""What a generator is asked: one question, and the programs for it that have failed so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from viper.models.capabilities import Capabilities
from viper.programs.api_spec import ApiSpec, load_spec
from viper.programs.program import Failure, Program, Task

__all__ = ["GenerationRequest", "Rejected"]


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
