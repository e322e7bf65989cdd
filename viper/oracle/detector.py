"""The true detector: everything in the view of which every word of the phrase holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from viper.models.options import Options
from viper.models.roles import Detection, DetectRequest
from viper.oracle.language import Language
from viper.oracle.scene import SceneFile, Thing
from viper.oracle.scene_file import open_scenes

__all__ = ["TrueDetector", "fitting", "load"]


class TrueDetector:
    """Finds things by what a file says of them.

    A box is the thing's whole box, although a part of it may lie outside the view: so a patch that was
    found always is the box of a thing, by which the other roles know it again.

    Args:
        file: What the pictures show.
    """

    vocabulary = None
    has_distinct_detections = True

    def __init__(self, file: SceneFile) -> None:
        self._file = file
        self.fingerprint = f"truth:{file.fingerprint}"
        self.knows_images_by_name = True

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Return the things of each request in the order of the file, score 1.0.

        Raises:
            ModelError: The file has no scene for an image.
        """
        return [self._detect(request) for request in requests]

    def _detect(self, request: DetectRequest) -> list[Detection]:
        inside = self._file.scene(request.view.image).inside(request.view)
        left, top, _, _ = request.view.bounds
        detections = []
        for phrase in request.phrases:
            for thing in fitting(inside, phrase, self._file.language):
                x1, y1, x2, y2 = thing.box_xyxy
                box = (x1 - left, y1 - top, x2 - left, y2 - top)
                detections.append(Detection(box, phrase, 1.0))
        return detections


def fitting(things: Sequence[Thing], phrase: str, language: Language) -> list[Thing]:
    """Return the things that a noun phrase fits: its last noun is their name, and all words hold."""
    terms = language.read(phrase)
    head = language.head(terms)
    return [
        thing
        for thing in things
        if thing.terms.issuperset(terms) and (head is None or head in thing.names)
    ]


def load(reference: str, options: Mapping[str, str]) -> TrueDetector:
    """Load the file of scenes named by `truth:FILE`.

    Raises:
        ConfigError: The file is unusable, or an option is unknown.
    """
    with Options(options, "the truth detector"):
        return TrueDetector(open_scenes(reference))
