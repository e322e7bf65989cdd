"""The roles that models fill, and the values that travel to and from them.

Batch first: every method takes a sequence of requests and returns a list of the SAME LENGTH IN THE
SAME ORDER. A backend implements one of the five protocols and nothing else; queues, caches,
duplicates, clocks and threads are the scheduler's. All methods of one backend are called from one
thread, which is not the thread that built the object's configuration. A backend that separates making its
input from running the model says so by implementing `Preprocesses`.

A backend reports trouble by raising `ModelError` (the call failed) or `UnservedError` (it cannot
serve this phrase); any other exception is taken for a bug of the backend and reported as such. When
a batch raises, the scheduler runs its requests again in halves, so that a bad one fails alone; a
`ModelMemoryError` makes batches smaller from then on. A backend whose calls cost money
therefore does not raise for one of them: it returns the `ModelError` in that request's place.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeGuard, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from viper.errors import ModelError
from viper.images.boxes import Box
from viper.images.image import ImageRef, View
from viper.usage import Usage

__all__ = [
    "ROLES",
    "AnswerRequest",
    "Answerer",
    "Backend",
    "BinaryVerifier",
    "Completion",
    "CompletionRequest",
    "DepthModel",
    "DetectRequest",
    "Detection",
    "Detector",
    "LanguageModel",
    "LimitedVocabulary",
    "Matcher",
    "Preprocesses",
    "RegionDepth",
    "RelativeDepth",
    "Role",
    "WarnsOutOfDomain",
    "has",
    "has_distinct_detections",
    "is_deterministic",
    "knows_images_by_name",
    "largest_batch",
    "median_depth",
]

T = TypeVar("T")

Role: TypeAlias = str
"""Name of what a model does: one of `ROLES`, or a role that a plugin's module brings."""
ROLES: tuple[Role, ...] = ("detector", "matcher", "depth", "answerer", "language")
"""The roles that Viper itself knows, each with a protocol below."""

RelativeDepth = NDArray[np.float32]
"""Shape (H, W) of the image, larger = farther, unit arbitrary, finite."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One object that a detector saw."""

    box_xyxy: Box
    """In pixels of the CROP that the detector was given, origin at the crop's top left."""
    phrase: str
    """The requested phrase, or the class name of a closed-vocabulary detector."""
    score: float
    """Confidence in 0 … 1, not calibrated across models."""
    mask: NDArray[np.bool_] | None = field(compare=False, default=None)
    """Shape (h, w) of the crop, where the model gives one."""


@dataclass(frozen=True, slots=True)
class DetectRequest:
    """Look for phrases in a view."""

    view: View
    phrases: tuple[str, ...]
    """What to look for; empty for a closed-vocabulary detector, which reports all its classes."""


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """Ask a question about a view."""

    view: View
    question: str


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """Ask a language model."""

    prompt: str
    max_tokens: int = 256


@dataclass(frozen=True, slots=True)
class Completion:
    """What a language model or an answerer said, with what it cost."""

    text: str
    usage: Usage = field(default_factory=Usage)


@runtime_checkable
class Backend(Protocol):
    """What every loaded model has."""

    @property
    def fingerprint(self) -> str:
        """Name and version of the weights and settings: equal fingerprints give equal results."""
        ...


@runtime_checkable
class Preprocesses(Backend, Protocol):
    """A backend whose batch methods have two stages.

    `prepare` is called from several threads while the model is busy with another batch; `forward` from
    the model's thread. The batch method itself gives the same as both.
    """

    def stages(self, method: str) -> bool:
        """Tell whether a batch method has two stages."""
        ...

    def prepare(self, method: str, request: Any) -> Any:
        """Make the model's input of one request: decode, crop, resize, normalise."""
        ...

    def forward(self, method: str, prepared: Sequence[Any]) -> Sequence[Any]:
        """Run the model on what `prepare` gave, and return one result for each, in order."""
        ...


def has(backend: object, ability: Callable[..., T]) -> TypeGuard[T]:
    """Tell whether a backend has one of the optional abilities, such as `WarnsOutOfDomain`.

    The same as `isinstance`, which looks the protocol's members up anew each time: 12 µs against 0.5 µs
    on CPython 3.11, several times in each call of a program.
    """
    return all(hasattr(backend, name) for name in _members(ability))


@functools.cache
def _members(ability: Callable[..., object]) -> tuple[str, ...]:
    return tuple(name for name in vars(ability) if not name.startswith("_"))


def is_deterministic(backend: object, *, remote: bool) -> bool:
    """Tell whether equal requests give equal results, so that one of them is enough.

    A backend says so with an attribute `deterministic`; without it, a local one is, a remote one is not.
    """
    return bool(getattr(backend, "deterministic", not remote))


def knows_images_by_name(backend: object) -> bool:
    """Tell whether a backend knows an image by its name, not by its pixels alone.

    True perception does, and says so with an attribute `knows_images_by_name`: two pictures of equal
    pixels may stand for different scenes.
    """
    return bool(getattr(backend, "knows_images_by_name", False))


def largest_batch(backend: object, method: str) -> int | None:
    """Return how many requests of a batch method a backend's device has memory for, None if unknown.

    A backend says so with a method `largest_batch(method)`.
    """
    ask: Callable[[str], int | None] | None = getattr(backend, "largest_batch", None)
    return None if ask is None else ask(method)


class Detector(Backend, Protocol):
    """Finds objects.

    A detector whose detections of a phrase are distinct objects already may say so with an attribute
    `has_distinct_detections = True`: then none is suppressed, however much two boxes overlap.
    """

    @property
    def vocabulary(self) -> tuple[str, ...] | None:
        """Class names of a closed-vocabulary detector; None when any phrase may be asked."""
        ...

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Return the detections of each request, at the model's score threshold, in any order.

        Duplicates of one object need not be removed: the caller sorts and suppresses them.
        """
        ...


def has_distinct_detections(detector: Detector) -> bool:
    """Tell whether a detector says that its detections of a phrase are distinct objects."""
    return bool(getattr(detector, "has_distinct_detections", False))


class Matcher(Backend, Protocol):
    """Says how well images and texts fit together (CLIP and its kin)."""

    @property
    def logit_scale(self) -> float:
        """Factor from cosine to logit."""
        ...

    @property
    def logit_bias(self) -> float | None:
        """Bias of a sigmoid model (SigLIP); None for a softmax model (CLIP)."""
        ...

    def embed_images(self, views: Sequence[View]) -> list[NDArray[np.float32]]:
        """Return one unit vector per view, shape (D,)."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return one unit vector per text, shape (D,), averaged over the matcher's templates."""
        ...


@runtime_checkable
class LimitedVocabulary(Matcher, Protocol):
    """A matcher that knows some words only, and says so instead of guessing."""

    def refusal(self, text: str) -> str | None:
        """Say why a text means nothing to the matcher, and what to do; None where it does."""
        ...


@runtime_checkable
class BinaryVerifier(Matcher, Protocol):
    """A matcher that was trained to say of one view and one text, alone, whether they fit."""

    def certainty(self, cosine: float) -> float:
        """Return how surely a text is true of a view, 0 … 1, from the cosine of their vectors."""
        ...


@runtime_checkable
class WarnsOutOfDomain(Backend, Protocol):
    """A backend that knows some kinds of pictures only."""

    def doubt(self, image: ImageRef) -> str | None:
        """Say why its results on an image mean little, and what to do; None where they do.

        Asked after a request about the image was served, from another thread, and answered at once.
        """
        ...


class DepthModel(Backend, Protocol):
    """Estimates how far away every pixel is."""

    def estimate(self, images: Sequence[ImageRef]) -> list[RelativeDepth]:
        """Return one map per image, shape (H, W) of the image, larger = farther."""
        ...


@runtime_checkable
class RegionDepth(Backend, Protocol):
    """A depth model that also knows the depth of a view better than the median of its map."""

    def measure(self, views: Sequence[View]) -> list[float]:
        """Return one depth per view, comparable within an image, larger = farther."""
        ...


def median_depth(relative_depth: RelativeDepth, view: View) -> float:
    """Return the median of a view in its image's depth map."""
    left, top, right, bottom = view.bounds
    return float(np.median(relative_depth[top:bottom, left:right]))


class Answerer(Backend, Protocol):
    """Answers short questions about a view in words."""

    def answer(self, requests: Sequence[AnswerRequest]) -> Sequence[Completion | ModelError]:
        """Return one answer per request, as the model gave it, or the error of a call of its own."""
        ...


class LanguageModel(Backend, Protocol):
    """Answers questions in words, without an image."""

    def complete(self, requests: Sequence[CompletionRequest]) -> Sequence[Completion | ModelError]:
        """Return one completion per request, or the error of a call of its own."""
        ...
