"""Takes requests of every session to the models, and remembers what a run already knows.

The typed front of the vision side: methods ask a `Run` for embeddings, detections, maps and answers;
the run answers from its own table or hands the request to the role's worker, where equal requests of
all sessions share one forward.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from viper.errors import TimeoutExceededError, UnservedError
from viper.ledger import Ledger
from viper.program import Usage
from viper.vision.capabilities import Capabilities
from viper.vision.registry import BackendRef, backends_for, open_backend
from viper.vision.roles import (
    AnswerRequest,
    Backend,
    Completion,
    CompletionRequest,
    Detection,
    Detector,
    DetectRequest,
    Doubts,
    ImageRef,
    Matcher,
    MeasuresDepth,
    Role,
    View,
    median_depth,
)
from viper.vision.worker import (
    ANSWER,
    COMPLETE,
    DETECT,
    EMBED_IMAGES,
    EMBED_TEXTS,
    ESTIMATE,
    MEASURE,
    ModelWorker,
    Operation,
    Served,
)

__all__ = ["CallCost", "Run", "Scheduler"]

_BILLED = (ANSWER, COMPLETE)

Vector = NDArray[np.float32]
T = TypeVar("T")


class Scheduler:
    """The loaded models of one engine.

    Args:
        backends: What serves which role; roles that are missing are not served.
        opener: Loads a backend; tests pass fakes.
        on_loading: Called with a reference, and True before or False after its model is loaded.
        ledger: Adds up what answerer and language model use, and holds the budget for them.
        lender: A scheduler whose models serve the roles for which both name the same backend.
    """

    def __init__(
        self,
        backends: Mapping[Role, BackendRef],
        *,
        opener: Callable[[BackendRef], Backend] = open_backend,
        on_loading: Callable[[BackendRef, bool], None] | None = None,
        ledger: Ledger | None = None,
        lender: Scheduler | None = None,
    ) -> None:
        self._ledger = ledger or Ledger()
        lent = {} if lender is None else lender._workers
        self._borrowed: dict[Role, ModelWorker] = {
            role: worker
            for role, worker in lent.items()
            if role in backends and worker.ref == backends[role]
        }
        self._workers: dict[Role, ModelWorker] = {
            role: self._borrowed.get(role) or ModelWorker(ref, opener, self._ledger)
            for role, ref in backends.items()
        }
        self._on_loading = on_loading

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
            return (await _results([loaded]))[0]
        self._on_loading(worker.ref, True)
        try:
            return (await _results([loaded]))[0]
        finally:
            self._on_loading(worker.ref, False)

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

    def submit(self, operation: Operation, requests: Sequence[Hashable]) -> list[Future[Served]]:
        """Queue requests, to be run in as few forwards as possible.

        Returns:
            One future per request, in order. Do not cancel them: others may wait for the same.

        Raises:
            BudgetError: They go to a language model, and the budget is spent.
        """
        if operation in _BILLED:
            self._ledger.check()
        return self._worker(operation.role).submit(operation, requests)

    def close(self, timeout_s: float | None = None) -> bool:
        """Stop all model threads of its own; False when one was still busy after `timeout_s` seconds."""
        own = [worker for role, worker in self._workers.items() if role not in self._borrowed]
        ended = [worker.close(timeout_s) for worker in own]
        return all(ended)

    def _worker(self, role: Role) -> ModelWorker:
        worker = self._workers.get(role)
        if worker is None:
            known = ", ".join(f"--backend {role}={name}:…" for name in sorted(backends_for(role)))
            raise UnservedError(
                f"No backend serves the role '{role}'. Add one, for example {known}."
            )
        return worker


async def _results(futures: Sequence[Future[T]]) -> list[T]:
    """Wait for futures of another thread with one wake-up; their results, or the first error.

    Cancelling the waiting leaves the futures alone: they may be shared with other sessions.
    """
    if all(future.done() for future in futures):
        return [future.result() for future in futures]
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    left = itertools.count(len(futures) - 1, -1)

    def wake() -> None:
        if not done.done():
            done.set_result(None)

    def finished(_: Future[T]) -> None:
        if next(left) == 0:
            # A loop that was closed has nobody left who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(wake)

    for future in futures:
        future.add_done_callback(finished)
    await done
    return [future.result() for future in futures]


def _image_of(request: Hashable) -> ImageRef | None:
    """Return the image that a request is about, None for a request about words alone."""
    if isinstance(request, DetectRequest | AnswerRequest):
        return request.view.image
    if isinstance(request, View):
        return request.image
    return request if isinstance(request, ImageRef) else None


@dataclass(slots=True)
class CallCost:
    """What one vision call cost."""

    forward_ids: set[int] = field(default_factory=set)
    batch_size: int = 0
    """Largest batch that one of its requests was part of."""
    model_ms: float = 0.0
    requests: int = 0
    cached: int = 0
    """How many of its requests the run's table already held."""
    usage: Usage = field(default_factory=Usage)
    """Tokens that it was billed."""


class Run:
    """One program's way to the models: the answer's result table, its clock per call, its counters.

    The programs of one answer share a table, so that none asks what another has asked. What the call
    in progress costs is a program's own: `sibling` makes the run of the next program.

    Args:
        scheduler: The engine's models.
        model_call_s: Longest wait for one request, model loading excluded, in seconds.
    """

    def __init__(self, scheduler: Scheduler, *, model_call_s: float) -> None:
        self._scheduler = scheduler
        self._model_call_s = model_call_s
        self._table: dict[tuple[Operation, Hashable], Future[Served]] = {}
        self.forwards: dict[Role, set[int]] = {}
        """Ids of the forwards that the answer took part in, by role."""
        self.doubts: dict[str, None] = {}
        """What backends said against their own results on the picture, each once, in order."""
        self.cost = CallCost()
        """Cost of the call in progress; replaced by `begin_call`."""

    def sibling(self) -> Run:
        """Return the run of another program of the same answer; both may go on at the same time."""
        run = Run(self._scheduler, model_call_s=self._model_call_s)
        run._table = self._table
        run.forwards = self.forwards
        run.doubts = self.doubts
        return run

    def begin_call(self) -> CallCost:
        """Start a new call's account and return it."""
        self.cost = CallCost()
        return self.cost

    async def detector(self) -> Detector:
        """Return the loaded detector."""
        return cast("Detector", await self._scheduler.backend("detector"))

    async def matcher(self) -> Matcher:
        """Return the loaded matcher."""
        return cast("Matcher", await self._scheduler.backend("matcher"))

    async def detect(self, request: DetectRequest) -> list[Detection]:
        """Return the detections in a view, boxes in the crop's pixels."""
        return (await self._serve(DETECT, [request]))[0]  # type: ignore[no-any-return]  # see Operation

    async def embed(
        self, views: Sequence[View], texts: Sequence[str]
    ) -> tuple[list[Vector], list[Vector]]:
        """Return unit vectors of views and texts, shape (D,) each, in order."""
        images = await self._serve(EMBED_IMAGES, views)
        return images, await self._serve(EMBED_TEXTS, texts)

    async def depth(self, view: View) -> float:
        """Return the depth of a view, larger = farther: as measured, or the median of the map."""
        if isinstance(await self._scheduler.backend("depth"), MeasuresDepth):
            return (await self._serve(MEASURE, [view]))[0]  # type: ignore[no-any-return]  # see Operation
        return median_depth((await self._serve(ESTIMATE, [view.image]))[0], view)

    async def answer(self, request: AnswerRequest) -> str:
        """Return what the answerer says about a view."""
        return (await self._serve(ANSWER, [request]))[0].text  # type: ignore[no-any-return]  # see Operation

    async def complete(self, request: CompletionRequest) -> str:
        """Return what the language model says."""
        return (await self._serve(COMPLETE, [request]))[0].text  # type: ignore[no-any-return]  # see Operation

    async def _serve(self, operation: Operation, requests: Sequence[Hashable]) -> list[Any]:
        if not requests:
            return []
        keys = list(dict.fromkeys((operation, request) for request in requests))
        known = all(self._knows(key) for key in keys)
        backend = None if known else await self._scheduler.backend(operation.role)
        missing = [
            key for key in keys if not self._knows(key)
        ]  # a sibling may have asked meanwhile
        futures = self._scheduler.submit(operation, [r for _, r in missing]) if missing else []
        self._table.update(zip(missing, futures, strict=True))
        self.cost.requests += len(requests)
        self.cost.cached += len(requests) - len(missing)
        served = await self._within_clock(operation, _results([self._table[key] for key in keys]))
        results = dict(zip(keys, served, strict=True))
        self._ask_for_doubts(backend, keys)
        forwards = self.forwards.setdefault(operation.role, set())
        for key in missing:  # whoever asks, pays
            result = results[key]
            if isinstance(result.value, Completion):
                self.cost.usage += result.value.usage
            if result.forward_id not in self.cost.forward_ids:
                self.cost.forward_ids.add(result.forward_id)
                self.cost.model_ms += result.model_ms
            forwards.add(result.forward_id)
            self.cost.batch_size = max(self.cost.batch_size, result.batch_size)
        return [results[operation, request].value for request in requests]

    def _ask_for_doubts(self, backend: object, keys: Sequence[tuple[Operation, Hashable]]) -> None:
        if isinstance(backend, Doubts):
            images = {image for _, request in keys if (image := _image_of(request)) is not None}
            said = (backend.doubt(image) for image in images)
            self.doubts.update(dict.fromkeys(doubt for doubt in said if doubt))

    def _knows(self, key: tuple[Operation, Hashable]) -> bool:
        """Tell whether a request was served or is on its way; what failed is asked again."""
        future = self._table.get(key)
        return future is not None and not (future.done() and future.exception() is not None)

    async def _within_clock(
        self, operation: Operation, pending: Awaitable[list[Served]]
    ) -> list[Served]:
        try:
            async with asyncio.timeout(self._model_call_s):
                return await pending
        except TimeoutError as error:
            raise TimeoutExceededError(
                f"A call of the {operation.role} took longer than {self._model_call_s:g} s "
                "(model_call_s)."
            ) from error
