"""Backends that implement the protocols without any model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from viper.images.image import ImageRef, View
from viper.models.roles import (
    AnswerRequest,
    Completion,
    CompletionRequest,
    Detection,
    DetectRequest,
)
from viper.usage import Usage


def blank_image(width: int = 100, height: int = 80, name: str = "image") -> ImageRef:
    """A black picture of a given size."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    return ImageRef(f"{name}-{width}x{height}", (width, height), name, lambda: pixels)


def whole(image: ImageRef) -> View:
    """The view of a whole image."""
    return View(image, (0.0, 0.0, float(image.size[0]), float(image.size[1])))


@dataclass
class FakeDetector:
    """Knows where things are: name → boxes with scores, in image pixels."""

    objects: Mapping[str, Sequence[tuple[tuple[float, float, float, float], float]]]
    vocabulary: tuple[str, ...] | None = None
    fingerprint: str = "fake-detector"
    batches: list[list[DetectRequest]] = field(default_factory=list)

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        self.batches.append(list(requests))
        return [self._one(request) for request in requests]

    def _one(self, request: DetectRequest) -> list[Detection]:
        left, top, right, bottom = request.view.bounds
        found = []
        for name in request.phrases or self.vocabulary or ():
            for (x1, y1, x2, y2), score in self.objects.get(name, ()):
                centre_x, centre_y = (x1 + x2) / 2, (y1 + y2) / 2
                if left <= centre_x < right and top <= centre_y < bottom:
                    box = (x1 - left, y1 - top, x2 - left, y2 - top)
                    found.append(Detection(box, name, score))
        return found


@dataclass
class FakeMatcher:
    """Scores a text by a table; views all look alike unless `view_words` says what they show."""

    words: Mapping[str, float] = field(default_factory=dict)
    """Text → cosine with every view."""
    view_words: Mapping[tuple[float, ...], Mapping[str, float]] = field(default_factory=dict)
    """Box → text → cosine, for views that look different."""
    logit_scale: float = 100.0
    logit_bias: float | None = None
    fingerprint: str = "fake-matcher"
    image_batches: list[int] = field(default_factory=list)
    text_batches: list[list[str]] = field(default_factory=list)

    def embed_images(self, views: Sequence[View]) -> list[np.ndarray]:
        self.image_batches.append(len(views))
        return [self._vector({**self.words, **self.view_words.get(v.box_xyxy, {})}) for v in views]

    def embed_texts(self, texts: Sequence[str]) -> list[np.ndarray]:
        self.text_batches.append(list(texts))
        return [_axis(text) for text in texts]

    @staticmethod
    def _vector(words: Mapping[str, float]) -> np.ndarray:
        vector = np.zeros(_DIMENSIONS, dtype=np.float32)
        for text, cosine in words.items():
            vector += cosine * _axis(text)
        return vector


_DIMENSIONS = 4096


def _axis(text: str) -> np.ndarray:
    """A unit vector of its own for every text."""
    vector = np.zeros(_DIMENSIONS, dtype=np.float32)
    digest = hashlib.sha256(text.encode()).digest()
    vector[int.from_bytes(digest[:4], "big") % _DIMENSIONS] = 1.0
    return vector


@dataclass
class FakeDepth:
    """Depth grows from left to right, one unit a pixel."""

    fingerprint: str = "fake-depth"
    calls: int = 0

    def estimate(self, images: Sequence[ImageRef]) -> list[np.ndarray]:
        self.calls += 1
        return [np.tile(np.arange(i.size[0], dtype=np.float32), (i.size[1], 1)) for i in images]


@dataclass
class FakeAnswerer:
    """Says the same to everything."""

    text: str = "A Cat.\n(I think)"
    fingerprint: str = "fake-answerer"
    asked: list[str] = field(default_factory=list)

    def answer(self, requests: Sequence[AnswerRequest]) -> list[Completion]:
        self.asked += [request.question for request in requests]
        return [Completion(self.text, Usage(5, 2)) for _ in requests]


@dataclass
class FakeLanguage:
    """Repeats the last line of the prompt, or says what it is told to."""

    reply: str | None = None
    fingerprint: str = "fake-language"
    prompts: list[str] = field(default_factory=list)

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completion]:
        self.prompts += [request.prompt for request in requests]
        return [
            Completion(self.reply or request.prompt.splitlines()[-1], Usage(10, 3))
            for request in requests
        ]
