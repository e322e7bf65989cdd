"""Preprocesses requests (decode, crop, resize, normalize) on separate threads while the model is busy.

For backends whose batch methods have two stages (`roles.Backend.stages`). The number of inputs that are ready
ahead is bounded, since an input is much larger than its request. The worker holds its lock around every call
except `wait`.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from viper.models.roles import Backend
from viper.scheduling.job import Job

__all__ = ["PreprocessingQueue"]


class PreprocessingQueue:
    """The inputs of one model's queued jobs.

    Args:
        name: Name prefix of its threads.
        most_ahead: Most queued jobs that are preprocessed ahead.
    """

    def __init__(self, name: str, most_ahead: int) -> None:
        self._name = name
        self._most_ahead = most_ahead
        self._ahead = 0
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    def begin_ahead(self, backend: Backend, job: Job) -> None:
        """Begin to preprocess a queued job, if its operation has that stage and there is room."""
        if job.prepared is not None or self._ahead >= self._most_ahead:
            return
        if backend.stages(job.operation.method):
            self._begin(backend, job)
            self._ahead += 1

    def release(self, jobs: Iterable[Job]) -> None:
        """Record that jobs left the queue for a forward."""
        self._ahead -= sum(job.prepared is not None for job in jobs)

    def cancel(self, jobs: Iterable[Job]) -> None:
        """Stop preprocessing jobs that no program wants any more."""
        for job in jobs:
            if job.prepared is not None:
                job.prepared.cancel()
                self._ahead -= 1

    def renew(self, queued: Iterable[Job]) -> None:
        """Leave the threads as they are and use others from now on: some may never come back.

        Args:
            queued: Jobs that wait for a forward; those whose input is not ready begin again.
        """
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)
        for job in queued:
            if job.prepared is not None and not job.prepared.done():
                job.prepared.cancel()
                job.prepared = None
                self._ahead -= 1

    def begin(self, backend: Backend, batch: list[Job]) -> None:
        """Begin to preprocess the rest of a batch; a single input is left to `wait`."""
        if len(batch) > 1 and not self._closed:
            for job in batch:
                if job.prepared is None:
                    self._begin(backend, job)

    @staticmethod
    def wait(backend: Backend, job: Job, timeout_s: float) -> BaseException | None:
        """Wait for the input of a job, or make it; return the error if that failed.

        Args:
            backend: The model.
            job: The job.
            timeout_s: Longest wait for another thread to make it.
        """
        try:
            if job.prepared is None:
                made = backend.prepare(job.operation.method, job.request)
                job.prepared = Future()
                job.prepared.set_result(made)
            job.prepared.result(timeout_s)
        except BaseException as error:  # a third-party library; CancelledError when closed
            return error
        return None

    def close(self) -> None:
        """Cancel what has not begun, and begin nothing more."""
        self._closed = True
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, backend: Backend, job: Job) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(thread_name_prefix=self._name)
        job.prepared = self._pool.submit(backend.prepare, job.operation.method, job.request)
