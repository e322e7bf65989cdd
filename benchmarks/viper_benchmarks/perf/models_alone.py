"""The models of `throughput` without the engine: one call at a time, and in batches of the best size."""

from __future__ import annotations

import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from itertools import starmap
from typing import Any, cast

from numpy.typing import NDArray

from viper.backends.owl import DeviceCache
from viper.engine.answer import Answer
from viper.images.decoding import open_image
from viper.images.image import View
from viper.models.registry import BackendRef, open_backend
from viper.models.roles import Backend, DetectRequest
from viper.trace import CallRecord
from viper.vocabulary.attributes import contrasts
from viper_benchmarks.perf.command import BenchmarkError
from viper_benchmarks.perf.observed import observed

__all__ = ["ModelBench"]

_BATCHES = (1, 2, 4, 8, 16, 32, 64)
# Repetitions of each size; the fastest counts, because a ceiling is the best case.
_ROUNDS = 3
# Items per batch size: enough for a stable figure.
_MAX_ITEMS = 128


class ModelBench:
    """Opens backends for an engine, and records their requests and busy times."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._backends: dict[str, Any] = {}  # by role; the roles' methods are called by name
        self._requested: dict[str, dict[Hashable, None]] = {}
        self._busy: list[tuple[float, float]] = []

    def open(self, ref: BackendRef) -> Backend:
        """Open a backend for an engine."""
        backend = open_backend(ref)
        self._backends[ref.role] = backend
        return observed(backend, self._record)

    def begin(self) -> None:
        """Clear the record."""
        with self._lock:
            self._requested = {}
            self._busy = []

    def busy_s(self) -> float:
        """Return the time during which at least one model was running."""
        total, until = 0.0, 0.0
        for start, end in sorted(self._busy):
            total += max(0.0, end - max(start, until))
            until = max(until, end)
        return total

    def calibrate(self, reference: str, images: Sequence[NDArray[Any]], *, objects: int) -> float:
        """Return a score threshold at which the random detector finds about this many objects."""
        ref = BackendRef.parse("detector", f"{reference}?score_threshold=0")
        detector: Any = open_backend(ref)  # Any: see above
        scores: list[float] = []
        for image in images:
            (found,) = detector.detect([DetectRequest(_whole(image), ("dog",))])
            ordered = sorted((detection.score for detection in found), reverse=True)
            if len(ordered) < 2 * objects:
                raise BenchmarkError(f"The random detector finds only {len(ordered)} objects.")
            scores.append(ordered[2 * objects])  # some of them overlap
        return min(scores)

    def naive_per_s(self, answers: Sequence[Answer], images: Sequence[NDArray[Any]]) -> float:
        """Repeat the calls of answers on other images, each with its own forwards; return programs per s."""
        seconds: list[float] = []
        for answer, array in zip(answers, images, strict=True):
            whole = _whole(array)
            started = time.perf_counter()
            for call in answer.trace.calls:
                self._naive(call, whole)
            seconds.append(time.perf_counter() - started)
        return 1 / statistics.median(seconds)

    def _naive(self, call: CallRecord, whole: View) -> None:
        detector, matcher, depth = (self._backends[r] for r in ("detector", "matcher", "depth"))
        image, arguments = whole.image, call.arguments
        view = View(image, call.box_xyxy) if call.box_xyxy else whole
        match call.method:
            case "ImagePatch.find":
                _without_cache(detector).detect([DetectRequest(view, (arguments[0],))])
            case "ImagePatch.verify_property":
                name, attribute = arguments
                others = [f"{contrast} {name}" for contrast in contrasts(attribute)]
                matcher.embed_images([view])
                matcher.embed_texts([f"{attribute} {name}", name, *others])
            case "ImagePatch.best_text_match":
                matcher.embed_images([view])
                matcher.embed_texts(list(arguments[0]))
            case "best_image_match":
                for patch in arguments[0]:
                    matcher.embed_images([View(image, tuple(patch["box_xyxy"]))])
                    matcher.embed_texts(list(arguments[1]))
            case "ImagePatch.compute_depth":
                depth.estimate([image])
            case _:
                raise BenchmarkError(f"{call.method} has no naive implementation.")

    def ceiling(self) -> tuple[float, dict[str, int]]:
        """Run the requests of the last programs, each item once, in batches of the best size.

        Returns:
            Programs per second, and the batch size that is fastest, by method.
        """
        images = {request.view.image for request in self._requests("detect")}
        seconds, best = 0.0, {}
        for method in self._requested:
            role = {"detect": "detector", "estimate": "depth"}.get(method, "matcher")
            backend = self._backends[role]
            if method == "detect":
                backend = _without_cache(backend)
            items = list(self._requests(method))
            per_item, best[method] = _best(getattr(backend, method), items)
            seconds += per_item * len(items)
        return len(images) / seconds, best

    def _requests(self, method: str) -> list[Any]:
        requests = cast("Iterable[Any]", self._requested[method])
        if method != "detect":
            return list(requests)
        # One detection per view, with all phrases.
        by_view: defaultdict[View, tuple[str, ...]] = defaultdict(tuple)
        for request in requests:
            by_view[request.view] += request.phrases
        return list(starmap(DetectRequest, by_view.items()))

    def _record(self, method: str, requests: Sequence[Hashable], start: float, end: float) -> None:
        with self._lock:
            self._requested.setdefault(method, {}).update(dict.fromkeys(requests))
            self._busy.append((start, end))


def _best(method: Callable[[Sequence[Any]], Any], items: list[Any]) -> tuple[float, int]:
    """Return seconds per item at the fastest batch size, and that size."""
    sample = items[:_MAX_ITEMS]
    method(sample[:1])  # warm
    found: list[tuple[float, int]] = []
    for size in _BATCHES:
        if size > len(sample):
            break
        part = sample[: max(size, min(len(sample), 4 * size))]
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            for start in range(0, len(part), size):
                method(part[start : start + size])
            found.append(((time.perf_counter() - started) / len(part), size))
    return min(found)


def _without_cache(detector: Any) -> Any:
    """Return a detector without a cache of encoded crops and texts."""
    return replace(detector, family=replace(detector.family, cache=DeviceCache(0)))


def _whole(array: NDArray[Any]) -> View:
    image = open_image(array)
    width, height = image.size
    return View(image, (0.0, 0.0, float(width), float(height)))
