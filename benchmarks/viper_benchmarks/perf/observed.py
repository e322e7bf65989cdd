"""Backends that report each batch that they run: for counting forwards, and for measuring them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from viper.models.registry import BackendRef, open_backend
from viper.models.roles import Backend

__all__ = ["Counts", "counting_opener", "observed"]

OnBatch = Callable[[str, Sequence[Hashable], float, float], None]
"""Called with the method of a role, its requests, and start and end by `time.perf_counter`."""

_BATCH_METHODS = "detect embed_images embed_texts estimate measure answer complete".split()


def observed(backend: Backend, on_batch: OnBatch) -> Backend:
    """Return a backend that reports each batch; everything else is the backend's own."""
    return cast("Backend", _Observed(backend, on_batch))


class _Observed:
    def __init__(self, backend: Any, on_batch: OnBatch) -> None:
        self._backend = backend
        self._on_batch = on_batch
        if hasattr(backend, "forward"):
            self.stages = backend.stages
            self.prepare = self._prepare
            self.forward = self._forward

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._backend, name)
        if value is None or name not in _BATCH_METHODS:
            return value
        return lambda requests: self._run(name, requests, lambda: value(requests))

    def _prepare(self, method: str, request: Hashable) -> tuple[Hashable, Any]:
        return request, self._backend.prepare(method, request)

    def _forward(self, method: str, prepared: Sequence[tuple[Hashable, Any]]) -> Any:
        requests, inputs = zip(*prepared, strict=True)
        return self._run(method, requests, lambda: self._backend.forward(method, list(inputs)))

    def _run(self, method: str, requests: Sequence[Hashable], work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = work()
        self._on_batch(method, requests, started, time.perf_counter())
        return result


@dataclass(slots=True)
class Counts:
    """Runs of models: each call of a batch method is one, text encoders included."""

    forwards: int = 0
    items: int = 0


def counting_opener(counts: Counts, *, model_ms: float = 0.0) -> Callable[[BackendRef], Backend]:
    """Return an opener of backends whose runs are counted, independently of the engine's own counters.

    Args:
        counts: Gets the counts.
        model_ms: Additional time of each run.
    """
    lock = threading.Lock()

    def count(_: str, requests: Sequence[Hashable], __: float, ___: float) -> None:
        with lock:
            counts.forwards += 1
            counts.items += len(requests)
        if model_ms:
            time.sleep(model_ms / 1000)

    return lambda ref: observed(open_backend(ref), count)
