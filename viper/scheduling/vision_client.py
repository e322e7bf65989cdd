"""One program's way to the models: typed requests, a clock per call, and an account of what it took."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from concurrent.futures import Future
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
    Matcher,
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

__all__ = ["Vector", "VisionClient"]

Vector = NDArray[np.float32]


class _Asked(NamedTuple):
    """Requests of one operation that were handed in together."""

    operation: Operation
    keys: list[Key]
    """One per request, in order."""
    futures: dict[Key, Future[Served]]
    """Of what the answer's table did not hold."""
    fresh: set[Key]
    """Those of them that nobody had remembered."""
    guesses: dict[Hashable, Future[Served]]
    """Guesses that were handed in along with them, and are new."""


class VisionClient:
    """One program's way to the models.

    The programs of one answer share an account, so that none asks what another has asked; what they are
    guessed to ask next is a program's own, as is the cost of the call in progress.

    Args:
        scheduler: The engine's models.
        model_call_s: Longest wait for one request, model loading excluded, in seconds.
        lookahead: Whether to guess what will be asked next.
        account: That of the answer; a new one if None.
    """

    def __init__(
        self,
        pool: ModelPool,
        *,
        model_call_s: float,
        prefetch: bool = True,
        account: AnswerMetrics | None = None,
    ) -> None:
        self._pool = pool
        self._model_call_s = model_call_s
        self._looks_ahead = prefetch
        self._owner = pool.new_owner()
        self._guesses: dict[Operation, set[Key]] = {}  # by what the program has asked for
        self._offered: set[tuple[Operation, Hashable]] = set()  # guesses: each is worth one attempt
        self.account = account if account is not None else AnswerMetrics()
        self.ahead = Prefetcher(enabled=prefetch)
        """What the program may ask next."""
        self.cost = CallMetrics()
        """Cost of the call in progress; replaced by `begin_call`."""

    def sibling(self) -> VisionClient:
        """Return the run of another program of the same answer; both may go on at the same time."""
        return VisionClient(
            self._pool,
            model_call_s=self._model_call_s,
            prefetch=self._looks_ahead,
            account=self.account,
        )

    def begin_call(self) -> CallMetrics:
        """Start a new call's account and return it."""
        self.cost = CallMetrics()
        return self.cost

    def close(self) -> None:
        """Drop what was asked for or guessed and has not begun; the program is over."""
        self._pool.withdraw(self._owner)
        known = self.account.computed_guesses
        for operation, guesses in self._guesses.items():
            computed = guesses & known
            self._pool.learn(operation, len(computed), len(computed & self.account.used))

    async def detector(self) -> Detector:
        """Return the loaded detector."""
        return cast("Detector", await self._pool.backend("detector"))

    async def matcher(self) -> Matcher:
        """Return the loaded matcher."""
        return cast("Matcher", await self._pool.backend("matcher"))

    async def detect(
        self, request: DetectRequest, guesses: Sequence[DetectRequest] = ()
    ) -> tuple[list[Detection], dict[DetectRequest, list[Detection]]]:
        """Return the detections in a view, boxes in the crop's pixels, and those of guesses that are new."""
        backend = await self._pool.backend("detector")
        asked = await self._ask(DETECT, [request], guesses)
        await self._wait(asked)
        self._ask_for_doubts(backend, [request])
        found = {
            cast("DetectRequest", guess): cast("list[Detection]", future.result().value)
            for guess, future in asked.guesses.items()
            if was_computed(future)
        }
        return self._take(asked)[0], found

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
            views: What is looked at.
            texts: What it is compared with.
            more_views: Guesses of views.
            more_texts: Guesses of texts.
        """
        backend = await self._pool.backend("matcher")
        images = await self._ask(EMBED_IMAGES, views, more_views)
        words = await self._ask(EMBED_TEXTS, texts, more_texts)
        await self._wait(images, words)
        self._ask_for_doubts(backend, views)
        return self._take(images), self._take(words)

    async def depth(self, view: View, guesses: Sequence[View] = ()) -> float:
        """Return the depth of a view, larger = farther: as measured, or the median of the map."""
        model = cast("DepthModel", await self._pool.backend("depth"))
        if model.measure is not None:
            return (await self._serve(MEASURE, [view], guesses))[0]  # type: ignore[no-any-return]  # see Operation
        return median_depth((await self._serve(ESTIMATE, [view.image]))[0], view)

    async def answer(self, request: AnswerRequest, guesses: Sequence[AnswerRequest] = ()) -> str:
        """Return what the answerer says about a view."""
        return (await self._serve(ANSWER, [request], guesses))[0].text  # type: ignore[no-any-return]  # see Operation

    async def complete(self, request: CompletionRequest) -> str:
        """Return what the language model says."""
        return (await self._serve(COMPLETE, [request]))[0].text  # type: ignore[no-any-return]  # see Operation

    async def ask_module(
        self, operation: Operation, request: MethodRequest, guesses: Sequence[MethodRequest] = ()
    ) -> ModuleResult:
        """Return what a module's method gives for one call."""
        return (await self._serve(operation, [request], guesses))[0]  # type: ignore[no-any-return]  # see Operation

    async def _serve(
        self,
        operation: Operation,
        requests: Sequence[Hashable],
        guesses: Sequence[Hashable] = (),
    ) -> list[Any]:
        backend = await self._pool.backend(operation.role)
        asked = await self._ask(operation, requests, guesses)
        await self._wait(asked)
        self._ask_for_doubts(backend, requests)
        return self._take(asked)

    def _ask_for_doubts(self, backend: Backend, requests: Sequence[Hashable]) -> None:
        images = {image for request in requests if (image := _image_of(request)) is not None}
        said = (backend.doubt(image) for image in images)
        self.account.doubts.update(dict.fromkeys(doubt for doubt in said if doubt))

    async def _ask(
        self, operation: Operation, requests: Sequence[Hashable], guesses: Sequence[Hashable]
    ) -> _Asked:
        """Hand requests in; the model is loaded."""
        pool, account = self._pool, self.account
        keys = [pool.key(operation, request) for request in requests]
        by_key = dict(zip(keys, requests, strict=True))
        missing = [(key, by_key[key]) for key in by_key if key not in account.table]
        futures: dict[Key, Future[Served]] = {}
        fresh: set[Key] = set()
        told: dict[Hashable, Future[Served]] = {}
        if missing:
            new = [guess for guess in guesses if (operation, guess) not in self._offered]
            self._offered.update((operation, guess) for guess in new)
            more = {pool.key(operation, guess): guess for guess in new}
            further = [
                (key, guess)
                for key, guess in more.items()
                if key not in account.table and key not in by_key
            ]
            submitted = pool.submit(
                operation,
                missing,
                owner=self._owner,
                guesses=further,
                from_disk=await pool.from_disk(operation, [key for key, _ in (*missing, *further)]),
            )
            futures = {key: f for (key, _), f in zip(missing, submitted.futures, strict=True)}
            known = submitted.remembered
            fresh = {key for (key, _), old in zip(missing, known, strict=True) if not old}
            account.guesses.update(submitted.guesses)
            self._guesses.setdefault(operation, set()).update(submitted.guesses)
            told = {more[key]: future for key, future in submitted.guesses.items()}
            if operation != EMBED_TEXTS:
                self.ahead.guessed += len(submitted.guesses)
        return _Asked(operation, keys, futures, fresh, told)

    async def _wait(self, *asked: _Asked) -> None:
        """Wait for what was handed in, and enter what it took."""
        pending = [future for one in asked for future in one.futures.values()]
        try:
            async with asyncio.timeout(self._model_call_s):
                await results_of(pending)
        except ModelError as error:
            if error.usage is not None:
                self.cost.usage += error.usage
            raise
        except TimeoutError as error:
            role = asked[0].operation.role
            raise TimeoutExceededError(
                f"A call of the {role} took longer than {self._model_call_s:g} s (model_call_s)."
            ) from error
        for one in asked:
            self._enter(one)

    def _enter(self, asked: _Asked) -> None:
        account, cost = self.account, self.cost
        # A sibling may have entered the same meanwhile; whoever is first, pays.
        results = {key: f.result() for key, f in asked.futures.items() if key not in account.table}
        account.table.update(results)
        guessed = asked.futures.keys() & account.guesses.keys() - account.used
        account.used |= guessed
        if asked.operation != EMBED_TEXTS:
            self.ahead.used += len(guessed)
        cost.ahead += len(guessed)
        cost.requests += len(asked.keys)
        news = results.keys() & (asked.fresh | guessed)
        cost.cached += sum(key not in news for key in asked.keys)
        forwarded = [result for result in results.values() if result.forward_id]
        account.enter(asked.operation.role, forwarded)
        for result in forwarded:
            if isinstance(result.value, Completion | ModuleResult):
                cost.usage += result.value.usage
            if result.forward_id not in cost.forward_ids:
                cost.forward_ids.add(result.forward_id)
                cost.model_ms += result.model_ms
            cost.batch_size = max(cost.batch_size, result.batch_size)
            cost.queue_ms = max(cost.queue_ms, result.queue_ms)

    def _take(self, asked: _Asked) -> list[Any]:
        return [self.account.table[key].value for key in asked.keys]


def _image_of(request: Hashable) -> ImageRef | None:
    """Return the image that a request is about, None for a request about words alone."""
    if isinstance(request, DetectRequest | AnswerRequest):
        return request.view.image
    if isinstance(request, View | MethodRequest):
        return request.image
    return request if isinstance(request, ImageRef) else None
