"""The built-in detector: things that the network sees and whose vectors fit a phrase.

Its vocabulary is open in the sense that any phrase of known words can be asked for, "small metal cube"
as well as "cube": a thing is found if its region's vector fits the vector of the phrase.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from viper.builtin.knowledge import doubt, refusal
from viper.builtin.loading import open_viewer
from viper.builtin.sight import Viewer
from viper.errors import UnservedError
from viper.images.boxes import Box, area, intersection
from viper.images.image import ImageRef, View
from viper.models.roles import Detection, Detector, DetectRequest

__all__ = ["FITS", "BuiltinDetector", "load"]

FITS = 0.5
"""Least certainty that a phrase is true of a thing; the model card has precision and recall."""
_INSIDE = 0.5
# Share of a thing's box that lies in the view, if it belongs to the view.


class BuiltinDetector(Detector):
    """Finds the things of the small world.

    Args:
        viewer: Sees.
        fingerprint: Names the weights.
    """

    has_distinct_detections = True

    def __init__(self, viewer: Viewer, fingerprint: str) -> None:
        self._viewer = viewer
        self.fingerprint = fingerprint

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Return the things that fit, the surest first.

        A box is the whole box of a thing, although a part of it may lie outside the view. Scores are the
        certainty that there is a thing, times the certainty that the phrase is true of it.

        Raises:
            UnservedError: A phrase has a word that the models do not know.
        """
        for request in requests:
            for phrase in request.phrases:
                if said := refusal(phrase):
                    raise UnservedError(said)
        return [self._detect(request) for request in requests]

    def doubt(self, image: ImageRef) -> str | None:
        """Say that the image is not of the small world; None where it is."""
        return doubt(image.source_name, self._viewer.strangeness(image))

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
