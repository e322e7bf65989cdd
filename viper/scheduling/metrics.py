"""Metrics of one answer's requests to the models: forwards, times, tokens, cache and prefetch hits.

An `AnswerMetrics` belongs to an answer and is shared by its programs; a `CallMetrics` belongs to one call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from viper.models.roles import Role
from viper.scheduling.operation import Key, Served
from viper.usage import Usage

__all__ = ["MOST_ARRAY_BYTES", "AnswerMetrics", "CallMetrics", "Load", "was_computed"]

MOST_ARRAY_BYTES = 128_000_000
"""Arrays (vectors, depth maps) among an answer's results: two depth maps of 12 megapixels, or the vectors of
20,000 patches from a wide matcher."""


@dataclass(slots=True)
class CallMetrics:
    """Metrics of one vision call."""

    forward_ids: set[int] = field(default_factory=set)
    batch_size: int = 0
    """Largest batch that one of its requests was part of."""
    model_ms: float = 0.0
    queue_ms: float = 0.0
    """Longest wait of one of its requests for its forward."""
    requests: int = 0
    cached: int = 0
    """How many of its requests were cached."""
    prefetched: int = 0
    """How many of its requests had been prefetched."""
    usage: Usage = field(default_factory=Usage)
    """Tokens that it was billed."""
    doubts: dict[str, None] = field(default_factory=dict)
    """What its models say against their own results on this image, each once, in order."""


@dataclass(slots=True)
class AnswerMetrics:
    """Results that an answer's programs share, and the answer's metrics."""

    results: dict[Key, Served] = field(default_factory=dict)
    """Results so far, so that no program repeats the request of another; the oldest arrays are dropped when
    they take too much memory, and are then requested again."""
    forwards: dict[Role, dict[int, int]] = field(default_factory=dict)
    """Forwards that the answer took part in, by role: number → batch size."""
    prefetches: dict[Key, Future[Served]] = field(default_factory=dict)
    """Requests that were submitted before the program made them."""
    used_prefetches: set[Key] = field(default_factory=set)
    """Those of them that the program made later."""
    _array_bytes: dict[Key, int] = field(
        default_factory=dict
    )  # of the arrays in `results`, oldest first
    _bytes: int = 0

    def keep(self, results: Mapping[Key, Served]) -> None:
        """Add results."""
        self.results.update(results)
        for key, result in results.items():
            size = getattr(result.value, "nbytes", None)
            if isinstance(size, int):
                self._array_bytes[key] = size
                self._bytes += size
        while self._bytes > MOST_ARRAY_BYTES and len(self._array_bytes) > 1:
            oldest = next(iter(self._array_bytes))
            self._bytes -= self._array_bytes.pop(oldest)
            del self.results[oldest]

    def record(self, role: Role, results: Iterable[Served]) -> None:
        """Record the forwards of results."""
        forwards = self.forwards.setdefault(role, {})
        forwards.update((r.forward_id, r.batch_size) for r in results if r.forward_id)

    @property
    def computed_prefetches(self) -> set[Key]:
        """Prefetches that a forward had room for."""
        return {key for key, future in self.prefetches.items() if was_computed(future)}

    def prefetch_counts(self) -> dict[str, int]:
        """Return how many prefetches were computed (`items`), used later (`hits`), and not (`wasted`)."""
        computed = self.computed_prefetches
        hits = len(computed & self.used_prefetches)
        return {"items": len(computed), "hits": hits, "wasted": len(computed) - hits}


def was_computed(prefetch: Future[Served]) -> bool:
    """Return whether a prefetch was computed and has a result."""
    return prefetch.done() and not prefetch.cancelled() and prefetch.exception() is None


@dataclass(slots=True)
class Load:
    """Work of a model so far."""

    forwards: int = 0
    requests: int = 0
    """Requests in those forwards, prefetches included."""
    prefetched: int = 0
    """How many of them no program waited for when the forward ended."""
    busy_s: float = 0.0
    """Wall time inside the model, all replicas together."""

    @property
    def guesses(self) -> int:
        """The same as `prefetched`, under its name in 0.1."""
        return self.prefetched
