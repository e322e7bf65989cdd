"""The oracle's answerer: short questions about a view, answered from the annotations of a file.

A question must have one of a few forms. Any other question, and any fact that the file does not state, is a
`ModelError`: the oracle does not guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from viper.errors import ModelError
from viper.images.image import View
from viper.models.roles import Answerer, AnswerRequest, Completion
from viper.oracle.detector import named_by
from viper.oracle.phrase_parser import UNKNOWN
from viper.oracle.scene import Scene, SceneFile, SceneObject
from viper.oracle.scene_file import Oracle

__all__ = ["OracleAnswerer", "load"]

_CAN = (
    "The oracle can answer: what is this; what color, material, shape or size is this; how is the "
    "weather; where is this; how many X are there; is there an X; is this X Y; is this X Y or Z; and, by "
    "the relations of a scene graph, what is the X holding, who is on the X, what is the X doing."
)


class OracleAnswerer(Oracle, Answerer):
    """Answers questions from a file."""

    role = "answerer"

    def answer(self, requests: Sequence[AnswerRequest]) -> list[Completion | ModelError]:
        """Return the answer of each request, or the error of a question without an answer in the file."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: AnswerRequest) -> Completion | ModelError:
        question = " ".join(request.question.lower().replace("'s ", " is ").split()).rstrip(" ?.!")
        try:
            context = _Context(self._file, self._file.scene(request.view.image), request.view)
            for form, answer in _FORMS:
                if match := re.fullmatch(form, question):
                    return Completion(answer(context, *match.groups()))
        except ModelError as error:
            return ModelError(f"{request.question[:200]!r}: {error}")
        return ModelError(f"The oracle cannot answer {request.question[:200]!r}. {_CAN}")


class _Context(NamedTuple):
    """The file, scene and view of a question."""

    file: SceneFile
    scene: Scene
    view: View

    @property
    def candidates(self) -> list[SceneObject]:
        """The object that the view is the patch of, or else all objects in it."""
        return self.scene.subjects(self.view) or self.scene.inside(self.view)

    def subject(self) -> SceneObject:
        """Return the object that the view is the patch of, or the only one in it."""
        candidates = self.candidates
        if not candidates or (len(candidates) > 1 and not self.scene.subjects(self.view)):
            raise ModelError(
                f"the view shows no single object; {self.file.path.name} has {len(candidates)} in it."
            )
        return candidates[0]

    def named_by(self, phrase: str, objects: Iterable[SceneObject]) -> list[SceneObject]:
        """Return the objects that a noun phrase fits."""
        return named_by(phrase, objects, self.file.parser)

    def count(self, phrase: str) -> int:
        """Return how many objects in the view a noun phrase fits."""
        return len(self.named_by(phrase, self.scene.inside(self.view)))


def _property(context: _Context, kind: str = "size") -> str:
    kind = {"colour": "color", "made of": "material"}.get(kind, kind)
    subject = context.subject()
    return _value(context, subject.values, kind, f"the {subject.name}")


def _of_image(context: _Context, *, kind: str) -> str:
    name = context.view.image.source_name
    return _value(context, context.scene.values, kind, f"the image {name!r}")


def _value(context: _Context, values: Mapping[str, str], kind: str, what: str) -> str:
    if kind not in values:
        raise ModelError(f"{context.file.path.name} has no {kind} of {what}.")
    return values[kind]


def _verify(context: _Context, claim: str) -> str:
    """Answer "this X Y" by yes or no, and "this X Y or Z" by Y or Z."""
    parser = context.file.parser
    has_subject = bool(context.scene.subjects(context.view))
    facts = [item.terms for item in context.candidates]
    if not has_subject:
        facts.append(frozenset(context.scene.values.values()))
    options = [option for part in re.split(r",| or ", claim) if (option := part.strip())]
    if len(options) == 1:
        terms = parser.parse(claim)
        if UNKNOWN in terms and not has_subject:
            raise ModelError(f"{context.file.path.name} does not say.")
        return "yes" if any(fact.issuperset(terms) for fact in facts) else "no"
    options[0] = parser.after_name(options[0])  # "cup red": the option follows the name
    for option in options:
        if any(fact.issuperset(parser.parse(option)) for fact in facts):
            return _LEADING.sub("", option)
    raise ModelError(f"none of the options holds, according to {context.file.path.name}.")


def _relation(context: _Context, question_word: str, phrase: str) -> str:
    """Answer "the man holding" by the object he holds, and "on the table" by the object on it."""
    parser = context.file.parser
    *subject, last = parser.parse(phrase)
    if last in parser.predicates and subject:
        targets = [
            context.scene.objects[index]
            for item in context.named_by(parser.without_last(phrase, last), context.candidates)
            for predicate, index in item.relations
            if predicate == last or predicate.endswith(f" {last}")
        ]
    else:
        targets = context.named_by(phrase, context.scene.objects)
    if question_word == "who":
        targets = [item for item in targets if "person" in item.names]
    if not targets:
        raise ModelError(f"{context.file.path.name} has no such relation.")
    return targets[0].name


_LEADING = re.compile(r"^(?:made (?:out )?of|an?|the) ")
_THIS = "(?:this|that|it|these|those)"
_FORMS: Sequence[tuple[str, Callable[..., str]]] = (
    (
        r"how many (.+?)(?: (?:are|is) (?:there|visible|here|in .*))?",
        lambda context, phrase: str(context.count(phrase)),
    ),
    (
        r"(?:is|are) there (?:any )?(.+)",
        lambda context, phrase: "yes" if context.count(phrase) else "no",
    ),
    (
        r"(?:how|what) (?:is|are) the weather.*|what (?:kind of )?weather .*",
        partial(_of_image, kind="weather"),
    ),
    (
        rf"where (?:is|was) {_THIS}.*|(?:what|which) (?:place|room|location|scene) .*",
        partial(_of_image, kind="place"),
    ),
    (r"(?:what|which) .*\b(colou?r|material|shape|size|made of)\b.*", _property),
    (r"how (?:big|large|small) .*", _property),
    (rf"(?:is|are) (?:{_THIS}|the) (.+)", _verify),
    (
        rf"(?:what|which|who)(?: (?!is |are )\w+){{0,60}} (?:is|are) {_THIS}",
        lambda context: context.subject().name,
    ),
    (r"what (?:is|are) .+ doing", partial(_property, kind="posture")),
    (r"(what|who|which) (?:\w+ )??(?:is|are) (.+)", _relation),
)
"""Question forms in the order in which they are tried, with their functions."""


load = OracleAnswerer.load
