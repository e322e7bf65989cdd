"""Input of a generator: one question, and the programs for it that have failed so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from viper.models.capabilities import Capabilities
from viper.programs.api_spec import ApiSpec, load_spec
from viper.programs.program import Failure, Program, Task

__all__ = ["GenerationRequest", "Rejected"]


@dataclass(frozen=True, slots=True)
class Rejected:
    """An earlier program for the same request, and why it failed."""

    program: Program
    source: str
    """The normalized source, whose lines `failure.line` counts."""
    failure: Failure
    observations: tuple[str, ...] = ()
    """The last calls of the program and their results, oldest first: one JSON object each (see
    `viper.generate.observations`)."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One question to write a program for."""

    question: str
    task: Task = "vqa"
    choices: tuple[str, ...] = ()
    """Allowed answers; empty when any answer is allowed."""
    capabilities: Capabilities = field(default_factory=Capabilities.everything)
    """What the vision models can serve; programs must not test any other condition."""
    spec: ApiSpec = field(default_factory=load_spec)
    """The API that programs may call, with the additions of modules."""
    best_effort: bool = False
    """Whether the user wants an answer even where a condition cannot be tested."""
    rejected: tuple[Rejected, ...] = ()
    """Earlier attempts, oldest first; a generator that cannot repair raises when there are any."""
    temperature: float | None = None
    """Overrides the generator's own temperature, so that equal requests may give different programs; None
    keeps it. Ignored by generators without a language model."""
    seed: int | None = None
    """Seed of the sampling, where the model supports seeds."""
