"""Makes models' inputs while the models are busy: decode, crop, resize, normalise, on threads of its own.

For backends whose batch methods have two stages (`roles.Backend.stages`). What is made ahead is bounded,
since an input is much larger than the request that it is made of. The worker holds its lock around every call
but `wait`.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from viper.models.roles import Backend
from viper.scheduling.request_queue import Job

__all__ = ["Inputs"]


class Inputs:
    """The inputs of one model's queued jobs.

    Args:
        name: Of its threads.
        most_ahead: Most jobs that wait with their input made.
    """

    def __init__(self, name: str, most_ahead: int) -> None:
        self._name = name
        self._most_ahead = most_ahead
        self._ahead = 0
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    def begin_ahead(self, backend: Backend, job: Job) -> None:
        """Begin to make the input of a job that waits, if there is a stage for it and room."""
        if job.prepared is not None or self._ahead >= self._most_ahead:
            return
        if backend.stages(job.operation.method):
            self._begin(backend, job)
            self._ahead += 1

    def taken(self, jobs: Iterable[Job]) -> None:
        """Note that jobs wait no more."""
        self._ahead -= sum(job.prepared is not None for job in jobs)

    def dropped(self, jobs: Iterable[Job]) -> None:
        """Note that jobs are not wanted any more."""
        for job in jobs:
            if job.prepared is not None:
                job.prepared.cancel()
                self._ahead -= 1

    def begin(self, backend: Backend, batch: list[Job]) -> None:
        """Begin to make what is missing of a batch; a single input is left to `wait`."""
        if len(batch) > 1 and not self._closed:
            for job in batch:
                if job.prepared is None:
                    self._begin(backend, job)

    @staticmethod
    def wait(backend: Backend, job: Job) -> BaseException | None:
        """Wait for the input of a job, or make it; return the error if there is none."""
        try:
            if job.prepared is None:
                made = backend.prepare(job.operation.method, job.request)
                job.prepared = Future()
                job.prepared.set_result(made)
            job.prepared.result()
        except BaseException as error:  # a stranger's library; CancelledError when it was closed
            return error
        return None

    def close(self) -> None:
        """Begin nothing more."""
        self._closed = True
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, backend: Backend, job: Job) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(thread_name_prefix=self._name)
        prepared: Future[Any] = self._pool.submit(
            backend.prepare, job.operation.method, job.request
        )
        job.prepared = prepared
