"""The built-in detector: detected objects whose region vectors fit the vector of a phrase.

It takes any phrase of words in its vocabulary, "small metal cube" as well as "cube".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from viper.builtin.loading import BuiltinBackend
from viper.builtin.words import refusal
from viper.errors import UnservedError
from viper.images.boxes import Box, area, intersection
from viper.models.roles import Detection, Detector, DetectRequest

__all__ = ["FITS", "BuiltinDetector", "load"]

FITS = 0.5
"""Least probability that a phrase is true of an object; the model card has precision and recall."""
_INSIDE = 0.5
# Least share of an object's box in the view.


class BuiltinDetector(BuiltinBackend, Detector):
    """Finds the objects of the small world."""

    role = "detector"
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
        inside = [
            number
            for number, box in enumerate(boxes)
            if intersection(box, request.view.box_xyxy) >= _INSIDE * area(box)
        ]
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


load = BuiltinDetector.load
