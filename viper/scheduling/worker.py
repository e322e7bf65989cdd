"""One loaded model (or several replicas of it), its queue and its threads.

Each thread loads its replica when the model is first needed; if loading fails, the next request tries again.
Then the thread takes a batch of one operation from the queue and runs it in one forward. While it is busy,
requests gather: batches form without waiting for a timer, and other threads preprocess what is queued.

A forward that lasts longer than a call may has lost its callers. Its replica is *stuck*: the requests in it
fail, no others go to it, and when no replica is left, requests fail at once. Later another replica is loaded
in its place (`_replace`). A replica that comes back takes work again, and its late results are cached.

This is the one place that limits the size of a batch (`_largest_batch`).
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from viper.errors import ModelError, ViperError
from viper.llm.budget import Budget
from viper.models.registry import BackendRef
from viper.models.roles import Backend, with_defaults
from viper.scheduling import MAX_BATCH
from viper.scheduling.batch_execution import as_viper_error, run_forward
from viper.scheduling.billing import Billing
from viper.scheduling.job import Job
from viper.scheduling.metrics import Load
from viper.scheduling.operation import (
    OPERATIONS,
    Key,
    Operation,
    Served,
)
from viper.scheduling.prefetch_policy import PrefetchPolicy
from viper.scheduling.preprocessing import PreprocessingQueue
from viper.scheduling.replica import ModelHealth, Replica, one_per_device, resident_bytes
from viper.scheduling.replica_set import ReplicaSet
from viper.scheduling.request_queue import RequestQueue
from viper.scheduling.result_cache import ResultCache
from viper.scheduling.watchdog import Watchdog

__all__ = ["ModelWorker", "Submitted"]

_log = logging.getLogger(__name__)

MODEL_CALL_S = 60.0
"""Longest forward in seconds unless an engine says otherwise; see `EngineOptions.model_call_s`."""
# A stuck replica is replaced after this many times the longest forward: a slow first forward may end by then,
# and a second copy that loads meanwhile would slow it down further.
_REPLACE_AFTER = 2
# A replica waits this many times the longest forward for an input; by then it is given up, and comes back.
_INPUT_FACTOR = 1.5
# Longest wait for the threads of a failed attempt to load, whose models are freed with them.
_FREE_S = 60.0
# Longest wait at the end for the thread of a stuck replica, which may never come back.
_STUCK_CLOSE_S = 1.0


class Submitted(NamedTuple):
    """Futures of requests that were submitted together."""

    futures: dict[Key, Future[Served]]
    """One per request, in order. Do not cancel them: other programs may wait for the same."""
    fresh: set[Key]
    """Requests whose result was not cached."""
    prefetches: dict[Key, Future[Served]]
    """New prefetches, which are computed if there is room."""


class ModelWorker:
    """Serves one backend, from one thread per replica.

    Args:
        ref: The backend; its option `device` may name one device per replica.
        open_backend: Loads it; called once per replica, on the replica's thread.
        budget: Records what was billed, once, however many programs wait for it.
        cache: Caches results of deterministic backends; None for no cache.
        max_batch: Most requests per forward.
        model_call_s: Longest forward in seconds; a replica in a longer one is stuck.
    """

    def __init__(
        self,
        ref: BackendRef,
        open_backend: Callable[[BackendRef], Backend],
        budget: Budget | None = None,
        *,
        cache: ResultCache | None = None,
        max_batch: int = MAX_BATCH,
        model_call_s: float = MODEL_CALL_S,
    ) -> None:
        self.ref = ref
        self.name = str(ref)
        self._refs = one_per_device(ref)
        self._model_call_s = model_call_s
        self._watchdog = Watchdog(f"viper-{ref.role}-watchdog")
        self._open = open_backend
        self._cache = cache
        self._max_batch = max_batch
        self.billing = Billing(budget or Budget())
        """What requests of this model cost."""
        self._limits: dict[Operation, int] = {}  # largest batches, after memory ran out
        self._policies: defaultdict[Operation, PrefetchPolicy] = defaultdict(PrefetchPolicy)
        self._queue = RequestQueue()
        self._changed = threading.Condition()
        self._closed = False
        self._idle = 0
        # Both become True once a suitable backend is loaded: one that gives equal results for equal requests,
        # and one that may also compute what no program has requested yet.
        self._caches_results = False
        self._begun: Future[Backend] | None = None
        self._may_prefetch = False
        self._replicas = ReplicaSet(ref, model_call_s)  # those that are loaded
        self._threads: list[threading.Thread] = []
        self._preprocessing = PreprocessingQueue(
            f"viper-{ref.role}-input", most_ahead=2 * max_batch
        )
        self.load = Load()
        self.loaded: Future[Backend] = Future()
        """Done when all replicas are loaded, or when loading one of them failed; then `start` makes a new
        one."""

    def start(self) -> Future[Backend]:
        """Begin to load the model, unless it is loading or loaded; return `loaded`."""
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
                    for ref in self._refs
                ]
                for thread in self._threads:
                    thread.start()
        return self.loaded

    def begin(self) -> None:
        """Begin to load the model before anybody has asked for it; `wanted` reports how that ended."""
        with self._changed:
            if not self._threads:
                self._begun = self.start()

    def wanted(self) -> Future[Backend]:
        """Return `start`, but of a load that `begin` began also its failure, which nobody has seen yet."""
        with self._changed:
            begun, self._begun = self._begun, None
            return begun if begun is not None and begun is self.loaded else self.start()

    @property
    def pending(self) -> int:
        """Requests that are queued or in a forward."""
        with self._changed:
            return len(self._queue)

    def health(self) -> ModelHealth:
        """Return whether the replicas come back from their forwards."""
        with self._changed:
            return self._replicas.health()

    def from_disk(self, operation: Operation, keys: Sequence[Key]) -> Future[dict[Key, Any]] | None:
        """Begin to read results that are only on disk, for `submit`; None if there cannot be any."""
        with self._changed:
            if self._cache is None or not self._caches_results:
                return None
            if not self._cache.is_stored(operation):
                return None
            keys = [key for key in keys if self._queue.find(key) is None]
        return self._cache.from_disk(keys)

    def cache_result(self, key: Key, value: Any) -> None:
        """Cache a result that was found under another key."""
        if self._cache is not None:
            self._cache.put(key, value)

    def submit(
        self,
        operation: Operation,
        requests: Mapping[Key, Hashable],
        *,
        owner: int = 0,
        client: str | None = None,
        prefetches: Mapping[Key, Hashable] = MappingProxyType({}),
        budget: Budget | None = None,
        from_disk: Mapping[Key, Any] = MappingProxyType({}),
    ) -> Submitted:
        """Queue requests together; equal ones, cached or pending, share one result.

        Args:
            operation: The operation of all requests.
            requests: The requests by key.
            owner: Number of the program, for `withdraw` and for taking turns.
            client: Whom it works for, in a server; None for a program that takes turns of its own.
            prefetches: Probable next requests; computed if a forward has room and they are not billed.
            budget: Budget of the program's engine, if the model belongs to another engine.
            from_disk: Results that `ModelPool.from_disk` has found.

        Raises:
            ModelError: The worker is closed, or a request would have to wait for a stuck model.
        """
        out = Submitted({}, set(), {})
        with self._changed:
            if self._closed:
                raise ModelError(f"The {self.ref.role} was closed while a program still used it.")
            self.start()  # under the lock, because a failed attempt fails all queued requests
            cache = self._cache if self._caches_results else None
            for key, request in requests.items():
                # Looked up under the lock: a result is cached before its job is removed.
                pending = self._queue.find(key) is not None
                value = None if pending or cache is None else cache.in_memory(key)
                if value is None and not pending:
                    value = from_disk.get(key)
                if value is None:
                    if self._replicas.all_stuck:
                        raise self._replicas.stuck_error()
                    job = self._queue.demand(key, operation, request, owner, client)
                    job.budget = job.budget or budget
                    self._preprocess_ahead(job)
                    out.futures[key] = job.future
                    out.fresh.add(key)
                else:
                    out.futures[key] = Future()
                    out.futures[key].set_result(Served(value))
            wanted = (
                self._may_prefetch
                and self._policies[operation].pays
                and not self.billing.reports_usage(operation)
            )
            for key, request in prefetches.items() if wanted else ():
                if key in from_disk or (cache is not None and cache.in_memory(key) is not None):
                    continue
                if (
                    added := self._queue.prefetch(key, operation, request, owner, client)
                ) is not None:
                    added.budget = budget
                    self._preprocess_ahead(added)
                    out.prefetches[key] = added.future
            if out.fresh:
                # A thread that is woken for nothing would cost more than the lookup.
                self._changed.notify_all()
        return out

    def record_prefetches(self, operation: Operation, issued: int, used: int) -> None:
        """Record how many prefetches a program that has ended used."""
        with self._changed:
            self._policies[operation].record_prefetches(issued, used)

    def withdraw(self, owner: int) -> None:
        """Drop queued requests of a program that no other program wants."""
        with self._changed:
            self._preprocessing.cancel(self._queue.withdraw(owner))

    def close(self, timeout_s: float | None = None) -> bool:
        """Stop the threads; what is queued fails.

        Returns:
            False when a thread was still inside the model after `timeout_s` seconds.
        """
        with self._changed:
            self._closed = True
            for job in self._queue.drain():
                job.future.set_exception(ModelError(f"The {self.ref.role} was closed."))
            self._preprocessing.close()
            self._changed.notify_all()
            if self._replicas.any_stuck:
                timeout_s = min(_STUCK_CLOSE_S, _STUCK_CLOSE_S if timeout_s is None else timeout_s)
        self._watchdog.close()
        ends = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(None if ends is None else max(0.0, ends - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(
        self, ref: BackendRef, loaded: Future[Backend], before: Sequence[threading.Thread]
    ) -> None:
        for thread in before:  # of an attempt that failed: wait until its models are freed
            thread.join(_FREE_S)
        size_before = resident_bytes()
        try:
            backend, remembers = self._load(ref)
        except BaseException as error:  # a third-party library: report, keep serving
            _log.debug("Loading %s failed", ref, exc_info=True)
            self._fail(loaded, as_viper_error(error, f"Loading the {ref.role} {str(ref)!r}"))
            return
        replica = Replica(ref, backend)
        with self._changed:
            if _has_failed(loaded):
                return  # another replica could not be loaded
            self._replicas.add(replica, resident_bytes() - size_before)
            if len(self._replicas) == len(self._refs):
                self._caches_results = remembers
                # Without a cache, a prefetched result would be lost before it is used.
                self._may_prefetch = remembers and not ref.is_remote and self._cache is not None
                loaded.set_result(next(iter(self._replicas)).backend)
        self._serve(replica, loaded)

    def _load(self, ref: BackendRef) -> tuple[Backend, bool]:
        """Load one replica; return it, and whether equal requests give equal results."""
        backend: Backend = with_defaults(self._open(ref), ref.role)
        remembers = backend.deterministic
        return backend, not ref.is_remote if remembers is None else remembers

    def _serve(self, replica: Replica, loaded: Future[Backend]) -> None:
        """Run batches until the worker is closed; nothing that a backend raises ends the thread."""
        while True:
            batch: list[Job] = []
            try:
                next_batch = self._take(replica, loaded)
                if next_batch is None:
                    return
                batch = next_batch
                self._begin_forward(replica, batch)
                if ready := self._with_inputs(
                    replica.backend, self._affordable(batch, replica.backend)
                ):
                    run_forward(replica.backend, ready, self)
                    del ready
            except BaseException as error:  # a third-party library, in one of its small methods
                _log.debug("%s failed outside a forward", self.name, exc_info=True)
                with self._changed:
                    jobs = batch or self._drain()
                for job in jobs:
                    self.finish(job, as_viper_error(error, f"The {self.ref.role} {self.name!r}"))
            finally:
                self._end_forward(replica)
            del batch  # requests hold pixels: do not keep them while waiting

    def _fail(self, loaded: Future[Backend], error: ViperError) -> None:
        """End an attempt to load the model, and fail all that is queued; a later request retries."""
        with self._changed:
            if loaded.done():
                return
            self._replicas.clear()
            jobs = self._drain()
            self._changed.notify_all()  # so that replicas that are loaded end
            loaded.set_exception(error)
        for job in jobs:
            self.finish(job, error)

    def _take(self, replica: Replica, loaded: Future[Backend]) -> list[Job] | None:
        """Wait for a batch of one operation; return None when there will be no more."""
        with self._changed:
            while not self._closed and not _has_failed(loaded):
                batch = self._queue.take(
                    partial(self._largest_batch, replica.backend), parts=self._idle + 1
                )
                if batch:
                    self._preprocessing.release(batch)
                    return batch
                self._idle += 1
                try:
                    self._changed.wait()
                finally:
                    self._idle -= 1
            return None

    def _drain(self) -> list[Job]:
        """Remove and return all queued jobs; the caller holds the lock."""
        jobs = self._queue.drain()
        self._preprocessing.cancel(jobs)
        return jobs

    def _begin_forward(self, replica: Replica, batch: list[Job]) -> None:
        """Start the clock of a replica."""
        with self._changed:
            replica.batch, replica.began_s = batch, time.monotonic()
        self._watchdog.watch(replica, self._model_call_s, partial(self._give_up, replica, batch))

    def _end_forward(self, replica: Replica) -> None:
        """Stop the clock of a replica; one that was stuck takes work again."""
        self._watchdog.forget(replica)
        with self._changed:
            if replica.is_stuck:
                _log.warning("%s came back after %.0f s.", self.name, replica.stuck_s)
            replica.batch, replica.is_stuck = [], False

    def _give_up(self, replica: Replica, batch: list[Job]) -> None:
        """Give a replica up that has been in one forward for longer than a call may last."""
        with self._changed:
            is_new = time.monotonic() - replica.began_s < 0.9 * self._model_call_s
            if replica.batch is not batch or is_new or self._closed:
                return  # it came back just now
            replica.is_stuck = True
            error = self._replicas.stuck_error()
            jobs = list(batch)
            for job in batch:
                self._queue.finish(job)  # so that no new request joins it
            # It may be a thread that preprocesses, or all of them, that does not come back.
            self._preprocessing.renew(self._queue.queued())
            if self._replicas.all_stuck:
                jobs += self._drain()
            still_s = (_REPLACE_AFTER - 1) * self._model_call_s
            self._watchdog.watch(replica, still_s, partial(self._replace, replica, batch))
        _log.error("%s", error)
        for job in jobs:
            self._set(job, error, demanded=job.demanded)

    def _replace(self, replica: Replica, batch: list[Job]) -> None:
        """Load another replica in place of one that is still stuck, if there is room for it."""
        with self._changed:
            if replica.batch is not batch or self._closed:
                return
            reason = self._replicas.replace(replica.ref)
            if not reason:
                self._threads.append(
                    threading.Thread(
                        target=self._run_replacement,
                        args=(replica.ref,),
                        name=f"viper-{self.ref.role}",
                        daemon=True,
                    )
                )
                self._threads[-1].start()
        if reason:
            _log.error("%s is still stuck, and not replaced: %s.", self.name, reason)
        else:
            _log.warning("%s is still stuck; another replica is loaded.", self.name)

    def _run_replacement(self, ref: BackendRef) -> None:
        try:
            backend, _ = self._load(ref)
        except BaseException as error:  # a third-party library; the model stays as it is
            cause = as_viper_error(error, f"Loading {self.name} again")
            _log.error("%s", cause)
            return
        replica = Replica(ref, backend)
        with self._changed:
            self._replicas.add(replica)
        self._serve(replica, self.loaded)

    def _preprocess_ahead(self, job: Job) -> None:
        """Begin to preprocess a job, unless an idle thread is about to take it."""
        if self._idle:
            return
        if (backend := self._replicas.working) is not None:
            self._preprocessing.begin_ahead(backend, job)

    def _largest_batch(self, backend: Backend, operation: Operation) -> int:
        """Return the smallest of the limits per forward: the engine's, the backend's, that of its memory."""
        # A module's function may call any method of the role with its batch.
        methods = (
            [operation.method]
            if operation.function is None
            else [one.method for one in OPERATIONS if one.role == operation.role]
        )
        limits = [backend.largest_batch(method) for method in methods]
        limits += [self._limits.get(operation), self._max_batch]
        return min(limit for limit in limits if limit)

    def _with_inputs(self, backend: Backend, batch: list[Job]) -> list[Job]:
        """Wait for the inputs of a batch; a request that cannot be preprocessed fails here, alone."""
        operation = batch[0].operation if batch else None
        if operation is None or operation.function or not backend.stages(operation.method):
            return batch
        with self._changed:
            self._preprocessing.begin(backend, batch)
        ready: list[Job] = []
        for job in batch:
            error = self._preprocessing.wait(backend, job, _INPUT_FACTOR * self._model_call_s)
            if error is None:
                ready.append(job)
            else:
                self.finish(job, as_viper_error(error, f"The {self.ref.role} {self.name!r}"))
        return ready

    def record_forward(self, batch: list[Job], busy_s: float) -> None:
        """Record a forward that ended."""
        with self._changed:
            prefetched = sum(not job.demanded for job in batch)
            self.load.forwards += 1
            self.load.requests += len(batch)
            self.load.prefetched += prefetched
            self.load.busy_s += busy_s
            self._policies[batch[0].operation].record_forward(
                len(batch), len(batch) - prefetched, busy_s
            )
            # A batch that failed goes on in halves, each a forward with a clock of its own.
            running = [one for one in self._replicas if batch[0] in one.batch and not one.is_stuck]
        for replica in running:
            self._begin_forward(replica, replica.batch)

    def _affordable(self, batch: list[Job], backend: object) -> list[Job]:
        """Return the jobs of a batch that their budgets allow; the others fail."""
        allowed, refused = self.billing.affordable(batch, backend)
        for job, error in refused:
            self.finish(job, error)
        return allowed

    def drop_prefetches(self, batch: list[Job]) -> list[Job]:
        """Drop the prefetches of a batch, so that no new request joins them; return the others."""
        with self._changed:
            demanded = [job for job in batch if job.demanded]
            for job in batch:
                if not job.demanded:
                    self._queue.finish(job)
                    job.future.cancel()
        return demanded

    def shrink_batches(self, operation: Operation, requests: int) -> None:
        """Make batches at most half as large from now on."""
        half = max(1, requests // 2)
        self._limits[operation] = min(half, self._limits.get(operation, half))
        _log.info(
            "%s has too little memory for %d requests of %s at once; from now on batches have %d.",
            self.name,
            requests,
            operation.method,
            self._limits[operation],
        )

    def finish(self, job: Job, result: Served | ViperError) -> None:
        """Set the result of a job and cache it, or set its error."""
        with self._changed:
            demanded = job.demanded
            if isinstance(result, Served) and self._cache is not None and self._caches_results:
                stored = self._cache.is_stored(job.operation)
                self._cache.put(job.key, result.value, to_disk=stored)
            self._queue.finish(job)
            job.prepared = None
        self._set(job, result, demanded=demanded)

    @staticmethod
    def _set(job: Job, result: Served | ViperError, *, demanded: bool) -> None:
        """Set the result or the error of a job, unless its replica was given up before."""
        with contextlib.suppress(InvalidStateError):
            if isinstance(result, Served):
                job.future.set_result(result)
            elif demanded:
                job.future.set_exception(result)
            else:
                job.future.cancel()


def _has_failed(loaded: Future[Backend]) -> bool:
    return loaded.done() and loaded.exception() is not None
