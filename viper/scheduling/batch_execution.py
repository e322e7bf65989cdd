"""One forward and what comes of it: results, a bad request that fails alone, a batch that was too large."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol

from viper.errors import ModelError, ModelMemoryError, ViperError, described
from viper.models.roles import Backend, Completion
from viper.scheduling.method_request import ModuleResult
from viper.scheduling.operation import Operation, Served
from viper.scheduling.request_queue import Job
from viper.usage import Usage

__all__ = ["Host", "run_forward", "told"]

_log = logging.getLogger(__name__)

_forward_ids = itertools.count(1)


class Host(Protocol):
    """Who hands batches in, and keeps the account of them."""

    name: str
    """Of the model, for messages."""

    def with_input(self, backend: Backend, batch: list[Job]) -> list[Job]:
        """Return the jobs of a batch whose input is made; the others have failed."""
        ...

    def counted(self, batch: list[Job], busy_s: float) -> None:
        """Enter a forward that ended, well or not."""
        ...

    def paid(self, job: Job, usage: Usage) -> None:
        """Enter what a request has cost, well or not, before it is finished."""
        ...

    def without_guesses(self, batch: list[Job]) -> list[Job]:
        """Give up the guesses in a batch; return what was asked for."""
        ...

    def too_large(self, operation: Operation, requests: int) -> None:
        """Learn that so many requests do not fit into the device's memory."""
        ...

    def finish(
        self, job: Job, served: Served | None = None, *, error: ViperError | None = None
    ) -> None:
        """Give a job its result, or the error in its place."""
        ...


def run_forward(backend: Backend, batch: list[Job], host: Host) -> None:
    """Run a batch; when it fails, find the bad request, or the size that fits.

    Every job of the batch is finished when this returns.
    """
    operation = batch[0].operation
    if _staged(backend, operation):
        batch = host.with_input(backend, batch)
        if not batch:
            return
    started = time.perf_counter()
    forward_id = next(_forward_ids)
    try:
        values = _call(backend, operation, batch)
        if len(values) != len(batch):
            raise ModelError(
                f"{host.name} returned {len(values)} results for {len(batch)} requests of "
                f"{operation.method}; a backend must return one per request, in order."
            )
    except Exception as error:  # a backend is a stranger's library: its jobs fail, not the loop
        host.counted(batch, time.perf_counter() - started)
        _pay(host, batch[0], error)
        _recover(backend, batch, error, host)
        return
    busy_s = time.perf_counter() - started
    host.counted(batch, busy_s)
    # Guesses first: a program goes on when it has what it asked for, and may ask for them at once.
    done = sorted(zip(batch, values, strict=True), key=lambda pair: pair[0].asked)
    for job, value in done:
        _pay(host, job, value)
        if isinstance(value, ModelError):
            host.finish(job, error=value)
        else:
            queue_ms = max(0.0, started - job.queued_s) * 1000
            host.finish(job, Served(value, forward_id, len(batch), busy_s * 1000, queue_ms))


def _pay(host: Host, job: Job, value: Any) -> None:
    """Have entered what a result, or an error in its place, was billed."""
    billed = isinstance(value, Completion | ModuleResult | ModelError)
    if billed and value.usage is not None and value.usage != Usage():
        host.paid(job, value.usage)


def _recover(backend: Backend, batch: list[Job], error: Exception, host: Host) -> None:
    if len(batch) == 1:
        _log.debug("%s failed in %s", host.name, batch[0].operation.method, exc_info=True)
        host.finish(batch[0], error=told(error, f"The {batch[0].operation.role} {host.name!r}"))
        return
    if isinstance(error, ModelMemoryError):
        host.too_large(batch[0].operation, len(batch))
    # What was only guessed may be what failed: nobody is to wait until that is known.
    asked = host.without_guesses(batch)
    if len(asked) < len(batch):
        if asked:
            run_forward(backend, asked, host)
        return
    middle = len(batch) // 2
    run_forward(backend, batch[:middle], host)
    run_forward(backend, batch[middle:], host)


def _staged(backend: Backend, operation: Operation) -> bool:
    return operation.function is None and backend.stages(operation.method)


def _call(backend: Backend, operation: Operation, batch: list[Job]) -> Sequence[Any]:
    """Run a batch method, its second stage, or a module's function."""
    if operation.function is not None:
        return operation.function(backend, [job.request for job in batch])
    if _staged(backend, operation):
        inputs = [job.prepared.result() for job in batch if job.prepared is not None]
        return backend.forward(operation.method, inputs)
    method: Callable[[list[Hashable]], Sequence[Any]] = getattr(backend, operation.method)
    return method([job.request for job in batch])


def told(error: BaseException, what: str) -> ViperError:
    """Return an error of ours as it is, and a stranger's as a `ModelError` of one line."""
    if isinstance(error, ViperError):
        return error
    failure = ModelError(f"{what} failed: {described(error)}")
    failure.__cause__ = error
    return failure
