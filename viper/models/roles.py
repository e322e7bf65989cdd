"""The roles that models fill: a base class for each, with its requests and results.

A backend is a loaded model. It subclasses the class of its role (`Detector`, `Matcher`, `DepthModel`,
`Answerer`, `LanguageModel`), implements the batch methods, and overrides the optional abilities that it
has. A plain object with the same methods works as well: `with_defaults` adds what it lacks when it is loaded.

Every batch method takes a sequence of requests and returns a list of the same length in the same order.
Queues, caches, duplicates, timeouts and threads belong to the model pool. All batch methods of a backend
are called from one thread, which need not be the thread that created the object.

A backend reports failures by raising `ModelError` (the call failed) or `UnservedError` (it cannot serve this
phrase); any other exception counts as a bug of the backend and is reported as such. When a batch raises, its
requests are run again in halves, so that a bad request fails alone; after a `ModelMemoryError` batches get
smaller. A backend whose calls cost money therefore does not raise for a single request: it returns the
`ModelError` in place of that request's result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from viper.errors import ModelError
from viper.images.boxes import Box
from viper.images.image import ImageRef, Pixels, View  # noqa: F401  # Pixels: for backends of 0.1
from viper.usage import Usage

__all__ = [
    "ROLES",
    "AnswerRequest",
    "Answerer",
    "Backend",
    "Completion",
    "CompletionRequest",
    "DepthModel",
    "DetectRequest",
    "Detection",
    "Detector",
    "LanguageModel",
    "Matcher",
    "RelativeDepth",
    "Role",
    "median_depth",
    "with_defaults",
]

Role: TypeAlias = str
"""Name of what a model does: one of `ROLES`, or a role that a plugin's module adds."""
ROLES: tuple[Role, ...] = ("detector", "matcher", "depth", "answerer", "language")
"""The roles of Viper itself, each with a class below."""

RelativeDepth = NDArray[np.float32]
"""Shape (H, W) of the image, larger = farther, unit arbitrary, finite."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One detected object."""

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
    """A reply of a language model or an answerer, with its usage."""

    text: str
    usage: Usage = field(default_factory=Usage)


class Backend:
    """A loaded model of any role; the defaults below mean "no such ability"."""

    fingerprint: str
    """Name and version of the weights and settings: equal fingerprints give equal results."""
    deterministic: bool | None = None
    """Whether equal requests give equal results, which can be cached; None: yes if the model is local."""
    knows_images_by_name: bool = False
    """Whether results depend on the image's name, so that equal pixels may be different requests."""

    def largest_batch(self, method: str) -> int | None:
        """Return the most requests that a batch method should get at once; None if there is no such limit."""
        return None

    def doubt(self, image: ImageRef) -> str | None:
        """Return why the model cannot be trusted with an image unlike those it was made for, else None.

        Then there is no answer, or one with this doubt (best effort); say which models can see such images.
        Called from another thread after a request about the image was served; must return at once.
        """
        return None

    def stages(self, method: str) -> bool:
        """Return whether a batch method can be split into `prepare` and `forward`."""
        return False

    def prepare(self, method: str, request: Any) -> Any:
        """Make the model's input for one request: decode, crop, resize, normalize.

        Called from several threads while the model is busy with another batch.
        """
        raise NotImplementedError

    def forward(self, method: str, prepared: Sequence[Any]) -> Sequence[Any]:
        """Run the model, in its thread, on outputs of `prepare`; return one result for each, in order."""
        raise NotImplementedError


class Detector(Backend):
    """Finds objects."""

    vocabulary: tuple[str, ...] | None = None
    """Class names of a closed-vocabulary detector; None if it takes any phrase."""
    score_threshold: float | None = None
    """Least score of a detection, on the scale of their scores; None where scores alone do not decide."""
    has_distinct_detections: bool = False
    """Whether the detections of a phrase are distinct objects: then overlapping ones are not suppressed."""

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Return the detections of each request, at the model's score threshold, in any order.

        Duplicates of one object may be left in: the caller sorts and suppresses them.
        """
        raise NotImplementedError


class Matcher(Backend):
    """Compares images with texts (CLIP and similar models)."""

    logit_scale: float
    """Factor from cosine to logit."""
    logit_bias: float | None = None
    """Bias of a sigmoid model (SigLIP); None for a softmax model (CLIP)."""
    certainty: Any = None  # a method, or None: (cosine) -> probability
    """Return the probability, 0 … 1, that a text is true of a view, from the cosine of their vectors.

    A method of matchers that were trained to verify one text alone; None if texts must be compared with
    others.
    """
    undecided: Any = None  # a method, or None: (text, cosine) -> bool
    """Return whether the matcher cannot tell if a text is true of a view, so that the answer is in doubt.

    A method of matchers with `certainty` that see too little in some views; None if every certainty decides.
    """

    def embed_images(self, views: Sequence[View]) -> list[NDArray[np.float32]]:
        """Return one unit vector per view, shape (D,)."""
        raise NotImplementedError

    def embed_texts(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return one unit vector per text, shape (D,), averaged over the matcher's templates."""
        raise NotImplementedError

    def refusal(self, text: str) -> str | None:
        """Return why a text means nothing to the matcher, and what to do; None if it can be compared."""
        return None


class DepthModel(Backend):
    """Estimates the depth of every pixel."""

    measure: Any = None  # a method, or None: (views) -> depths
    """Return one depth per view, comparable within an image, larger = farther.

    A method of models that know the depth of a view better than the median of their map; else None.
    """

    def estimate(self, images: Sequence[ImageRef]) -> list[RelativeDepth]:
        """Return one map per image, shape (H, W) of the image, larger = farther."""
        raise NotImplementedError


def median_depth(relative_depth: RelativeDepth, view: View) -> float:
    """Return the median of a view in its image's depth map."""
    left, top, right, bottom = view.bounds
    return float(np.median(relative_depth[top:bottom, left:right]))


class Answerer(Backend):
    """Answers short questions about a view in words."""

    def answer(self, requests: Sequence[AnswerRequest]) -> Sequence[Completion | ModelError]:
        """Return one answer per request, as the model gave it, or the error of that request."""
        raise NotImplementedError


class LanguageModel(Backend):
    """Answers questions in words, without an image."""

    context_tokens: int | None = None
    """Most tokens of prompt and reply together; None if that is not known."""

    def complete(self, requests: Sequence[CompletionRequest]) -> Sequence[Completion | ModelError]:
        """Return one completion per request, or the error of that request."""
        raise NotImplementedError


_CLASSES: dict[Role, type[Backend]] = dict(
    zip(ROLES, (Detector, Matcher, DepthModel, Answerer, LanguageModel), strict=True)
)


def with_defaults(backend: Any, role: Role) -> Any:
    """Give an object that does not subclass its role's class the defaults that it lacks.

    Args:
        backend: Any object with the batch methods of the role.
        role: One of `ROLES`, or a module's own.

    Returns:
        The same object.
    """
    role_class = _CLASSES.get(role, Backend)
    if not isinstance(backend, role_class):
        defaults = role_class()
        for name in dir(defaults):
            if not name.startswith("_") and not hasattr(backend, name):
                try:
                    setattr(backend, name, getattr(defaults, name))
                except (AttributeError, TypeError):  # frozen, or with slots
                    setattr(type(backend), name, getattr(defaults, name))
    return backend
