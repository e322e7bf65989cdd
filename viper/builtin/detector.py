"""The built-in detector: detected objects whose region vectors fit the vector of a phrase.

It takes any phrase of words in its vocabulary, "small metal cube" as well as "cube".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from viper.builtin.knowledge import refusal
from viper.builtin.loading import BuiltinBackend, open_viewer
from viper.errors import UnservedError
from viper.images.boxes import Box, area, intersection
from viper.images.image import View
from viper.models.roles import Detection, Detector, DetectRequest

__all__ = ["FITS", "BuiltinDetector", "load"]

FITS = 0.5
"""Least probability that a phrase is true of an object; the model card has precision and recall."""
_INSIDE = 0.5
# Least share of an object's box in the view.


class BuiltinDetector(BuiltinBackend, Detector):
    """Finds the objects of the small world."""

    has_distinct_detections = True

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Return the objects that fit, best score first.

        A box is the whole box of an object, even if a part of it lies outside the view. A score is the
        probability of the object times the probability that the phrase is true of it.

        Raises:
            UnservedError: A phrase has a word outside the vocabulary.
        """
        for request in requests:
            for phrase in request.phrases:
                if reason := refusal(phrase):
                    raise UnservedError(reason)
        return [self._detect(request) for request in requests]

    def _detect(self, request: DetectRequest) -> list[Detection]:
        sight = self._viewer.look(request.view.image)
        boxes: list[Box] = [(a, b, c, d) for a, b, c, d in sight.boxes_xyxy.tolist()]
        inside = [number for number, box in enumerate(boxes) if _belongs(box, request.view)]
        if not inside or not request.phrases:
            return []
        vectors = self._viewer.embed_boxes(sight, [boxes[number] for number in inside])
        fits = self._viewer.match(vectors, self._viewer.embed_texts(list(request.phrases)))
        left, top, _, _ = request.view.bounds
        detections = []
        for row, column in zip(*np.nonzero(fits >= FITS), strict=True):
            x1, y1, x2, y2 = boxes[inside[row]]
            box = (x1 - left, y1 - top, x2 - left, y2 - top)
            score = float(sight.scores[inside[row]] * fits[row, column])
            detections.append(Detection(box, request.phrases[column], score))
        return sorted(detections, key=lambda detection: -detection.score)


def _belongs(box: Box, view: View) -> bool:
    return intersection(box, view.box_xyxy) >= _INSIDE * area(box)


def load(reference: str, options: Mapping[str, str]) -> BuiltinDetector:
    """Load the shipped detector, or that of a folder.

    Raises:
        ConfigError: There are no weights, or an option is unknown.
    """
    viewer, _, fingerprint = open_viewer(reference, options, "the builtin detector")
    return BuiltinDetector(viewer, fingerprint)
