"""The true answerer: short questions about a view, answered by what a file says.

What it can be asked is a short list of forms; anything else, and anything that the file does not tell, is
an error that says so: a guess would not be the truth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from viper.errors import ModelError
from viper.images.image import View
from viper.models.options import Options
from viper.models.roles import AnswerRequest, Completion
from viper.oracle.detector import fitting
from viper.oracle.language import UNKNOWN
from viper.oracle.scene import Scene, SceneFile, Thing
from viper.oracle.scene_file import open_scenes

__all__ = ["TrueAnswerer", "load"]

_CAN = (
    "True perception can answer: what is this; what colour, material, shape or size is this; how is the "
    "weather; where is this; how many X are there; is there an X; is this X Y; is this X Y or Z; and, by "
    "the relations of a scene graph, what is the X holding, who is on the X, what is the X doing."
)


class TrueAnswerer:
    """Answers by what a file says.

    Args:
        file: What the pictures show.
    """

    def __init__(self, file: SceneFile) -> None:
        self._file = file
        self.fingerprint = f"truth:{file.fingerprint}"
        self.knows_images_by_name = True

    def answer(self, requests: Sequence[AnswerRequest]) -> list[Completion | ModelError]:
        """Return the answer of each request, or the error of a question that no fact answers."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: AnswerRequest) -> Completion | ModelError:
        question = " ".join(request.question.lower().replace("'s ", " is ").split()).rstrip(" ?.!")
        try:
            look = _Look(self._file, self._file.scene(request.view.image), request.view)
            for form, answer in _FORMS:
                found = form.fullmatch(question)
                if found is not None:
                    return Completion(answer(look, *found.groups()))
        except ModelError as error:
            return ModelError(f"{request.question[:200]!r}: {error}")
        return ModelError(f"True perception cannot answer {request.question[:200]!r}. {_CAN}")


class _Look(NamedTuple):
    """What one question is asked of."""

    file: SceneFile
    scene: Scene
    view: View

    @property
    def seen(self) -> list[Thing]:
        """The thing that the view shows, or else everything in it."""
        return self.scene.shown(self.view) or self.scene.inside(self.view)

    def main(self) -> Thing:
        """Return the thing that the view shows, or the only one in it."""
        seen = self.seen
        if not seen or (len(seen) > 1 and not self.scene.shown(self.view)):
            raise ModelError(
                f"the view shows no single object; {self.file.path.name} knows of {len(seen)} in it."
            )
        return seen[0]

    def fitting(self, phrase: str, things: Iterable[Thing]) -> list[Thing]:
        """Return the things that a noun phrase fits."""
        return fitting(list(things), phrase, self.file.language)


def _count(look: _Look, phrase: str) -> str:
    return str(len(look.fitting(phrase, look.scene.inside(look.view))))


def _exists(look: _Look, phrase: str) -> str:
    return "yes" if look.fitting(phrase, look.scene.inside(look.view)) else "no"


def _property(look: _Look, kind: str) -> str:
    kind = {"colour": "color", "made of": "material"}.get(kind, kind)
    thing = look.main()
    return _told(look, thing.values, kind, f"the {thing.name}")


def _size(look: _Look) -> str:
    return _property(look, "size")


def _weather(look: _Look) -> str:
    return _told(look, look.scene.values, "weather", f"the image {look.view.image.source_name!r}")


def _place(look: _Look) -> str:
    return _told(look, look.scene.values, "place", f"the image {look.view.image.source_name!r}")


def _told(look: _Look, values: Mapping[str, str], kind: str, what: str) -> str:
    if kind not in values:
        raise ModelError(f"{look.file.path.name} tells no {kind} of {what}.")
    return values[kind]


def _name(look: _Look) -> str:
    return look.main().name


def _doing(look: _Look) -> str:
    thing = look.main()
    return _told(look, thing.values, "posture", f"the {thing.name}")


def _verify(look: _Look, claim: str) -> str:
    """Answer "this X Y" by yes or no, and "this X Y or Z" by Y or Z."""
    language = look.file.language
    facts = [thing.terms for thing in look.seen]
    if not look.scene.shown(look.view):
        facts.append(frozenset(look.scene.values.values()))
    options = [option for part in re.split(r",| or ", claim) if (option := part.strip())]
    if len(options) == 1:
        terms = language.read(claim)
        if UNKNOWN in terms and not look.scene.shown(look.view):
            raise ModelError(f"{look.file.path.name} does not tell.")
        return "yes" if any(fact.issuperset(terms) for fact in facts) else "no"
    options[0] = language.after_name(options[0])  # "cup red": what follows the name is the option
    for option in options:
        if any(fact.issuperset(language.read(option)) for fact in facts):
            return _LEADING.sub("", option)
    raise ModelError(f"none of the options holds, says {look.file.path.name}.")


def _relation(look: _Look, asked: str, phrase: str) -> str:
    """Answer "the man holding" by what he holds, and "on the table" by what is on it."""
    language = look.file.language
    *subject, last = language.read(phrase)
    if last in language.predicates and subject:
        targets = [
            look.scene.things[index]
            for thing in look.fitting(language.without_last(phrase, last), look.seen)
            for predicate, index in thing.relations
            if predicate == last or predicate.endswith(f" {last}")
        ]
    else:
        targets = look.fitting(phrase, look.scene.things)
    if asked == "who":
        targets = [thing for thing in targets if "person" in thing.names]
    if not targets:
        raise ModelError(f"{look.file.path.name} tells no such relation.")
    return targets[0].name


_LEADING = re.compile(r"^(?:made (?:out )?of|an?|the) ")
_THIS = "(?:this|that|it|these|those)"
_FORMS: Sequence[tuple[re.Pattern[str], Callable[..., str]]] = [
    (re.compile(form), answer)
    for form, answer in (
        (r"how many (.+?)(?: (?:are|is) (?:there|visible|here|in .*))?", _count),
        (r"(?:is|are) there (?:any )?(.+)", _exists),
        (r"(?:how|what) (?:is|are) the weather.*|what (?:kind of )?weather .*", _weather),
        (rf"where (?:is|was) {_THIS}.*|(?:what|which) (?:place|room|location|scene) .*", _place),
        (r"(?:what|which) .*\b(colou?r|material|shape|size|made of)\b.*", _property),
        (r"how (?:big|large|small) .*", _size),
        (rf"(?:is|are) (?:{_THIS}|the) (.+)", _verify),
        (rf"(?:what|which|who)(?: (?!is |are )\w+)* (?:is|are) {_THIS}", _name),
        (r"what (?:is|are) .+ doing", _doing),
        (r"(what|who|which) (?:\w+ )??(?:is|are) (.+)", _relation),
    )
]
"""The forms of questions, tried in this order, and what answers each."""


def load(reference: str, options: Mapping[str, str]) -> TrueAnswerer:
    """Load the file of scenes named by `truth:FILE`.

    Raises:
        ConfigError: The file is unusable, or an option is unknown.
    """
    with Options(options, "the truth answerer"):
        return TrueAnswerer(open_scenes(reference))
