"""A world of drawn objects that answers the ImagePatch API in plain Python, for running programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from viper.programs.program import Program


@dataclass(frozen=True)
class Thing:
    name: str
    box_xyxy: tuple[float, float, float, float]
    attributes: frozenset[str] = frozenset()
    score: float = 0.9
    depth: float = 1.0


def thing(
    name: str, box: Sequence[float], *attributes: str, score: float = 0.9, depth: float = 1.0
) -> Thing:
    x1, y1, x2, y2 = box
    return Thing(name, (x1, y1, x2, y2), frozenset(attributes), score, depth)


class Ended(Exception):  # noqa: N818 # no error: what a program found out
    """A program has said that it has no answer: `kind` is `absent` or `unsure`."""

    def __init__(self, kind: str, said: str) -> None:
        super().__init__(kind, said)
        self.kind, self.said = kind, said


@dataclass
class Scene:
    """A picture of `width` by `height` pixels; boxes are xyxy with the origin at the top left."""

    things: list[Thing]
    width: float = 100
    height: float = 100
    answers: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Name of a thing → the class that a detector would call it: {"woman": "person"}."""

    def run(self, program: Program, *, best_effort: bool = False) -> object:
        """Run a program; a patch comes back as the thing that it shows.

        Raises:
            Ended: The program called `absent` (without best effort) or `unsure`.
        """

        def absent(name: str) -> Patch:
            if not best_effort:
                raise Ended("absent", name)
            return Patch(self, (0, 0, self.width, self.height))

        def unsure(why: str) -> None:
            raise Ended("unsure", why)

        names = {
            "absent": absent,
            "unsure": unsure,
            "ImagePatch": lambda image: Patch(self, (0, 0, self.width, self.height)),
            "distance": distance,
            "bool_to_yesno": lambda truth: "yes" if truth else "no",
            "best_image_match": best_image_match,
        }
        exec(program.source, names)
        result = names["execute_command"](self)  # type: ignore[operator]
        return result.thing if isinstance(result, Patch) else result


class Patch:
    """A box in the frame of programs: y grows upwards."""

    def __init__(
        self,
        scene: Scene,
        box_xyxy: Sequence[float],
        shown: Thing | None = None,
        category: str = "image",
    ):
        self.scene, self.thing, self.category = scene, shown, category
        self.left, top, self.right, bottom = box_xyxy
        self.lower, self.upper = scene.height - bottom, scene.height - top
        self.width, self.height = self.right - self.left, self.upper - self.lower
        self.horizontal_center = (self.left + self.right) / 2
        self.vertical_center = (self.lower + self.upper) / 2
        self.score = shown.score if shown else 1.0

    @property
    def edges(self) -> tuple[float, float, float, float]:
        return (self.left, self.lower, self.right, self.upper)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Patch) and self.edges == other.edges

    def __hash__(self) -> int:
        return hash(self.edges)

    def find(self, name: str) -> list[Patch]:
        wanted = self.scene.kinds.get(name, name)
        shown = [
            t
            for t in self.scene.things
            if name == "object" or wanted in (t.name, self.scene.kinds.get(t.name))
        ]
        patches = [Patch(self.scene, t.box_xyxy, t, name) for t in shown]
        return sorted(patches, key=lambda patch: -patch.score)

    def exists(self, name: str) -> bool:
        return bool(self.find(name))

    def crop(self, left: float, lower: float, right: float, upper: float) -> Patch:
        height = self.scene.height
        x1, x2 = max(left, 0), min(right, self.scene.width)
        return Patch(self.scene, (x1, height - min(upper, height), x2, height - max(lower, 0)))

    def verify_property(self, name: str, attribute: str) -> bool:
        assert self.thing is not None
        return attribute in self.thing.attributes or attribute == self.thing.name

    def best_text_match(self, options: Sequence[str], prefix: str | None = None) -> str:
        shown = self.thing.attributes | {self.thing.name} if self.thing else set()
        present = shown or {t.name for t in self.scene.things}
        return next((option for option in options if option in present), options[0])

    def simple_query(self, question: str = "What is this?") -> str:
        return self.scene.answers.get(question, "no")

    def compute_depth(self) -> float:
        assert self.thing is not None
        return self.thing.depth


def distance(a: Patch | float, b: Patch | float) -> float:
    if not (isinstance(a, Patch) and isinstance(b, Patch)):
        assert not isinstance(a, Patch)
        assert not isinstance(b, Patch)
        return abs(a - b)
    across = max(a.left - b.right, b.left - a.right)
    along = max(a.lower - b.upper, b.lower - a.upper)
    if across < 0 and along < 0:
        shared = across * along
        return -shared / (a.width * a.height + b.width * b.height - shared)
    return math.hypot(max(across, 0), max(along, 0))


def best_image_match(
    patches: Sequence[Patch], content: str, return_index: bool = False
) -> Patch | int | None:
    fitting = [
        p
        for p in patches
        if p.thing and any(word in p.thing.attributes for word in content.split())
    ]
    best = next(iter([*fitting, *patches]), None)
    return patches.index(best) if return_index and best is not None else best
