"""The models of `throughput` without the engine: one call at a time, and in batches of the best size."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from viper.backends.owl import DeviceCache
from viper.images.decoding import open_image
from viper.images.image import View
from viper.models.registry import BackendRef, open_backend
from viper.models.roles import Backend, DetectRequest
from viper.vocabulary.attributes import contrasts
from viper_benchmarks.perf.publish import BenchmarkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from viper.engine.answer import Answer

__all__ = ["Bench", "Ceiling"]

_BATCHES = (1, 2, 4, 8, 16, 32, 64)
_ROUNDS = 3
# Times that each size is tried; the fastest counts, for a ceiling is what could be reached.
_MOST_ITEMS = 128
# Items that each batch size is tried with: enough for a stable figure.


class Ceiling(NamedTuple):
    """What the bare models could do."""

    programs_per_s: float
    best_batch: dict[str, int]
    """Batch size that is fastest, by method."""


class Bench:
    """Opens backends that note what they are asked, and when they were busy."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._backends: dict[str, Any] = {}  # by role; the roles' methods are called by name
        self._asked: dict[str, dict[Hashable, None]] = {}
        self._busy: list[tuple[float, float]] = []

    def open(self, ref: BackendRef) -> Backend:
        """Open a backend for an engine."""
        backend = open_backend(ref)
        self._backends[ref.role] = backend
        return cast("Backend", _Noted(backend, self._note))

    def begin(self) -> None:
        """Forget what was noted."""
        with self._lock:
            self._asked = {}
            self._busy = []

    def busy_s(self) -> float:
        """Return for how long at least one model was running."""
        total, until = 0.0, 0.0
        for start, end in sorted(self._busy):
            total += max(0.0, end - max(start, until))
            until = max(until, end)
        return total

    def calibrate(self, reference: str, pictures: Sequence[NDArray[Any]], *, things: int) -> float:
        """Find a threshold at which the random detector finds about so many things."""
        ref = BackendRef.parse("detector", f"{reference}?score_threshold=0")
        detector: Any = open_backend(ref)  # Any: see above
        scores: list[float] = []
        for picture in pictures:
            whole = _whole(picture)
            (found,) = detector.detect([DetectRequest(whole, ("dog",))])
            ordered = sorted((detection.score for detection in found), reverse=True)
            if len(ordered) < 2 * things:
                raise BenchmarkError(f"The random detector finds {len(ordered)} things only.")
            scores.append(ordered[2 * things])  # some of them overlap
        return min(scores)

    def naive_per_s(self, answers: Sequence[Answer], pictures: Sequence[NDArray[Any]]) -> float:
        """Make the calls of answers again on other pictures, each a forward of its own."""
        seconds: list[float] = []
        for answer, picture in zip(answers, pictures, strict=True):
            image = _whole(picture).image
            started = time.perf_counter()
            for call in answer.trace.calls:
                self._naive(call.method, call.arguments, call.box_xyxy, image)
            seconds.append(time.perf_counter() - started)
        return 1 / statistics.median(seconds)

    def _naive(self, method: str, arguments: Sequence[Any], box: Any, image: Any) -> None:
        detector, matcher, depth = (self._backends[r] for r in ("detector", "matcher", "depth"))
        width, height = image.size
        view = View(image, box or (0.0, 0.0, float(width), float(height)))
        match method:
            case "ImagePatch.find":
                _without_memory(detector).detect([DetectRequest(view, (arguments[0],))])
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
                raise BenchmarkError(f"There is no naive way to call {method}.")

    def ceiling(self) -> Ceiling:
        """Run what the last programs asked, each item once, in batches of the best size."""
        images = {request.view.image for request in self._requests("detect")}
        seconds, best = 0.0, {}
        for method in self._asked:
            role = {"detect": "detector", "estimate": "depth"}.get(method, "matcher")
            backend = self._backends[role]
            if method == "detect":
                backend = _without_memory(backend)
            items = list(self._requests(method))
            per_item, best[method] = _best(getattr(backend, method), items)
            seconds += per_item * len(items)
        return Ceiling(len(images) / seconds, best)

    def _requests(self, method: str) -> list[Any]:
        asked = list(self._asked[method])
        if method != "detect":
            return asked
        # A picture is looked at once, whatever is asked of it.
        by_view: dict[Any, tuple[str, ...]] = {}
        for request in cast("list[DetectRequest]", asked):
            by_view[request.view] = (*by_view.get(request.view, ()), *request.phrases)
        return [DetectRequest(view, phrases) for view, phrases in by_view.items()]

    def _note(self, method: str, requests: Sequence[Hashable], start: float, end: float) -> None:
        with self._lock:
            self._asked.setdefault(method, {}).update(dict.fromkeys(requests))
            self._busy.append((start, end))


class _Noted:
    """A backend whose batch methods are noted; everything else is the backend's."""

    def __init__(self, backend: Any, note: Callable[..., None]) -> None:
        self._backend = backend
        self._note = note
        if hasattr(backend, "forward"):
            self.stages = backend.stages
            self.prepare = self._prepare
            self.forward = self._forward

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._backend, name)
        if name not in ("detect", "embed_images", "embed_texts", "estimate"):
            return value

        def run(requests: Sequence[Hashable]) -> Any:
            started = time.perf_counter()
            result = value(requests)
            self._note(name, requests, started, time.perf_counter())
            return result

        return run

    def _prepare(self, method: str, request: Hashable) -> tuple[Hashable, Any]:
        return request, self._backend.prepare(method, request)

    def _forward(self, method: str, prepared: Sequence[tuple[Hashable, Any]]) -> Any:
        started = time.perf_counter()
        result = self._backend.forward(method, [made for _, made in prepared])
        requests = [request for request, _ in prepared]
        self._note(method, requests, started, time.perf_counter())
        return result


def _best(method: Callable[[Sequence[Any]], Any], items: list[Any]) -> tuple[float, int]:
    """Return seconds per item at the fastest batch size, and that size."""
    sample = items[:_MOST_ITEMS]
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


def _without_memory(detector: Any) -> Any:
    """Return a detector that encodes every crop and text anew."""
    return replace(detector, family=replace(detector.family, known=DeviceCache(0)))


def _whole(picture: NDArray[Any]) -> View:
    image = open_image(picture)
    width, height = image.size
    return View(image, (0.0, 0.0, float(width), float(height)))
