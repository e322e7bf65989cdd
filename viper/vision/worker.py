"""One loaded model (or several replicas of it), its queue and its threads.

Each thread loads its replica when the model is first needed, then takes whatever is queued for one
operation and runs it in one forward. While it is busy, requests gather: batches form by themselves and
nobody waits for a timer. What can be made ready without the model is made ready by other threads meanwhile.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from viper.errors import ModelError, ModelMemoryError, ViperError
from viper.ledger import Ledger
from viper.vision.cache import ResultCache
from viper.vision.operation import Key, Operation, Served
from viper.vision.registry import BackendRef
from viper.vision.request_queue import Job, RequestQueue
from viper.vision.roles import Backend, Completion, Staged, has, is_deterministic, largest_batch
from viper.vision.worth import Worth

__all__ = ["MAX_BATCH", "Load", "ModelWorker", "Submitted"]

_log = logging.getLogger(__name__)

MAX_BATCH = 64
"""Requests per forward where the backend knows no better. Chosen so that a ViT-B batch at 224 px stays
below 1 GB of activations."""

_forward_ids = itertools.count(1)


class Submitted(NamedTuple):
    """What became of requests that were handed in together."""

    futures: list[Future[Served]]
    """One per request, in order. Do not cancel them: others may wait for the same."""
    remembered: list[bool]
    """Whether the result was known already."""
    guesses: dict[Key, Future[Served]]
    """The guesses that were new, and are computed if there is room."""


@dataclass(slots=True)
class Load:
    """What a model has done so far."""

    forwards: int = 0
    requests: int = 0
    """In those forwards, guesses included."""
    guesses: int = 0
    """Those of them that nobody had asked for when the forward ended."""
    busy_s: float = 0.0
    """Wall time inside the model, all replicas together."""


class ModelWorker:
    """Serves one backend, from one thread per replica.

    Args:
        ref: What to load.
        open_backend: Loads it; called once per replica, on the replica's thread.
        ledger: Where completions are entered, once each, however many wait for one.
        cache: Remembers results of deterministic backends; None to remember nothing.
        replicas: What to load in each thread; `ref` alone if empty.
        max_batch: Most requests per forward.
    """

    def __init__(
        self,
        ref: BackendRef,
        open_backend: Callable[[BackendRef], Backend],
        ledger: Ledger | None = None,
        *,
        cache: ResultCache | None = None,
        replicas: Sequence[BackendRef] = (),
        max_batch: int = MAX_BATCH,
    ) -> None:
        self.ref = ref
        self._replicas = tuple(replicas) or (ref,)
        self._ledger = ledger or Ledger()
        self._open = open_backend
        self._cache = cache
        self._max_batch = max_batch
        self._limits: dict[Operation, int] = {}  # after a lack of memory
        self._worth: defaultdict[Operation, Worth] = defaultdict(Worth)
        self._queue = RequestQueue()
        self._changed = threading.Condition()
        self._closed = False
        self._idle = 0
        self._remembers = (
            False  # True once a backend is loaded whose equal requests give equal results
        )
        self._opened: list[Backend] = []
        self._threads: list[threading.Thread] = []
        self._preparing: ThreadPoolExecutor | None = None
        self._prepared = 0  # jobs that wait with their input made
        self.load = Load()
        self.loaded: Future[Backend] = Future()
        """Done when all replicas are loaded, or with the error that loading one of them raised."""

    def start(self) -> Future[Backend]:
        """Begin to load the model unless that has begun; return `loaded`."""
        with self._changed:
            if not self._threads and not self._closed:
                self._threads = [
                    threading.Thread(
                        target=self._run, args=(ref,), name=f"viper-{self.ref.role}", daemon=True
                    )
                    for ref in self._replicas
                ]
                for thread in self._threads:
                    thread.start()
        return self.loaded

    @property
    def may_guess(self) -> bool:
        """True for a loaded backend that may be asked for what nobody has asked for yet."""
        return self._remembers and not self.ref.is_remote

    @property
    def pending(self) -> int:
        """Requests that are queued or in a forward."""
        with self._changed:
            return len(self._queue)

    def submit(
        self,
        operation: Operation,
        requests: Sequence[tuple[Key, Hashable]],
        *,
        owner: int = 0,
        guesses: Sequence[tuple[Key, Hashable]] = (),
    ) -> Submitted:
        """Queue requests together; equal ones, remembered or in flight, share one result.

        Args:
            operation: What is asked.
            requests: Keys and requests.
            owner: Number of the program that asks, for `withdraw` and for taking turns.
            guesses: What may be asked for soon; computed where a forward has room.
        """
        self.start()
        cache = self._cache if self._remembers else None
        out = Submitted([], [], {})
        with self._changed:
            if self._closed:
                raise ModelError(f"The {self.ref.role} was closed while a program still used it.")
            for key, request in requests:
                # Asked under the lock: a result is remembered before its job is forgotten.
                on_its_way = self._queue.find(key) is not None
                value = None if on_its_way or cache is None else cache.get(key)
                if value is None:
                    job = self._queue.ask(key, operation, request, owner)
                    self._prepare_ahead(job)
                    out.futures.append(job.future)
                else:
                    known: Future[Served] = Future()
                    known.set_result(Served(value))
                    out.futures.append(known)
                out.remembered.append(value is not None)
            wanted = self.may_guess and self._worth[operation].pays
            for key, request in guesses if wanted else ():
                if cache is not None and cache.get(key) is not None:
                    continue
                guess = self._queue.guess(key, operation, request, owner)
                if guess is not None:
                    self._prepare_ahead(guess)
                    out.guesses[key] = guess.future
            if not all(
                out.remembered
            ):  # a thread that is woken for nothing costs more than a lookup
                self._changed.notify_all()
        return out

    def learn(self, operation: Operation, guessed: int, used: int) -> None:
        """Note how many guesses a program that is over has used."""
        with self._changed:
            self._worth[operation].ended(guessed, used)

    def withdraw(self, owner: int) -> None:
        """Drop what a program has asked for and nobody else wants, as far as no forward has begun."""
        with self._changed:
            for job in self._queue.withdraw(owner):
                self._unprepare(job)

    def close(self, timeout_s: float | None = None) -> bool:
        """Stop the threads; what is queued fails.

        Returns:
            False when a thread was still inside the model after `timeout_s` seconds.
        """
        with self._changed:
            self._closed = True
            for job in self._queue.drain():
                job.future.set_exception(ModelError(f"The {self.ref.role} was closed."))
            self._changed.notify_all()
            preparing, self._preparing = self._preparing, None
        if preparing is not None:
            preparing.shutdown(wait=False, cancel_futures=True)
        ends = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(None if ends is None else max(0.0, ends - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, ref: BackendRef) -> None:
        try:
            backend = self._open(ref)
        except BaseException as error:  # the loader is a stranger's library: report, keep serving
            _log.debug("Loading %s failed", ref, exc_info=True)
            told = _told(error, f"Loading the {ref.role} {str(ref)!r}")
            with self._changed:
                first = not self.loaded.done()
                if first:
                    self.loaded.set_exception(told)
            if first:
                self._refuse_all(told)
            return
        with self._changed:
            self._opened.append(backend)
            if len(self._opened) == len(self._replicas) and not self.loaded.done():
                self._remembers = is_deterministic(backend, remote=ref.is_remote)
                self.loaded.set_result(self._opened[0])
        while (batch := self._take(backend)) is not None:
            self._forward(backend, batch)
            del batch  # nobody holds on to requests, and so to pixels, while waiting

    def _take(self, backend: Backend) -> list[Job] | None:
        """Wait for work; return queued jobs of one operation, None when closed."""
        with self._changed:
            while not self._closed:
                batch = self._queue.take(partial(self._limit, backend), parts=self._idle + 1)
                if batch:
                    self._prepared -= sum(job.prepared is not None for job in batch)
                    return batch
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return None

    def _limit(self, backend: Backend, operation: Operation) -> int:
        return min(
            self._max_batch,
            largest_batch(backend) or self._max_batch,
            self._limits.get(operation, self._max_batch),
        )

    def _prepare_ahead(self, job: Job) -> None:
        """Make a job's input ready while the model is busy, two forwards ahead at most."""
        enough = self._prepared >= 2 * self._max_batch
        if self._idle or enough or job.prepared is not None or not self._opened:
            return
        backend = self._opened[0]
        if has(backend, Staged) and backend.stages(job.operation.method):
            job.prepared = self._begin_preparing(backend, job)
            self._prepared += 1

    def _unprepare(self, job: Job) -> None:
        if job.prepared is not None:
            job.prepared.cancel()
            self._prepared -= 1

    def _begin_preparing(self, backend: Staged, job: Job) -> Future[Any]:
        if self._preparing is None:
            self._preparing = ThreadPoolExecutor(thread_name_prefix=f"viper-{self.ref.role}-input")
        return self._preparing.submit(backend.prepare, job.operation.method, job.request)

    def _forward(self, backend: Backend, batch: list[Job]) -> None:
        """Run one forward; when it fails, find the bad request, or the size that fits."""
        if has(backend, Staged) and backend.stages(batch[0].operation.method):
            batch = self._with_input(backend, batch)
            if not batch:
                return
        operation = batch[0].operation
        started = time.perf_counter()
        forward_id = next(_forward_ids)
        try:
            values = _call(backend, operation, batch)
            if len(values) != len(batch):
                raise ModelError(
                    f"{self.ref} returned {len(values)} results for {len(batch)} requests of "
                    f"{operation.method}; a backend must return one per request, in order."
                )
        except Exception as error:  # a backend is a stranger's library: its jobs fail, not the loop
            self._count(batch, started)
            self._recover(backend, batch, error)
            return
        model_ms = self._count(batch, started) * 1000
        for job, value in zip(batch, values, strict=True):
            if isinstance(value, Completion):
                self._ledger.add(value.usage)
            if isinstance(value, ModelError):
                self._finish(job, error=value)
            else:
                queue_ms = max(0.0, started - job.queued_s) * 1000
                self._finish(job, Served(value, forward_id, len(batch), model_ms, queue_ms))

    def _count(self, batch: list[Job], started: float) -> float:
        """Enter a forward that ended; return how many seconds it took."""
        busy_s = time.perf_counter() - started
        with self._changed:
            guesses = sum(not job.asked for job in batch)
            self.load.forwards += 1
            self.load.requests += len(batch)
            self.load.guesses += guesses
            self.load.busy_s += busy_s
            self._worth[batch[0].operation].forward(len(batch), len(batch) - guesses, busy_s)
        return busy_s

    def _recover(self, backend: Backend, batch: list[Job], error: Exception) -> None:
        operation = batch[0].operation
        if len(batch) == 1:
            _log.debug("%s failed in %s", self.ref, operation.method, exc_info=True)
            self._finish(batch[0], error=_told(error, f"The {self.ref.role} {str(self.ref)!r}"))
            return
        if isinstance(error, ModelMemoryError):
            self._limits[operation] = max(1, len(batch) // 2)
            _log.info(
                "%s has too little memory for %d requests of %s at once; from now on %d go together.",
                self.ref,
                len(batch),
                operation.method,
                self._limits[operation],
            )
        with self._changed:
            # What was only guessed may be what failed: it is given up, and nobody can join it any more.
            guesses = [job for job in batch if not job.asked]
            for job in guesses:
                self._queue.finish(job)
                job.future.cancel()
        if guesses:
            asked = [job for job in batch if job not in guesses]
            self._forward(backend, asked)
            return
        middle = len(batch) // 2
        self._forward(backend, batch[:middle])
        self._forward(backend, batch[middle:])

    def _with_input(self, backend: Staged, batch: list[Job]) -> list[Job]:
        """Wait for the inputs of a batch; a request that has none fails here, alone."""
        with self._changed:
            if len(batch) > 1 and not self._closed:
                for job in batch:
                    job.prepared = job.prepared or self._begin_preparing(backend, job)
        ready: list[Job] = []
        for job in batch:
            try:
                if job.prepared is None:
                    made = backend.prepare(job.operation.method, job.request)
                    job.prepared = Future()
                    job.prepared.set_result(made)
                job.prepared.result()
            except BaseException as error:  # as in `_forward`; CancelledError when it was closed
                self._finish(job, error=_told(error, f"The {self.ref.role} {str(self.ref)!r}"))
            else:
                ready.append(job)
        return ready

    def _finish(
        self, job: Job, served: Served | None = None, *, error: ViperError | None = None
    ) -> None:
        with self._changed:
            asked = job.asked
            if served is not None and self._cache is not None and self._remembers:
                self._cache.put(job.key, served.value)
            self._queue.finish(job)
            job.prepared = None
        if served is not None:
            job.future.set_result(served)
        elif asked:
            job.future.set_exception(error)
        else:
            job.future.cancel()

    def _refuse_all(self, error: ViperError) -> None:
        """Fail everything queued, now and later, with the error of loading."""
        while True:
            with self._changed:
                while not self._queue and not self._closed:
                    self._changed.wait()
                jobs = self._queue.take(lambda _: self._max_batch)
                if self._closed:
                    return
            for job in jobs:
                self._finish(job, error=error)


def _call(backend: Backend, operation: Operation, batch: list[Job]) -> Sequence[Any]:
    """Run a batch method, or its second stage."""
    if has(backend, Staged) and backend.stages(operation.method):
        inputs = [job.prepared.result() for job in batch if job.prepared is not None]
        return backend.forward(operation.method, inputs)
    method: Callable[[list[Hashable]], Sequence[Any]] = getattr(backend, operation.method)
    return method([job.request for job in batch])


def _told(error: BaseException, what: str) -> ViperError:
    """Return an error of ours as it is, and a stranger's as a `ModelError` of one line."""
    if isinstance(error, ViperError):
        return error
    failure = ModelError(f"{what} failed: {type(error).__name__}: {_first_line(error)}")
    failure.__cause__ = error
    return failure


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0][:300]
