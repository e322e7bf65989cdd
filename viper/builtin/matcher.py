"""The built-in matcher: regions and texts in one space, trained against each other as in CLIP."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from viper.builtin.loading import BuiltinBackend
from viper.builtin.sight import Viewer
from viper.builtin.words import refusal
from viper.images.image import View
from viper.models.roles import Matcher

__all__ = ["BuiltinMatcher", "load"]


class BuiltinMatcher(BuiltinBackend, Matcher):
    """Compares views of the small world with texts.

    Args:
        viewer: Encodes images.
        fingerprint: Names the weights.
    """

    role = "matcher"

    def __init__(self, viewer: Viewer, fingerprint: str) -> None:
        super().__init__(viewer, fingerprint)
        self.logit_scale = viewer.logit_scale

    def embed_images(self, views: Sequence[View]) -> list[NDArray[np.float32]]:
        """Return one unit vector per view, shape (64,)."""
        vectors: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(views)
        for sight, numbers in self._viewer.by_image(views):
            embedded = self._viewer.embed_boxes(sight, [views[n].box_xyxy for n in numbers])
            for number, vector in zip(numbers, embedded, strict=True):
                vectors[number] = vector
        return vectors

    def embed_texts(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return one unit vector per text, shape (64,).

        In training, texts with unknown words matched nothing, so they lose against other texts; `refusal`
        names the unknown words.
        """
        return list(self._viewer.embed_texts(list(texts))) if texts else []

    def certainty(self, cosine: float) -> float:
        """Return the probability that a text is true of a view, from the cosine of their vectors."""
        return self._viewer.certainty(cosine)

    def refusal(self, text: str) -> str | None:
        """Return why a text means nothing to the models; None if it can be compared."""
        return refusal(text)


load = BuiltinMatcher.load
