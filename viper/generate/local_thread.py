"""The thread that owns a local language model: it loads the model and generates programs in batches.

Like `viper.scheduling.worker`, it takes all queued requests as soon as it is idle, so batches form while it
is busy, without a timer. Generating a program takes seconds to minutes, unlike a vision call: a cancelled
future stops at the next token, and closing the thread stops all of them. A model that shows no progress for
a long time is *stuck*: a thread cannot be killed, so requests fail at once until it goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from viper.backends.model_source import reason_of
from viper.errors import ConfigError, GenerationError, ViperError
from viper.generate.generator import GenerationRequest
from viper.usage import Usage

__all__ = ["ModelThread", "Sample", "Writer", "Written"]

_log = logging.getLogger(__name__)

_MAX_BATCH = 8
"""Prompts are long: eight of 4,000 tokens take about 2 GB of keys and values in a 7B model whose
heads share them, in bfloat16."""

_CLOSE_S = 2.0
"""Time to wait for one forward. A longer one, or loading, ends later by itself."""

_STUCK_S = 300.0
"""Time without a token after which a model is stuck; to load, or to read a long prompt, takes minutes."""


class Sample(NamedTuple):
    """One program to write."""

    request: GenerationRequest
    temperature: float
    seed: int


class Written(NamedTuple):
    """Output of a model, and its usage."""

    text: str
    usage: Usage
    prompt: str = ""
    """The conversation, for display."""


class Writer(Protocol):
    """A loaded model; used by one thread only."""

    def write(
        self, samples: Sequence[Sample], is_wanted: Callable[[int], bool]
    ) -> list[Written | GenerationError]:
        """Write one program per sample, in order.

        Args:
            samples: One batch.
            is_wanted: Called with an index between tokens; returns whether that sample is still needed.
        """
        ...

    def release(self) -> None:
        """Free the memory; the model is not used after this."""
        ...


class _Job(NamedTuple):
    sample: Sample
    future: Future[Written]


class ModelThread:
    """Runs one model in one thread, which starts with the first request.

    Args:
        name: Names the model in messages.
        load: Loads the model; called once, on the thread.
        stuck_after_s: Time without a token after which it counts as stuck, in seconds.
    """

    def __init__(
        self, name: str, load: Callable[[], Writer], *, stuck_after_s: float = _STUCK_S
    ) -> None:
        self._name = name
        self._load = load
        self._queue: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._stuck_after_s = stuck_after_s
        self._progress_s: float | None = None
        """When it last showed progress, on the monotonic clock; None while it waits for work."""

    def submit(self, samples: Sequence[Sample]) -> list[Future[Written]]:
        """Queue samples together; callers cancel the future of a program that they no longer need.

        Raises:
            GenerationError: The thread was closed, or the model is stuck.
        """
        jobs = [_Job(sample, Future()) for sample in samples]
        with self._changed:
            if self._closed:
                raise GenerationError(f"The generator {self._name!r} is closed.")
            if stuck_s := self.stuck_s:
                raise GenerationError(
                    f"The model {self._name!r} has shown no progress for {stuck_s:.0f} s; it takes no "
                    "requests until it does. Retry later, or restart the process."
                )
            self._queue.extend(jobs)
            if jobs and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="viper-local", daemon=True)
                self._thread.start()
            self._changed.notify()
        return [job.future for job in jobs]

    @property
    def is_alive(self) -> bool:
        """True from the first request until the thread has ended."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def stuck_s(self) -> float:
        """How long the model has shown no progress if it is stuck, in seconds; else 0."""
        since_s = self._progress_s
        silent_s = 0.0 if since_s is None else time.monotonic() - since_s
        return silent_s if silent_s > self._stuck_after_s else 0.0

    def close(self, timeout_s: float = _CLOSE_S) -> bool:
        """Stop the thread; queued and running samples fail. Calling it again does nothing.

        Returns:
            False when the thread was still inside the model after `timeout_s` seconds.
        """
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.is_alive

    def _run(self) -> None:
        self._progress_s = time.monotonic()
        try:
            model = self._load()
        except BaseException as error:  # a third-party library may raise anything
            _log.debug("Loading %s failed", self._name, exc_info=True)
            self._progress_s = None
            self._fail_all(_as_viper_error(error, f"Loading {self._name!r}", ConfigError))
            return
        while (batch := self._take()) is not None:
            self._write(model, batch)
        try:
            model.release()
        except BaseException:  # a third-party library; what is queued must fail all the same
            _log.exception("%s could not be released.", self._name)
        self._fail_all(GenerationError(f"The generator {self._name!r} was closed."))

    def _take(self) -> list[_Job] | None:
        """Wait for jobs; return the oldest ones that are not cancelled, None when closed."""
        with self._changed:
            while not self._closed:
                batch: list[_Job] = []
                while self._queue and len(batch) < _MAX_BATCH:
                    job = self._queue.popleft()
                    if not job.future.cancelled():
                        batch.append(job)
                if batch:
                    self._progress_s = time.monotonic()
                    return batch
                self._progress_s = None
                self._changed.wait()
            return None

    def _write(self, model: Writer, batch: list[_Job]) -> None:
        def is_wanted(index: int) -> bool:
            self._progress_s = time.monotonic()
            return not (self._closed or batch[index].future.cancelled())

        results: Sequence[Written | ViperError]
        try:
            results = model.write([job.sample for job in batch], is_wanted)
            if len(results) != len(batch):
                raise GenerationError(
                    f"{self._name} wrote {len(results)} programs for {len(batch)} requests."
                )
        # A third-party library: its jobs fail, the thread goes on. A panic of one in Rust is no Exception.
        except BaseException as error:
            if len(batch) > 1 and not self._closed:
                # A smaller batch may fit into memory, and one bad request must not fail the others.
                for job in batch:
                    self._write(model, [job])
                return
            _log.debug("%s failed", self._name, exc_info=True)
            failure = _as_viper_error(error, f"The model {self._name!r}", GenerationError)
            results = [failure] * len(batch)
        for job, result in zip(batch, results, strict=True):
            if self._closed:
                result = GenerationError(f"The generator {self._name!r} was closed.")
            _finish(job, result)

    def _fail_all(self, error: ViperError) -> None:
        """Fail all queued jobs with one error, and all later ones until the thread is closed."""
        while True:
            with self._changed:
                while not (self._queue or self._closed):
                    self._changed.wait()
                jobs = list(self._queue)
                self._queue.clear()
                closed = self._closed
            for job in jobs:
                _finish(job, error)
            if closed:
                return


def _finish(job: _Job, result: Written | ViperError) -> None:
    if not job.future.set_running_or_notify_cancel():
        return
    if isinstance(result, ViperError):
        job.future.set_exception(result)
    else:
        job.future.set_result(result)


def _as_viper_error(error: BaseException, what: str, kind: type[ViperError]) -> ViperError:
    """Return a `ViperError` unchanged, and any other error wrapped in one of type `kind`."""
    if isinstance(error, ViperError):
        return error
    failure = kind(f"{what} failed: {type(error).__name__}: {reason_of(error)}")
    failure.__cause__ = error
    return failure
