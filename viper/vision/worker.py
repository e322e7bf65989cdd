"""One loaded model, its queue and its thread.

The thread loads the model when it is first needed, then takes whatever is queued for one operation
and runs it in one forward. While it is busy, requests gather: batches form by themselves and nobody
waits for a timer.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple

from viper.errors import ModelError, ViperError
from viper.ledger import Ledger
from viper.vision.registry import BackendRef
from viper.vision.roles import Backend, Completion, Role

__all__ = ["ANSWER", "COMPLETE", "DETECT", "EMBED_IMAGES", "EMBED_TEXTS", "ESTIMATE"]
__all__ += ["MEASURE", "ModelWorker", "Operation", "Served"]

_log = logging.getLogger(__name__)

_MAX_BATCH = 64
# Requests per forward. Chosen so that a ViT-B batch at 224 px stays below 1 GB of activations.

_forward_ids = itertools.count(1)


class Operation(NamedTuple):
    """A batch method of a role's protocol."""

    role: Role
    method: str


DETECT = Operation("detector", "detect")
EMBED_IMAGES = Operation("matcher", "embed_images")
EMBED_TEXTS = Operation("matcher", "embed_texts")
ESTIMATE = Operation("depth", "estimate")
MEASURE = Operation("depth", "measure")
ANSWER = Operation("answerer", "answer")
COMPLETE = Operation("language", "complete")


@dataclass(frozen=True, slots=True)
class Served:
    """A result and the forward that made it."""

    value: Any  # what the operation's protocol method says; the scheduler's typed front narrows it
    forward_id: int
    batch_size: int
    model_ms: float
    """Wall time of the whole forward, shared by its batch."""


@dataclass(frozen=True, slots=True)
class _Job:
    operation: Operation
    request: Hashable
    future: Future[Served]


class ModelWorker:
    """Serves one backend from one thread.

    Args:
        ref: What to load.
        open_backend: Loads it; called once, on the worker's thread.
        ledger: Where completions are entered, once each, however many wait for one.
    """

    def __init__(
        self,
        ref: BackendRef,
        open_backend: Callable[[BackendRef], Backend],
        ledger: Ledger | None = None,
    ) -> None:
        self.ref = ref
        self._ledger = ledger or Ledger()
        self._open = open_backend
        self._queue: deque[_Job] = deque()
        self._waiting: dict[tuple[Operation, Hashable, str], Future[Served]] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self.loaded: Future[Backend] = Future()
        """Done when the model is loaded, or with the error that loading it raised."""

    def start(self) -> Future[Backend]:
        """Begin to load the model unless that has begun; return `loaded`."""
        with self._changed:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(
                    target=self._run, name=f"viper-{self.ref.role}", daemon=True
                )
                self._thread.start()
        return self.loaded

    def submit(self, operation: Operation, requests: Sequence[Hashable]) -> list[Future[Served]]:
        """Queue requests together; equal requests, here and in flight, share one future.

        Returns:
            One future per request, in order. Do not cancel them: others may wait for the same.
        """
        self.start()
        futures: list[Future[Served]] = []
        with self._changed:
            if self._closed:
                raise ModelError(f"The {self.ref.role} was closed while a program still used it.")
            for request in requests:
                key = _key(operation, request)
                future = self._waiting.get(key)
                if future is None:
                    future = self._waiting[key] = Future()
                    self._queue.append(_Job(operation, request, future))
                futures.append(future)
            self._changed.notify()
        return futures

    def close(self, timeout_s: float | None = None) -> bool:
        """Stop the thread; what is queued fails.

        Returns:
            False when the thread was still inside the model after `timeout_s` seconds.
        """
        with self._changed:
            self._closed = True
            abandoned = list(self._queue)
            self._queue.clear()
            self._changed.notify()
        for job in abandoned:
            self._finish(job, error=ModelError(f"The {self.ref.role} was closed."))
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            backend = self._open(self.ref)
        except BaseException as error:  # the loader is a stranger's library: report, keep serving
            _log.debug("Loading %s failed", self.ref, exc_info=True)
            self.loaded.set_exception(
                _told(error, f"Loading the {self.ref.role} {str(self.ref)!r}")
            )
            self._refuse_all()
            return
        self.loaded.set_result(backend)
        while (batch := self._take()) is not None:
            self._forward(backend, batch)

    def _take(self) -> list[_Job] | None:
        """Wait for work; return queued jobs of one operation, oldest first, None when closed."""
        with self._changed:
            while not self._queue and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            operation = self._queue[0].operation
            batch: list[_Job] = []
            rest: deque[_Job] = deque()
            for job in self._queue:
                fits = job.operation == operation and len(batch) < _MAX_BATCH
                (batch if fits else rest).append(job)
            self._queue = rest
            return batch

    def _forward(self, backend: Backend, batch: list[_Job]) -> None:
        operation = batch[0].operation
        started = time.perf_counter()
        forward_id = next(_forward_ids)
        try:
            values = getattr(backend, operation.method)([job.request for job in batch])
            if len(values) != len(batch):
                raise ModelError(
                    f"{self.ref} returned {len(values)} results for {len(batch)} requests of "
                    f"{operation.method}; a backend must return one per request, in order."
                )
        except Exception as error:  # a backend is a stranger's library: its jobs fail, not the loop
            if len(batch) > 1:
                # One bad item must not take the others with it.
                for job in batch:
                    self._forward(backend, [job])
                return
            _log.debug("%s failed in %s", self.ref, operation.method, exc_info=True)
            self._finish(batch[0], error=_told(error, f"The {self.ref.role} {str(self.ref)!r}"))
            return
        model_ms = (time.perf_counter() - started) * 1000
        for job, value in zip(batch, values, strict=True):
            if isinstance(value, Completion):
                self._ledger.add(value.usage)
            if isinstance(value, ModelError):
                self._finish(job, error=value)
            else:
                self._finish(job, Served(value, forward_id, len(batch), model_ms))

    def _finish(
        self, job: _Job, served: Served | None = None, *, error: ViperError | None = None
    ) -> None:
        with self._changed:
            self._waiting.pop(_key(job.operation, job.request), None)
        if served is not None:
            job.future.set_result(served)
        else:
            job.future.set_exception(error)

    def _refuse_all(self) -> None:
        """Fail everything queued, now and later, with the error of loading."""
        error = self.loaded.exception()
        assert isinstance(error, ViperError)
        while (batch := self._take()) is not None:
            for job in batch:
                self._finish(job, error=error)


def _key(operation: Operation, request: Hashable) -> tuple[Operation, Hashable, str]:
    """Return what requests share a result by: equal content, and one name of the image.

    Pictures of equal pixels are equal, but true perception knows them by name: two that stand for
    different scenes must not be given each other's.
    """
    view = getattr(request, "view", request)
    image = getattr(view, "image", view)
    return operation, request, getattr(image, "source_name", "")


def _told(error: BaseException, what: str) -> ViperError:
    """Return an error of ours as it is, and a stranger's as a `ModelError` of one line."""
    if isinstance(error, ViperError):
        return error
    failure = ModelError(f"{what} failed: {type(error).__name__}: {_first_line(error)}")
    failure.__cause__ = error
    return failure


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0][:300]
