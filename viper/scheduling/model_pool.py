"""The loaded models of one engine, the results that they remember, and the way to them.

    Run ── requests ──→ Scheduler ── key ──→ ModelWorker ── cache? in flight? ──→ queue ──→ forward

One worker per role. Programs of all answers share workers and cache.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from viper.errors import ConfigError, UnservedError
from viper.llm.budget import Budget
from viper.models.capabilities import Capabilities
from viper.models.registry import BackendRef, backends_for, identity, open_backend
from viper.models.roles import Backend, Detector, Role
from viper.scheduling.futures import results_of
from viper.scheduling.operation import MAX_BATCH, Key, Operation, request_key
from viper.scheduling.result_cache import ResultCache
from viper.scheduling.worker import Load, ModelWorker, Submitted

__all__ = ["ModelPool"]


class ModelPool:
    """The loaded models of one engine.

    Args:
        backends: What serves which role; roles that are missing are not served.
        opener: Loads a backend; tests pass fakes.
        on_loading: Called with a reference, and True before or False after its model is loaded.
        ledger: Adds up what answerer and language model use, and holds the budget for them.
        lender: A scheduler whose models, with what they remember, serve the roles for which both name
            the same backend.
        cache: Remembers results; None to remember nothing beyond an answer.
        max_batch: Most requests per forward.

    Raises:
        ConfigError: A backend's list of devices has an empty place.
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
                replicas=replicas(ref),
                max_batch=max_batch,
            )
            for role, ref in backends.items()
        }
        self._on_loading = on_loading
        self._owners = itertools.count(1)

    async def backend(self, role: Role) -> Backend:
        """Return the loaded backend of a role, loading it if it is not.

        Raises:
            UnservedError: Nobody serves the role.
            ViperError: The model could not be loaded.
        """
        worker = self._worker(role)
        loaded = worker.start()
        if loaded.done():
            return loaded.result()
        if self._on_loading is None:
            return (await results_of([loaded]))[0]
        self._on_loading(worker.ref, True)
        try:
            return (await results_of([loaded]))[0]
        finally:
            self._on_loading(worker.ref, False)

    async def preload(self) -> None:
        """Load all models, at once.

        Raises:
            ViperError: One of them could not be loaded.
        """
        await asyncio.gather(*(self.backend(role) for role in self._workers))

    def fingerprints(self) -> dict[Role, str]:
        """Return the fingerprints of the models that are loaded."""
        known: dict[Role, str] = {}
        for role, worker in self._workers.items():
            if worker.loaded.done() and worker.loaded.exception() is None:
                known[role] = worker.loaded.result().fingerprint
        return known

    async def capabilities(self) -> Capabilities:
        """Say what is served; loads the detector, whose vocabulary only it knows."""
        vocabulary = None
        if "detector" in self._workers:
            vocabulary = cast("Detector", await self.backend("detector")).vocabulary
        return Capabilities(frozenset(self._workers), vocabulary)

    def new_owner(self) -> int:
        """Return a number for a program that asks, for `submit` and `withdraw`."""
        return next(self._owners)

    def key(self, operation: Operation, request: Hashable) -> Key:
        """Return what a request to a loaded model is known by."""
        worker = self._worker(operation.role)
        backend = worker.loaded.result()
        return request_key(
            operation, identity(worker.ref, backend), request, by_name=backend.knows_images_by_name
        )

    async def from_disk(self, operation: Operation, keys: Sequence[Key]) -> dict[Key, Any]:
        """Return what is remembered on disk alone, for `submit`; the event loop goes on meanwhile."""
        reading = self._worker(operation.role).from_disk(keys)
        return {} if reading is None else (await results_of([reading]))[0]

    def submit(
        self,
        operation: Operation,
        requests: Sequence[tuple[Key, Hashable]],
        *,
        owner: int,
        guesses: Sequence[tuple[Key, Hashable]] = (),
        from_disk: Mapping[Key, Any] | None = None,
    ) -> Submitted:
        """Queue requests, to be run in as few forwards as possible.

        Args:
            operation: What is asked.
            requests: Keys and requests, none twice.
            owner: The program that asks.
            guesses: What may be asked for soon.
            from_disk: Results that the method of this name has found.

        Raises:
            BudgetError: They go to a language model, and the budget is spent.
        """
        worker = self._worker(operation.role)
        if worker.bills(operation):
            self._budget.check()
        return worker.submit(
            operation,
            requests,
            owner=owner,
            guesses=guesses,
            budget=self._budget,
            from_disk=from_disk or {},
        )

    def learn(self, operation: Operation, guessed: int, used: int) -> None:
        """Note how many guesses a program that is over has used."""
        self._worker(operation.role).learn(operation, guessed, used)

    def withdraw(self, owner: int) -> None:
        """Drop what a program that is over has asked for, as far as nobody else wants it."""
        for worker in self._workers.values():
            worker.withdraw(owner)

    def load(self) -> dict[Role, Load]:
        """Return what each model has done so far, for whoever asked."""
        return {role: replace(worker.load) for role, worker in self._workers.items()}

    def forget(self) -> None:
        """Forget the results in memory; those on disk stay."""
        if self._cache is not None:
            self._cache.clear()

    @property
    def pending(self) -> int:
        """Requests that are queued or in a forward."""
        return sum(worker.pending for worker in self._workers.values())

    def close(self, timeout_s: float | None = None) -> bool:
        """Stop all model threads of its own; False when one was still busy after `timeout_s` seconds."""
        own = [worker for role, worker in self._workers.items() if role not in self._borrowed]
        ended = [worker.close(timeout_s) for worker in own]
        if self._cache is not None:
            self._cache.close()
        return all(ended)

    def _worker(self, role: Role) -> ModelWorker:
        worker = self._workers.get(role)
        if worker is None:
            known = ", ".join(f"--backend {role}={name}:…" for name in sorted(backends_for(role)))
            raise UnservedError(
                f"No backend serves the role '{role}'. Add one, for example {known}."
            )
        return worker


def replicas(ref: BackendRef) -> list[BackendRef]:
    """Return one reference per device that a reference names, as in `device=cuda:0,cuda:1`.

    Raises:
        ConfigError: The list has an empty place.
    """
    devices = dict(ref.options).get("device", "").split(",")
    if len(devices) == 1:
        return [ref]
    if not all(device.strip() for device in devices):
        raise ConfigError(
            f"device={','.join(devices)} of {ref} names no device in one place. Write several as in "
            "device=cuda:0,cuda:1."
        )
    others = tuple(option for option in ref.options if option[0] != "device")
    return [replace(ref, options=(*others, ("device", device.strip()))) for device in devices]
