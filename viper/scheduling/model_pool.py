"""The loaded models of one engine and their cached results.

    VisionClient ── requests ──→ ModelPool ── keys ──→ ModelWorker ── cached? pending? ──→ queue ──→ forward

One worker per role. Programs of all answers share workers and cache.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

from viper.errors import UnservedError
from viper.llm.budget import Budget
from viper.models.capabilities import Capabilities
from viper.models.registry import BackendRef, backends_for, identity, open_backend
from viper.models.roles import Backend, Detector, Role
from viper.scheduling import MAX_BATCH
from viper.scheduling.futures import results_of
from viper.scheduling.metrics import Load
from viper.scheduling.operation import Key, Operation, prompt_tokens, request_key
from viper.scheduling.replica import ModelHealth
from viper.scheduling.result_cache import ResultCache
from viper.scheduling.worker import MODEL_CALL_S, ModelWorker, Submitted

__all__ = ["ModelPool"]


# Two libraries that load the same folder. Keys of version 0.1 contain only a fingerprint, so a cached result
# may be the other library's. For all other backends, results that 0.1 cached are still read.
_SHARED_FOLDERS = {("matcher", "transformers"), ("matcher", "open_clip")}
# Longest wait for results on disk, which another process may hold, or a network; then they are computed.
_DISK_S = 10.0


class ModelPool:
    """The loaded models of one engine.

    Args:
        backends: The backend of each role; other roles are not served.
        opener: Loads a backend; tests pass fakes.
        on_loading: Called with a reference, and True before or False after its model is loaded.
        budget: Adds up and limits the usage of answerer and language model.
        lender: Another pool, whose models and caches serve the roles for which both name the same
            backend.
        cache: Caches results between answers; None for no cache.
        max_batch: Most requests per forward.
        model_call_s: Longest forward in seconds, after which a model counts as stuck.

    Raises:
        ConfigError: A list of devices has an empty item.
    """

    def __init__(
        self,
        backends: Mapping[Role, BackendRef],
        *,
        opener: Callable[[BackendRef], Backend] = open_backend,
        on_loading: Callable[[BackendRef, bool], None] | None = None,
        budget: Budget | None = None,
        lender: ModelPool | None = None,
        cache: ResultCache | None = None,
        max_batch: int = MAX_BATCH,
        model_call_s: float = MODEL_CALL_S,
    ) -> None:
        self._budget = budget or Budget()
        self._cache = cache
        lent = {} if lender is None else lender._workers
        self._borrowed: dict[Role, ModelWorker] = {
            role: worker
            for role, worker in lent.items()
            if role in backends and worker.ref == backends[role]
        }
        self._workers: dict[Role, ModelWorker] = {
            role: self._borrowed.get(role)
            or ModelWorker(
                ref,
                open_backend if ref.loader is not None else opener,
                self._budget,
                cache=cache,
                max_batch=max_batch,
                model_call_s=model_call_s,
            )
            for role, ref in backends.items()
        }
        self._on_loading = on_loading or (lambda ref, is_loading: None)
        self._owners = itertools.count(1)

    async def backend(self, role: Role) -> Backend:
        """Return the backend of a role; load it first if necessary.

        Raises:
            UnservedError: No backend serves the role.
            ViperError: The model could not be loaded.
        """
        worker = self._worker(role)
        loaded = worker.wanted()
        if loaded.done():
            return loaded.result()
        self._on_loading(worker.ref, True)
        try:
            return (await results_of([loaded]))[0]
        finally:
            self._on_loading(worker.ref, False)

    def begin_loading(self, roles: Iterable[Role]) -> None:
        """Begin to load the models of these roles, each in its thread; roles that nobody serves are skipped.

        A model that cannot be loaded is an error only for whoever needs it.
        """
        for role in roles:
            if role in self._workers:
                self._workers[role].begin()

    async def preload(self) -> None:
        """Load all models concurrently.

        Raises:
            ViperError: One of them could not be loaded.
        """
        await asyncio.gather(*(self.backend(role) for role in self._workers))

    def fingerprints(self) -> dict[Role, str]:
        """Return the fingerprints of the models that are loaded."""
        return {
            role: worker.loaded.result().fingerprint
            for role, worker in self._workers.items()
            if worker.loaded.done() and worker.loaded.exception() is None
        }

    def load_errors(self) -> dict[Role, BaseException]:
        """Return why models could not be loaded when they were last needed, by role."""
        failed: dict[Role, BaseException] = {}
        for role, worker in self._workers.items():
            loaded = worker.loaded
            if loaded.done() and (error := loaded.exception()) is not None:
                failed[role] = error
        return failed

    async def capabilities(self) -> Capabilities:
        """Return the roles served and the detector's vocabulary; loads the detector."""
        vocabulary = None
        if "detector" in self._workers:
            vocabulary = cast("Detector", await self.backend("detector")).vocabulary
        return Capabilities(frozenset(self._workers), vocabulary)

    def new_owner(self) -> int:
        """Return a number for a program, for `submit` and `withdraw`."""
        return next(self._owners)

    def key(self, operation: Operation, request: Hashable) -> Key:
        """Return the key of a request to a loaded model."""
        worker = self._worker(operation.role)
        return _key(operation, identity(worker.ref, worker.loaded.result()), request, worker)

    async def from_disk(
        self, operation: Operation, requests: Mapping[Key, Hashable]
    ) -> dict[Key, Any]:
        """Return the results that are on disk only, for `submit`; does not block the event loop.

        A disk that does not answer has no results.
        """
        try:
            async with asyncio.timeout(_DISK_S):
                return await self._from_disk(operation, requests)
        except TimeoutError:
            return {}

    async def _from_disk(
        self, operation: Operation, requests: Mapping[Key, Hashable]
    ) -> dict[Key, Any]:
        worker = self._worker(operation.role)
        if (reading := worker.from_disk(operation, list(requests))) is None:
            return {}
        (found,) = await results_of([reading])
        if (operation.role, worker.ref.name) not in _SHARED_FOLDERS:
            fingerprint = worker.loaded.result().fingerprint
            former = {
                _key(operation, fingerprint, request, worker): key
                for key, request in requests.items()
                if key not in found
            }
            if (reading := worker.from_disk(operation, list(former))) is not None:
                for key, value in (await results_of([reading]))[0].items():
                    found[former[key]] = value
                    worker.cache_result(former[key], value)
        return found

    def submit(
        self,
        operation: Operation,
        requests: Mapping[Key, Hashable],
        *,
        owner: int,
        client: Hashable = None,
        prefetches: Mapping[Key, Hashable] = MappingProxyType({}),
        from_disk: Mapping[Key, Any] = MappingProxyType({}),
    ) -> Submitted:
        """Queue requests, to be run in as few forwards as possible.

        Args:
            operation: The operation of all requests.
            requests: The requests by key.
            owner: Number of the program.
            client: Whom it works for, in a server; None for a program that takes turns of its own.
            prefetches: Requests that the program may make soon, by key.
            from_disk: What the method `from_disk` returned for them.

        Raises:
            BudgetError: They go to a language model, and the budget is spent, or less is left than their
                prompts take.
        """
        worker = self._worker(operation.role)
        if worker.billing.is_billed(operation):
            self._budget.check(sum(map(prompt_tokens, requests.values())))
        return worker.submit(
            operation,
            requests,
            owner=owner,
            client=None if client is None else str(client),
            prefetches=prefetches,
            budget=self._budget,
            from_disk=from_disk,
        )

    def record_prefetches(self, operation: Operation, issued: int, used: int) -> None:
        """Record how many prefetches a program that has ended used."""
        self._worker(operation.role).record_prefetches(operation, issued, used)

    def withdraw(self, owner: int) -> None:
        """Drop queued requests of a program that has ended, unless another program wants them."""
        for worker in self._workers.values():
            worker.withdraw(owner)

    def load(self) -> dict[Role, Load]:
        """Return the work of each model so far, for all engines that share it."""
        return {role: replace(worker.load) for role, worker in self._workers.items()}

    def health(self) -> list[ModelHealth]:
        """Return for each model whether its threads come back from their forwards."""
        return [worker.health() for worker in self._workers.values()]

    def forget(self) -> None:
        """Clear the results in memory; those on disk stay."""
        if self._cache is not None:
            self._cache.clear()

    @property
    def pending(self) -> int:
        """Requests that are queued or in a forward."""
        return sum(worker.pending for worker in self._workers.values())

    def close(self, timeout_s: float | None = None) -> bool:
        """Stop all model threads but borrowed ones; return False if one is still busy after `timeout_s`."""
        own = [worker for role, worker in self._workers.items() if role not in self._borrowed]
        ended = [worker.close(timeout_s) for worker in own]
        if self._cache is not None:
            self._cache.close()
        return all(ended)

    def _worker(self, role: Role) -> ModelWorker:
        worker = self._workers.get(role)
        if worker is None:
            examples = ", ".join(
                f"--backend {role}={name}:…" for name in sorted(backends_for(role))
            )
            raise UnservedError(
                f"No backend serves the role '{role}'. Add one, for example {examples}."
            )
        return worker


def _key(operation: Operation, model: str, request: Hashable, worker: ModelWorker) -> Key:
    by_name = worker.loaded.result().knows_images_by_name
    return request_key(operation, model, request, by_name=by_name)
