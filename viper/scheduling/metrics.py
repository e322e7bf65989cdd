"""What one answer has asked of the models, and what that cost.

An `AnswerMetrics` belongs to an answer and is shared by its programs; a `CallMetrics` belongs to one call.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from viper.models.roles import Role
from viper.scheduling.operation import Key, Served
from viper.usage import Usage

__all__ = ["AnswerMetrics", "CallMetrics", "was_computed"]


@dataclass(slots=True)
class CallMetrics:
    """What one vision call cost."""

    forward_ids: set[int] = field(default_factory=set)
    batch_size: int = 0
    """Largest batch that one of its requests was part of."""
    model_ms: float = 0.0
    queue_ms: float = 0.0
    """Longest wait of one of its requests for its forward."""
    requests: int = 0
    cached: int = 0
    """How many of its requests were known already."""
    ahead: int = 0
    """How many of its requests lookahead had guessed."""
    usage: Usage = field(default_factory=Usage)
    """Tokens that it was billed."""


@dataclass(slots=True)
class AnswerMetrics:
    """The results that an answer's programs share, and its counters."""

    table: dict[Key, Served] = field(default_factory=dict)
    """What was asked and answered, so that no program asks a model what another has asked."""
    forwards: dict[Role, dict[int, int]] = field(default_factory=dict)
    """Forwards that the answer took part in, by role: number → batch size."""
    doubts: dict[str, None] = field(default_factory=dict)
    """What backends said against their own results on the picture, each once, in order."""
    guesses: dict[Key, Future[Served]] = field(default_factory=dict)
    """What lookahead asked for."""
    used: set[Key] = field(default_factory=set)
    """Guesses that were asked for later."""

    def enter(self, role: Role, results: Iterable[Served]) -> None:
        """Enter results that took part in forwards."""
        forwards = self.forwards.setdefault(role, {})
        forwards.update((r.forward_id, r.batch_size) for r in results if r.forward_id)

    @property
    def computed_guesses(self) -> set[Key]:
        """Guesses for which a forward had room."""
        return {key for key, future in self.guesses.items() if was_computed(future)}

    def prefetch(self) -> dict[str, int]:
        """Return how many guesses were computed (`items`), asked for later (`hits`), and not (`wasted`)."""
        computed = self.computed_guesses
        hits = len(computed & self.used)
        return {"items": len(computed), "hits": hits, "wasted": len(computed) - hits}


def was_computed(guess: Future[Served]) -> bool:
    """Tell whether a forward had room for a guess, and gave a result."""
    return guess.done() and not guess.cancelled() and guess.exception() is None
