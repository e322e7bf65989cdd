"""Runs one batch: sets results, isolates a bad request, and shrinks batches when memory runs out."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol

from viper.errors import ModelError, ModelMemoryError, ViperError, summarize_error
from viper.models.roles import Backend
from viper.scheduling.billing import Billing
from viper.scheduling.job import Job
from viper.scheduling.operation import Operation, Served
from viper.scheduling.result_checks import checked

__all__ = ["as_viper_error", "run_forward"]

_log = logging.getLogger(__name__)

_forward_ids = itertools.count(1)


class BatchOwner(Protocol):
    """Submits batches and records their results."""

    name: str
    """Name of the model, for messages."""
    billing: Billing
    """Records the cost of each result, or of the error in its place, before its job is finished."""

    def record_forward(self, batch: list[Job], busy_s: float) -> None:
        """Record a forward that has ended or failed."""
        ...

    def drop_prefetches(self, batch: list[Job]) -> list[Job]:
        """Drop the prefetches of a batch; return its demand requests."""
        ...

    def shrink_batches(self, operation: Operation, requests: int) -> None:
        """Record that this number of requests does not fit into the device's memory."""
        ...

    def finish(self, job: Job, result: Served | ViperError) -> None:
        """Set the result or the error of a job."""
        ...


def run_forward(backend: Backend, batch: list[Job], owner: BatchOwner) -> None:
    """Run a batch; when it fails, isolate the bad request, or find the size that fits.

    Every job of the batch is finished when this returns.
    """
    operation = batch[0].operation
    started = time.perf_counter()
    forward_id = next(_forward_ids)
    try:
        values = list(_call(backend, operation, batch))
        if len(values) != len(batch):
            raise ModelError(
                f"{owner.name} returned {len(values)} results for {len(batch)} requests of "
                f"{operation.method}; a backend must return one per request, in order."
            )
    # A third-party library: its jobs fail, not the loop. A panic of one in Rust is no Exception.
    except BaseException as error:
        owner.record_forward(batch, time.perf_counter() - started)
        owner.billing.record(batch[0], error)
        _recover(backend, batch, error, owner)
        return
    values = [checked(operation, value) for value in values]
    busy_s = time.perf_counter() - started
    owner.record_forward(batch, busy_s)
    # Prefetches first: a program goes on once its demand requests have results, and may need them.
    done = sorted(zip(batch, values, strict=True), key=lambda pair: pair[0].demanded)
    for job, value in done:
        owner.billing.record(job, value)
        if not isinstance(value, ModelError):
            queue_ms = max(0.0, started - job.queued_s) * 1000
            value = Served(value, forward_id, len(batch), busy_s * 1000, queue_ms)
        owner.finish(job, value)


def _recover(backend: Backend, batch: list[Job], error: BaseException, owner: BatchOwner) -> None:
    if len(batch) == 1:
        _log.debug("%s failed in %s", owner.name, batch[0].operation.method, exc_info=True)
        what = f"The {batch[0].operation.role} {owner.name!r}"
        owner.finish(batch[0], as_viper_error(error, what))
        return
    if isinstance(error, ModelMemoryError):
        owner.shrink_batches(batch[0].operation, len(batch))
    # The bad request may be a prefetch; drop them all, so that no program waits for the search.
    demanded = owner.drop_prefetches(batch)
    if len(demanded) < len(batch):
        if demanded:
            run_forward(backend, demanded, owner)
        return
    middle = len(batch) // 2
    run_forward(backend, batch[:middle], owner)
    run_forward(backend, batch[middle:], owner)


def _call(backend: Backend, operation: Operation, batch: list[Job]) -> Sequence[Any]:
    """Run a batch method, its second stage, or a module's function."""
    if operation.function is not None:
        return operation.function(backend, [job.request for job in batch])
    if inputs := [job.prepared.result() for job in batch if job.prepared is not None]:
        return backend.forward(operation.method, inputs)
    method: Callable[[list[Hashable]], Sequence[Any]] = getattr(backend, operation.method)
    return method([job.request for job in batch])


def as_viper_error(error: BaseException, what: str) -> ViperError:
    """Return a `ViperError` as it is, and any other error as a `ModelError` of one line."""
    if isinstance(error, ViperError):
        return error
    failure = ModelError(f"{what} failed: {summarize_error(error)}")
    failure.__cause__ = error
    return failure
