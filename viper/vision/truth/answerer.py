"""The true answerer: short questions about a view, answered by what a file says.

What it can be asked is a short list of forms; anything else is an error that says so, for a guess would
not be the truth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from viper.errors import ModelError
from viper.vision.backends.options import Options
from viper.vision.roles import AnswerRequest, Completion
from viper.vision.truth.detector import fitting
from viper.vision.truth.reading import open_scenes
from viper.vision.truth.scene import Scene, SceneFile, Thing

__all__ = ["TrueAnswerer", "load"]

_KINDS = {"colour": "color", "color": "color", "material": "material", "shape": "shape"}
_KINDS |= {"size": "size", "weather": "weather", "place": "place", "made of": "material"}
_SCENE_KINDS = ("weather", "place")

_COUNT = re.compile(r"how many (.+?)(?: are (?:there|visible|here|in (?:the|this) .*))?")
_KIND = re.compile(r"\b(colou?r|material|shape|size|weather|made of)\b|^how (big|large|small)\b")
_PLACE = re.compile(r"where (?:is|was) (?:this|it|the (?:picture|photo|image).*)|what place.*")
_NAME = re.compile(
    r"(?:what|who) (?:is|are) (?:this|that|it|these)|(?:what|which) (?:kind|type) of .+"
)
_EXISTS = re.compile(r"(?:is|are) there (?:any )?(.+)")
_VERIFY = re.compile(r"(?:is|are) (?:this|that|it|these|the) (.+)")

_CAN = (
    "True perception can answer: what is this; what colour, material, shape, size or weather; where is "
    "this; how many X are there; is there an X; is this X Y; is this X Y or Z."
)


class TrueAnswerer:
    """Answers by what a file says.

    Args:
        file: What the pictures show.
    """

    def __init__(self, file: SceneFile) -> None:
        self._file = file
        self.fingerprint = f"truth:{file.fingerprint}"

    def answer(self, requests: Sequence[AnswerRequest]) -> list[Completion | ModelError]:
        """Return the answer of each request, or the error of a question that no fact answers."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: AnswerRequest) -> Completion | ModelError:
        try:
            return Completion(self._words(request))
        except ModelError as error:
            return error

    def _words(self, request: AnswerRequest) -> str:
        scene = self._file.scene(request.view.image)
        question = " ".join(request.question.lower().split()).rstrip(" ?.!")
        if found := _COUNT.fullmatch(question):
            inside = scene.inside(request.view)
            return str(len(fitting(inside, found[1], self._file.language)))
        if _PLACE.fullmatch(question):
            return self._value(scene, request, "place")
        if found := _EXISTS.fullmatch(question):
            inside = scene.inside(request.view)
            return "yes" if fitting(inside, found[1], self._file.language) else "no"
        if found := _VERIFY.fullmatch(question):
            return self._verified(found[1], scene, request)
        if (found := _KIND.search(question)) and question.startswith(("what", "which", "how")):
            return self._value(scene, request, _KINDS[found[1] or "size"])
        if _NAME.fullmatch(question):
            return self._main(scene, request).name
        raise ModelError(f"True perception cannot answer {request.question[:200]!r}. {_CAN}")

    def _verified(self, claim: str, scene: Scene, request: AnswerRequest) -> str:
        """Answer "this X Y" by yes or no, and "this X Y or Z" by Y or Z."""
        terms = scene.terms(request.view)
        options = [
            option.strip(" ,") for option in re.split(r",| or ", claim) if option.strip(" ,")
        ]
        if len(options) <= 1:
            return "yes" if terms.issuperset(self._file.language.read(claim)) else "no"
        # "cup red": only the words after the name are the first option.
        first = self._file.language.after_name(options[0])
        for option in (first, *options[1:]):
            if terms.issuperset(self._file.language.read(option)):
                return option
        raise ModelError(
            f"None of the options in {request.question[:200]!r} holds, says {self._file.path.name}."
        )

    def _value(self, scene: Scene, request: AnswerRequest, kind: str) -> str:
        if kind in _SCENE_KINDS:
            values, what = scene.values, f"the image {request.view.image.source_name!r}"
        else:
            thing = self._main(scene, request)
            values, what = thing.values, f"the {thing.name}"
        if kind not in values:
            raise ModelError(f"{self._file.path.name} tells no {kind} of {what}.")
        return values[kind]

    def _main(self, scene: Scene, request: AnswerRequest) -> Thing:
        """Return the thing that a view shows, or the largest in it."""
        things = scene.shown(request.view) or scene.inside(request.view)
        if not things:
            raise ModelError(
                f"{request.question[:200]!r}: {self._file.path.name} knows of no object in this view."
            )
        return max(things, key=lambda thing: thing.area)


def load(reference: str, options: Mapping[str, str]) -> TrueAnswerer:
    """Load the file of scenes named by `truth:FILE`.

    Raises:
        ConfigError: The file is unusable, or an option is unknown.
    """
    with Options(options, "the truth answerer"):
        return TrueAnswerer(open_scenes(reference))
