"""One loaded model (or several replicas of it), its queue and its threads.

Each thread loads its replica when the model is first needed, and anew for who asks after that has
failed; then it takes whatever is queued for one
operation and runs it in one forward. While it is busy, requests gather: batches form by themselves and
nobody waits for a timer. What can be made ready without the model is made ready by other threads meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from viper.errors import BudgetError, ModelError, ViperError
from viper.llm.budget import Budget
from viper.models.registry import BackendRef
from viper.models.roles import Backend, with_defaults
from viper.scheduling.batch_execution import run_forward, told
from viper.scheduling.operation import ANSWER, COMPLETE, MAX_BATCH, Key, Operation, Served
from viper.scheduling.prefetch_policy import PrefetchPolicy
from viper.scheduling.preprocessing import Inputs
from viper.scheduling.request_queue import Job, RequestQueue
from viper.scheduling.result_cache import ResultCache
from viper.usage import Usage

__all__ = ["Load", "ModelWorker", "Submitted"]

_log = logging.getLogger(__name__)

_BILLED = (ANSWER.role, COMPLETE.role)


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
        ledger: Where what was billed is entered, once, however many wait for it.
        cache: Remembers results of deterministic backends; None to remember nothing.
        replicas: What to load in each thread; `ref` alone if empty.
        max_batch: Most requests per forward.
    """

    def __init__(
        self,
        ref: BackendRef,
        open_backend: Callable[[BackendRef], Backend],
        budget: Budget | None = None,
        *,
        cache: ResultCache | None = None,
        replicas: Sequence[BackendRef] = (),
        max_batch: int = MAX_BATCH,
    ) -> None:
        self.ref = ref
        self.name = str(ref)
        self._replicas = tuple(replicas) or (ref,)
        self._budget = budget or Budget()
        self._open = open_backend
        self._cache = cache
        self._max_batch = max_batch
        self._billed: set[Operation] = set()  # what was seen to be billed
        self._limits: dict[Operation, int] = {}  # after a lack of memory
        self._worth: defaultdict[Operation, PrefetchPolicy] = defaultdict(PrefetchPolicy)
        self._queue = RequestQueue()
        self._changed = threading.Condition()
        self._closed = False
        self._idle = 0
        # True once a backend is loaded whose equal requests give equal results,
        self._remembers = False
        # and which may be asked for what nobody has asked for yet.
        self._may_guess = False
        self._opened: list[Backend] = []
        self._threads: list[threading.Thread] = []
        self._inputs = Inputs(f"viper-{ref.role}-input", most_ahead=2 * max_batch)
        self.load = Load()
        self.loaded: Future[Backend] = Future()
        """Done when all replicas are loaded, or with the error that loading one of them raised; `start`
        replaces one that failed."""

    def start(self) -> Future[Backend]:
        """Begin to load the model unless that has begun, anew where it has failed; return `loaded`."""
        with self._changed:
            failed = _has_failed(self.loaded)
            if (failed or not self._threads) and not self._closed:
                before = self._threads
                if failed:
                    self.loaded = Future()
                self._threads = [
                    threading.Thread(
                        target=self._run,
                        args=(ref, self.loaded, before),
                        name=f"viper-{self.ref.role}",
                        daemon=True,
                    )
                    for ref in self._replicas
                ]
                for thread in self._threads:
                    thread.start()
        return self.loaded

    @property
    def pending(self) -> int:
        """Requests that are queued or in a forward."""
        with self._changed:
            return len(self._queue)

    def from_disk(self, keys: Sequence[Key]) -> Future[dict[Key, Any]] | None:
        """Begin to read what may be remembered on disk alone, for `submit`; None where nothing may."""
        with self._changed:
            if self._cache is None or not self._remembers:
                return None
            keys = [key for key in keys if self._queue.find(key) is None]
        return self._cache.from_disk(keys)

    def submit(
        self,
        operation: Operation,
        requests: Sequence[tuple[Key, Hashable]],
        *,
        owner: int = 0,
        guesses: Sequence[tuple[Key, Hashable]] = (),
        budget: Budget | None = None,
        from_disk: Mapping[Key, Any] = MappingProxyType({}),
    ) -> Submitted:
        """Queue requests together; equal ones, remembered or in flight, share one result.

        Args:
            operation: What is asked.
            requests: Keys and requests.
            owner: Number of the program that asks, for `withdraw` and for taking turns.
            guesses: What may be asked for soon; computed where a forward has room and costs nothing.
            budget: Of the engine that asks, where it is another than the model's.
            from_disk: Results that `ModelPool.from_disk` has found.
        """
        out = Submitted([], [], {})
        with self._changed:
            if self._closed:
                raise ModelError(f"The {self.ref.role} was closed while a program still used it.")
            self.start()  # under the lock: an attempt that fails takes along all that is queued
            cache = self._cache if self._remembers else None
            for key, request in requests:
                # Asked under the lock: a result is remembered before its job is forgotten.
                on_its_way = self._queue.find(key) is not None
                value = None if on_its_way or cache is None else cache.in_memory(key)
                if value is None and not on_its_way:
                    value = from_disk.get(key)
                if value is None:
                    job = self._queue.ask(key, operation, request, owner)
                    job.budget = job.budget or budget
                    self._make_ready(job)
                    out.futures.append(job.future)
                else:
                    known: Future[Served] = Future()
                    known.set_result(Served(value))
                    out.futures.append(known)
                out.remembered.append(value is not None)
            wanted = (
                self._may_guess and self._worth[operation].pays and operation not in self._billed
            )
            for key, request in guesses if wanted else ():
                if key in from_disk or (cache is not None and cache.in_memory(key) is not None):
                    continue
                guess = self._queue.guess(key, operation, request, owner)
                if guess is not None:
                    guess.budget = budget
                    self._make_ready(guess)
                    out.guesses[key] = guess.future
            if not all(out.remembered):
                # A thread that is woken for nothing would cost more than the lookup.
                self._changed.notify_all()
        return out

    def learn(self, operation: Operation, guessed: int, used: int) -> None:
        """Note how many guesses a program that is over has used."""
        with self._changed:
            self._worth[operation].ended(guessed, used)

    def withdraw(self, owner: int) -> None:
        """Drop what a program has asked for and nobody else wants, as far as no forward has begun."""
        with self._changed:
            self._inputs.dropped(self._queue.withdraw(owner))

    def close(self, timeout_s: float | None = None) -> bool:
        """Stop the threads; what is queued fails.

        Returns:
            False when a thread was still inside the model after `timeout_s` seconds.
        """
        with self._changed:
            self._closed = True
            for job in self._queue.drain():
                job.future.set_exception(ModelError(f"The {self.ref.role} was closed."))
            self._inputs.close()
            self._changed.notify_all()
        ends = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(None if ends is None else max(0.0, ends - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(
        self, ref: BackendRef, loaded: Future[Backend], before: Sequence[threading.Thread]
    ) -> None:
        for thread in before:
            thread.join()  # of an attempt that failed: what it has loaded is given back first
        try:
            backend: Backend = with_defaults(self._open(ref), ref.role)
            remembers = backend.deterministic
        except BaseException as error:  # the loader is a stranger's library: report, keep serving
            _log.debug("Loading %s failed", ref, exc_info=True)
            self._fail(loaded, told(error, f"Loading the {ref.role} {str(ref)!r}"))
            return
        with self._changed:
            if _has_failed(loaded):
                return  # another replica could not be loaded
            self._opened.append(backend)
            if len(self._opened) == len(self._replicas):
                self._remembers = remembers
                # A guess without a cache would be computed, and lost before it is asked for.
                self._may_guess = remembers and not ref.is_remote and self._cache is not None
                loaded.set_result(self._opened[0])
        while (batch := self._take(backend, loaded)) is not None:
            if batch := self._affordable(batch):
                run_forward(backend, batch, self)
            del batch  # nobody holds on to requests, and so to pixels, while waiting

    def _fail(self, loaded: Future[Backend], error: ViperError) -> None:
        """End an attempt to load the model, and all that is queued; who asks later begins another."""
        with self._changed:
            if loaded.done():
                return
            self._opened.clear()
            jobs = self._queue.drain()
            self._inputs.dropped(jobs)
            self._changed.notify_all()  # replicas that are loaded end
            loaded.set_exception(error)
        for job in jobs:
            self.finish(job, error=error)

    def _take(self, backend: Backend, loaded: Future[Backend]) -> list[Job] | None:
        """Wait for work; return queued jobs of one operation, None when there will be no more."""
        with self._changed:
            while not self._closed and not _has_failed(loaded):
                batch = self._queue.take(partial(self._limit, backend), parts=self._idle + 1)
                if batch:
                    self._inputs.taken(batch)
                    return batch
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return None

    def _make_ready(self, job: Job) -> None:
        """Have a job's input made, unless an idle thread is about to take it."""
        if self._opened and not self._idle:
            self._inputs.begin_ahead(self._opened[0], job)

    def _limit(self, backend: Backend, operation: Operation) -> int:
        return min(
            self._max_batch,
            (operation.function is None and backend.largest_batch(operation.method))
            or self._max_batch,
            self._limits.get(operation, self._max_batch),
        )

    def with_input(self, backend: Backend, batch: list[Job]) -> list[Job]:
        """Wait for the inputs of a batch; a request that has none fails here, alone."""
        with self._changed:
            self._inputs.begin(backend, batch)
        ready: list[Job] = []
        for job in batch:
            error = self._inputs.wait(backend, job)
            if error is None:
                ready.append(job)
            else:
                self.finish(job, error=told(error, f"The {self.ref.role} {self.name!r}"))
        return ready

    def counted(self, batch: list[Job], busy_s: float) -> None:
        """Enter a forward that ended."""
        with self._changed:
            guesses = sum(not job.asked for job in batch)
            self.load.forwards += 1
            self.load.requests += len(batch)
            self.load.guesses += guesses
            self.load.busy_s += busy_s
            self._worth[batch[0].operation].forward(len(batch), len(batch) - guesses, busy_s)

    def bills(self, operation: Operation) -> bool:
        """Tell whether an operation goes to a language model, as far as that is known."""
        return operation.role in _BILLED or operation in self._billed

    def paid(self, job: Job, usage: Usage) -> None:
        """Enter what a request has cost: for the model's engine, and for the one that borrows it."""
        self._billed.add(job.operation)
        self._budget.add(usage)
        if job.budget is not None and job.budget is not self._budget:
            job.budget.add(usage)

    def _affordable(self, batch: list[Job]) -> list[Job]:
        """Return the requests of a batch that their budgets allow; the others fail."""
        if not self.bills(batch[0].operation):
            return batch
        allowed: list[Job] = []
        for job in batch:
            try:
                (job.budget or self._budget).check()
            except BudgetError as error:
                self.finish(job, error=error)
            else:
                allowed.append(job)
        return allowed

    def without_guesses(self, batch: list[Job]) -> list[Job]:
        """Give up the guesses in a batch, so that nobody can join them any more; return the others."""
        with self._changed:
            asked = [job for job in batch if job.asked]
            for job in batch:
                if not job.asked:
                    self._queue.finish(job)
                    job.future.cancel()
        return asked

    def too_large(self, operation: Operation, requests: int) -> None:
        """Make batches half as large from now on."""
        self._limits[operation] = max(1, requests // 2)
        _log.info(
            "%s has too little memory for %d requests of %s at once; from now on %d go together.",
            self.name,
            requests,
            operation.method,
            self._limits[operation],
        )

    def finish(
        self, job: Job, served: Served | None = None, *, error: ViperError | None = None
    ) -> None:
        """Give a job its result, which is remembered, or the error in its place."""
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


def _has_failed(loaded: Future[Backend]) -> bool:
    return loaded.done() and loaded.exception() is not None
