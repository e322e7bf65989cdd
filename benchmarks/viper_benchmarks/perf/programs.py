"""The programs of the sandbox benchmark, and the fixed answers to their vision calls.

The answers are those of the preset `stub`, computed without any model, so that the same program does the same
work in the sandbox, in this process, and in an interpreter of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

__all__ = [
    "EIGHT_CALLS",
    "EIGHT_CALLS_VALUE",
    "FIRST_STATEMENT_CALLS",
    "IMAGE_BOX",
    "IMAGE_SIZE",
    "Box",
    "make_names",
    "many_questions",
    "stub_answer",
]

Box: TypeAlias = "tuple[float, float, float, float]"
"""`(x1, y1, x2, y2)` in pixels, origin top left."""

Ask: TypeAlias = "Callable[[str, Box, list[Any]], Any]"
"""Answers a call: (method, box of the receiver, arguments) → a scalar, or a list of
`[box, category, score]` for `find`. Any: scalars and lists of texts."""

IMAGE_SIZE = (300, 200)
IMAGE_BOX: Box = (0.0, 0.0, 300.0, 200.0)

FIRST_STATEMENT_CALLS = """\
def execute_command(image):
    return image.exists("person")
"""

EIGHT_CALLS = """\
def execute_command(image):
    image_patch = ImagePatch(image)
    people = image_patch.find("person")
    if len(people) == 0:
        return "nobody"
    people.sort(key=lambda person: person.horizontal_center)
    wearing = []
    for person in people:
        if person.verify_property("person", "wearing a hat"):
            wearing.append(person)
    if not image_patch.exists("dog"):
        return str(len(wearing))
    dog = image_patch.find("dog")[0]
    nearest = min(wearing, key=lambda person: distance(person, dog))
    if nearest.compute_depth() > 1000:
        return "too far away"
    colour = nearest.best_text_match(["red", "blue", "green"])
    return f"{colour}, one of {len(wearing)}"
"""
"""In the style of language models: find, test each, find another object, compare, describe.

Calls: find, 3 × verify_property, exists, find, compute_depth, best_text_match.
"""
EIGHT_CALLS_VALUE = "red, one of 3"


def many_questions(count: int) -> str:
    """Return a program of `count` vision calls, all different, so that no cache answers them.

    The questions are made before the first call: between two calls there is only the loop.
    """
    return (
        "def execute_command(image):\n"
        f"    questions = [str(number) for number in range({count})]\n"
        "    for question in questions:\n"
        "        image.simple_query(question)\n"
        f"    return {count}\n"
    )


def stub_answer(method: str, box: Box, arguments: list[Any]) -> Any:
    """Answer a call as the preset `stub` does; an `Ask`."""
    if method == "find":
        x1, y1, x2, y2 = box
        third = (x2 - x1) / 3
        return [
            [(x1 + index * third, y1, x1 + (index + 1) * third, y2), arguments[0], score]
            for index, score in enumerate((0.9, 0.8, 0.7))
        ]
    if method == "best_text_match":
        return arguments[0][0]
    if method == "compute_depth":
        return (box[0] + box[2]) / 2
    return True  # exists, verify_property


class PlainPatch:
    """An image patch in plain Python, with the part of the API that `EIGHT_CALLS` uses."""

    def __init__(self, ask: Ask, box: Box) -> None:
        self._ask = ask
        self._box = box
        self.horizontal_center = (box[0] + box[2]) / 2

    def find(self, object_name: str) -> list[PlainPatch]:
        """Return a patch for each object."""
        found = self._ask("find", self._box, [object_name])
        return [PlainPatch(self._ask, tuple(box)) for box, _, _ in found]

    def exists(self, object_name: str) -> bool:
        """Return whether there is such an object."""
        return bool(self._ask("exists", self._box, [object_name]))

    def verify_property(self, object_name: str, attribute: str) -> bool:
        """Return whether the object has the attribute."""
        return bool(self._ask("verify_property", self._box, [object_name, attribute]))

    def best_text_match(self, option_list: list[str]) -> str:
        """Return the option that fits best."""
        return str(self._ask("best_text_match", self._box, [option_list]))

    def compute_depth(self) -> float:
        """Return the relative depth."""
        return float(self._ask("compute_depth", self._box, []))


def make_names(ask: Ask) -> Mapping[str, Any]:
    """Return the globals of a program in plain Python, `image` among them.

    Args:
        ask: Answers its vision calls.
    """

    def distance(a: PlainPatch, b: PlainPatch) -> float:
        (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a._box, b._box
        across = max(ax1, bx1) - min(ax2, bx2)
        along = max(ay1, by1) - min(ay2, by2)
        return max(across, along)

    return {
        "ImagePatch": lambda image: image,
        "distance": distance,
        "image": PlainPatch(ask, IMAGE_BOX),
    }
