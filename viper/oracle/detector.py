"""The oracle's detector: the objects in the view for which every word of the phrase holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from viper.models.roles import Detection, Detector, DetectRequest
from viper.oracle.phrase_parser import PhraseParser
from viper.oracle.scene import SceneObject
from viper.oracle.scene_file import Oracle

__all__ = ["OracleDetector", "load", "named_by"]


class OracleDetector(Oracle, Detector):
    """Finds the annotated objects of a view.

    A box is the object's whole box, even if a part of it lies outside the view, so that the other roles
    recognize the object by the box of its patch.
    """

    role = "detector"
    has_distinct_detections = True

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Return the objects of each request in the order of the file, score 1.0.

        Raises:
            ModelError: The file has no scene for an image.
        """
        return [self._detect(request) for request in requests]

    def _detect(self, request: DetectRequest) -> list[Detection]:
        inside = self._file.scene(request.view.image).inside(request.view)
        left, top, _, _ = request.view.bounds
        return [
            Detection((x1 - left, y1 - top, x2 - left, y2 - top), phrase, 1.0)
            for phrase in request.phrases
            for item in named_by(phrase, inside, self._file.parser)
            for x1, y1, x2, y2 in [item.box_xyxy]
        ]


def named_by(
    phrase: str, objects: Iterable[SceneObject], parser: PhraseParser
) -> list[SceneObject]:
    """Return the objects that a noun phrase fits: its last noun is their name, and all words hold."""
    terms = parser.parse(phrase)
    head = parser.head(terms)
    return [
        item
        for item in objects
        if item.terms.issuperset(terms) and (head is None or head in item.names)
    ]


load = OracleDetector.load
