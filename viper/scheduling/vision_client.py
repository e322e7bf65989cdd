"""Model client for one program: typed requests, a timeout per call, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from viper.errors import ModelError, TimeoutExceededError
from viper.images.image import ImageRef, View
from viper.models.roles import (
    AnswerRequest,
    Backend,
    Completion,
    CompletionRequest,
    DepthModel,
    Detection,
    Detector,
    DetectRequest,
    LanguageModel,
    Matcher,
    Role,
    median_depth,
)
from viper.scheduling.futures import results_of
from viper.scheduling.method_request import MethodRequest, ModuleResult
from viper.scheduling.metrics import AnswerMetrics, CallMetrics, was_computed
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.operation import (
    ANSWER,
    COMPLETE,
    DETECT,
    EMBED_IMAGES,
    EMBED_TEXTS,
    ESTIMATE,
    MEASURE,
    Key,
    Operation,
    Served,
)
from viper.scheduling.prefetch import Prefetcher
from viper.scheduling.worker import Submitted
from viper_sandbox.large_work import payer

__all__ = ["Vector", "VisionClient"]

Vector = NDArray[np.float32]


# Keys that are made in one piece, in about a millisecond.
_KEYS_AT_ONCE = 64


class _Submission(NamedTuple):
    """Requests of one operation that were submitted together."""

    operation: Operation
    keys: list[Key]
    """One per request, in order."""
    results: dict[Key, Served]
    """Results by key: those that the answer had, and after the wait all."""
    submitted: Submitted
    """Futures of requests that the answer has no result for yet, and of new prefetches."""
    more: dict[Key, Hashable]
    """Requests to prefetch, by key."""


class VisionClient:
    """Model client for one program.

    The programs of one answer share its metrics and results, so that no request is made twice. The
    prefetcher and the metrics of the call in progress belong to the program.

    Args:
        pool: The engine's models.
        model_call_s: Timeout for one request, model loading excluded, in seconds.
        prefetch: Whether to compute beforehand what will probably be requested next.
        metrics: Metrics of the answer; new ones if None.
    """

    def __init__(
        self,
        pool: ModelPool,
        *,
        model_call_s: float,
        prefetch: bool = True,
        metrics: AnswerMetrics | None = None,
    ) -> None:
        self._pool = pool
        self._model_call_s = model_call_s
        self._prefetch = prefetch
        self._owner = pool.new_owner()
        self._prefetches: dict[Operation, set[Key]] = {}  # of this program
        self._offered: set[tuple[Operation, Hashable]] = set()  # prefetches, each once
        self.metrics = metrics if metrics is not None else AnswerMetrics()
        self.prefetcher = Prefetcher(enabled=prefetch)
        """Predicts the program's next requests."""
        self.call_metrics = CallMetrics()
        """Metrics of the call in progress; replaced by `begin_call`."""

    def sibling(self) -> VisionClient:
        """Return the client of another program of the same answer; both may run at the same time."""
        return VisionClient(
            self._pool,
            model_call_s=self._model_call_s,
            prefetch=self._prefetch,
            metrics=self.metrics,
        )

    def begin_call(self) -> CallMetrics:
        """Begin a call and return its metrics."""
        self.call_metrics = CallMetrics()
        return self.call_metrics

    def close(self) -> None:
        """Withdraw the ended program's requests that are still queued."""
        self._pool.withdraw(self._owner)
        every = self.metrics.computed_prefetches
        for operation, keys in self._prefetches.items():
            computed = keys & every
            used = len(computed & self.metrics.used_prefetches)
            self._pool.record_prefetches(operation, len(computed), used)

    async def detector(self) -> Detector:
        """Return the loaded detector."""
        return cast("Detector", await self._pool.backend("detector"))

    async def matcher(self) -> Matcher:
        """Return the loaded matcher."""
        return cast("Matcher", await self._pool.backend("matcher"))

    async def language(self) -> LanguageModel:
        """Return the loaded language model."""
        return cast("LanguageModel", await self._pool.backend("language"))

    async def detect(
        self, request: DetectRequest, prefetches: Sequence[DetectRequest] = ()
    ) -> tuple[list[Detection], dict[DetectRequest, list[Detection]]]:
        """Return the detections in a view, boxes in the crop's pixels, and those of new prefetches."""
        submission = await self._served(DETECT, request, prefetches)
        found = {
            cast("DetectRequest", submission.more[key]): cast("list[Detection]", f.result().value)
            for key, f in submission.submitted.prefetches.items()
            if was_computed(f)
        }
        return self._values(submission)[0], found

    async def embed(
        self,
        views: Sequence[View],
        texts: Sequence[str],
        *,
        more_views: Sequence[View] = (),
        more_texts: Sequence[str] = (),
    ) -> tuple[list[Vector], list[Vector]]:
        """Return unit vectors of views and texts, shape (D,) each, in order.

        Args:
            views: Views to encode.
            texts: Texts to encode.
            more_views: Views to prefetch.
            more_texts: Texts to prefetch.
        """
        backend = await self._pool.backend("matcher")
        images = await self._submit(EMBED_IMAGES, views, more_views)
        words = await self._submit(EMBED_TEXTS, texts, more_texts)
        await self._wait(images, words)
        self._record_doubts(backend, views)
        return self._values(images), self._values(words)

    def begin_loading(self, roles: Iterable[Role]) -> None:
        """Load the models of these roles at the same time, in their threads; see `ModelPool`."""
        self._pool.begin_loading(roles)

    async def depth(self, view: View, prefetches: Sequence[View] = ()) -> float:
        """Return the depth of a view, larger = farther: as measured, or the median of the map."""
        model = cast("DepthModel", await self._pool.backend("depth"))
        if model.measure is not None:
            return await self._one(MEASURE, view, prefetches)  # type: ignore[no-any-return]  # see Operation
        return median_depth(await self._one(ESTIMATE, view.image), view)

    async def answer(self, request: AnswerRequest, prefetches: Sequence[AnswerRequest] = ()) -> str:
        """Return the answerer's answer to a question about a view."""
        return (await self._one(ANSWER, request, prefetches)).text  # type: ignore[no-any-return]  # see Operation

    async def complete(self, request: CompletionRequest) -> str:
        """Return the completion of the language model."""
        return (await self._one(COMPLETE, request)).text  # type: ignore[no-any-return]  # see Operation

    async def ask_module(
        self,
        operation: Operation,
        request: MethodRequest,
        prefetches: Sequence[MethodRequest] = (),
    ) -> ModuleResult:
        """Return the result of one call of a module's method."""
        return await self._one(operation, request, prefetches)  # type: ignore[no-any-return]  # see Operation

    async def _one(
        self, operation: Operation, request: Hashable, prefetches: Sequence[Hashable] = ()
    ) -> Any:
        """Return the result of one request; see `Operation` for its type."""
        return self._values(await self._served(operation, request, prefetches))[0]

    async def _served(
        self, operation: Operation, request: Hashable, prefetches: Sequence[Hashable]
    ) -> _Submission:
        """Submit one request and wait for its result."""
        backend = await self._pool.backend(operation.role)
        submission = await self._submit(operation, [request], prefetches)
        await self._wait(submission)
        self._record_doubts(backend, [request])
        return submission

    def _record_doubts(self, backend: Backend, requests: Sequence[Hashable]) -> None:
        images = {image for request in requests if (image := _image_of(request)) is not None}
        doubts = (backend.doubt(image) for image in images)
        self.call_metrics.doubts.update(dict.fromkeys(doubt for doubt in doubts if doubt))

    async def _submit(
        self, operation: Operation, requests: Sequence[Hashable], prefetches: Sequence[Hashable]
    ) -> _Submission:
        """Submit requests to a loaded model."""
        pool, metrics = self._pool, self.metrics
        key_of: dict[Hashable, Key] = {}
        for start in range(0, len(requests), _KEYS_AT_ONCE):
            if start:
                await asyncio.sleep(0)  # a key is a digest: many take a while
            for request in requests[start : start + _KEYS_AT_ONCE]:
                if request not in key_of:
                    key_of[request] = pool.key(operation, request)
        keys = [key_of[request] for request in requests]
        by_key = dict(zip(keys, requests, strict=True))
        had = {key: metrics.results[key] for key in by_key if key in metrics.results}
        missing = {key: by_key[key] for key in by_key if key not in had}
        if not missing:
            return _Submission(operation, keys, had, Submitted({}, set(), {}), {})
        new = [request for request in prefetches if (operation, request) not in self._offered]
        self._offered.update((operation, request) for request in new)
        more = {
            key: request
            for request in new
            if (key := pool.key(operation, request)) not in metrics.results and key not in by_key
        }
        submitted = pool.submit(
            operation,
            missing,
            owner=self._owner,
            client=payer(),
            prefetches=more,
            from_disk=await pool.from_disk(operation, {**missing, **more}),
        )
        metrics.prefetches.update(submitted.prefetches)
        self._prefetches.setdefault(operation, set()).update(submitted.prefetches)
        if operation != EMBED_TEXTS:
            self.prefetcher.issued += len(submitted.prefetches)
        return _Submission(operation, keys, had, submitted, more)

    async def _wait(self, *submissions: _Submission) -> None:
        """Wait for results and record their metrics."""
        pending = [future for one in submissions for future in one.submitted.futures.values()]
        try:
            try:
                async with asyncio.timeout(self._model_call_s):
                    await results_of(pending)
            except TimeoutError as error:
                if not all(future.done() and not future.exception() for future in pending):
                    role = submissions[0].operation.role
                    raise TimeoutExceededError(
                        f"A call of the {role} took longer than {self._model_call_s:g} s (model_call_s)."
                    ) from error
                await results_of(pending)  # which came while the loop worked for others
        except ModelError as error:
            if error.usage is not None:
                self.call_metrics.usage += error.usage
            raise
        for one in submissions:
            self._record(one)

    def _record(self, submission: _Submission) -> None:
        metrics, cost, submitted = self.metrics, self.call_metrics, submission.submitted
        # A sibling may have recorded the same meanwhile; a result counts for the first only.
        results = {
            key: f.result() for key, f in submitted.futures.items() if key not in metrics.results
        }
        submission.results.update((key, f.result()) for key, f in submitted.futures.items())
        metrics.keep(results)
        hits = submitted.futures.keys() & metrics.prefetches.keys() - metrics.used_prefetches
        metrics.used_prefetches |= hits
        if submission.operation != EMBED_TEXTS:
            self.prefetcher.used += len(hits)
        cost.prefetched += len(hits)
        cost.requests += len(submission.keys)
        computed = results.keys() & (submitted.fresh | hits)
        cost.cached += sum(key not in computed for key in submission.keys)
        forwarded = [result for result in results.values() if result.forward_id]
        metrics.record(submission.operation.role, forwarded)
        for result in forwarded:
            if isinstance(result.value, Completion | ModuleResult):
                cost.usage += result.value.usage
            if result.forward_id not in cost.forward_ids:
                cost.forward_ids.add(result.forward_id)
                cost.model_ms += result.model_ms
            cost.batch_size = max(cost.batch_size, result.batch_size)
            cost.queue_ms = max(cost.queue_ms, result.queue_ms)

    def _values(self, submission: _Submission) -> list[Any]:
        return [submission.results[key].value for key in submission.keys]


def _image_of(request: Hashable) -> ImageRef | None:
    """Return the image of a request, None for a request with words only."""
    if isinstance(request, DetectRequest | AnswerRequest):
        return request.view.image
    if isinstance(request, View | MethodRequest):
        return request.image
    return request if isinstance(request, ImageRef) else None
