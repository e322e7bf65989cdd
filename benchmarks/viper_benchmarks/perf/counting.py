"""Backends that count how often they are run, and take as long as a model would."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from viper.models.registry import BackendRef, open_backend
from viper.models.roles import Backend

__all__ = ["Counts", "counting_opener"]

_BATCH_METHODS = (
    "detect",
    "embed_images",
    "embed_texts",
    "estimate",
    "measure",
    "answer",
    "complete",
)


class Counts:
    """Runs of models: each call of a batch method is one, text encoders included."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forwards = 0
        self.items = 0

    def add(self, items: int) -> None:
        """Enter a run of a model."""
        with self._lock:
            self.forwards += 1
            self.items += items


def counting_opener(counts: Counts, *, model_ms: float = 0.0) -> Callable[[BackendRef], Backend]:
    """Return an opener of backends that are counted from outside, whatever the engine says of itself.

    Args:
        counts: Where they are counted.
        model_ms: How long each run takes at least.
    """

    def opened(ref: BackendRef) -> Backend:
        backend = open_backend(ref)
        for name in _BATCH_METHODS:
            if hasattr(backend, name):
                setattr(backend, name, _counted(getattr(backend, name), counts, model_ms / 1000))
        return backend

    return opened


def _counted(method: Callable[..., Any], counts: Counts, model_s: float) -> Callable[..., Any]:
    def run(requests: Sequence[Any]) -> Any:  # any batch method
        counts.add(len(requests))
        if model_s:
            time.sleep(model_s)
        return method(requests)

    return run
