"""Training texts of the built-in language model: descriptions, questions, answers; no images.

    small shiny red block question: what color is it answer: red
    3 things: red cube small metal, big ball gray rubber, … question: how many balls are there answer: 2

Soft prompts later replace the description.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from viper.builtin.questions import KINDS, Kind
from viper.builtin.train.captions import ATTRIBUTES, random_caption
from viper.builtin.words import SPELLINGS

__all__ = ["MAX_OBJECTS", "answer_to", "description", "question_about"]

MAX_OBJECTS = 10
"""Objects in a view, at most."""
_PRONOUNS = ("it", "this", "that", "the object", "the thing", "this object")
_FORMS: dict[Kind, tuple[str, ...]] = {
    "name": ("what is {}",),
    "color": ("what color is {}", "what colour is {}", "what is the color of {}"),
    "shape": ("what shape is {}", "what is the shape of {}"),
    "material": ("what is {} made of", "what material is {}", "what is the material of {}"),
    "size": ("what size is {}", "how big is {}", "how large is {}", "what is the size of {}"),
    "count": ("how many {} are there", "how many {}", "how many {} are visible"),
}
_NOUNS = {"cube": ("cube", "block"), "sphere": ("sphere", "ball"), "cylinder": ("cylinder",)}
_PLURALS = {"cube": "cubes", "sphere": "spheres", "cylinder": "cylinders", "thing": "things"}


def description(objects: Sequence[dict[str, Any]], rng: random.Random) -> str:
    """Return a text with all attributes of the objects of a view."""
    parts = []
    for item in objects:
        words = [rng.choice(SPELLINGS[str(item[name])]) for name in ATTRIBUTES]
        if rng.random() < 0.7:
            rng.shuffle(words)
        parts.append(" ".join(words))
    if len(objects) == 1:
        return parts[0]
    return f"{len(objects)} things: {', '.join(parts)}"


def question_about(objects: Sequence[dict[str, Any]], rng: random.Random) -> tuple[str, str]:
    """Return a question about a view with these objects, and its answer."""
    if len(objects) == 1:
        kind: Kind = rng.choice(KINDS)
    else:
        kind = "name" if rng.random() < 0.1 else "count"
    form = rng.choice(_FORMS[kind])
    if kind == "count":
        conditions = _conditions(objects, rng)
        return form.format(_phrase(conditions, rng)), answer_to(kind, objects, conditions)
    if len(objects) == 1 and rng.random() < 0.4:
        noun = rng.choice(_NOUNS[str(objects[0]["shape"])])
        return form.format(f"the {noun}"), answer_to(kind, objects)
    return form.format(rng.choice(_PRONOUNS)), answer_to(kind, objects)


def answer_to(
    kind: Kind, objects: Sequence[dict[str, Any]], conditions: dict[str, str] | None = None
) -> str:
    """Return the right answer to a question.

    Args:
        kind: Of the question.
        objects: In the view.
        conditions: For "count": attribute → value of the objects to count.
    """
    if kind == "count":
        wanted = (conditions or {}).items()
        return str(sum(all(item[name] == value for name, value in wanted) for item in objects))
    if kind != "name":
        return str(objects[0][kind])
    if len(objects) > 1:
        return f"{len(objects)} things"
    return " ".join(str(objects[0][name]) for name in ATTRIBUTES)


def _conditions(objects: Sequence[dict[str, Any]], rng: random.Random) -> dict[str, str]:
    """Return conditions on the objects to count, mostly such that some object meets them."""
    names = [name for name in ATTRIBUTES if rng.random() < 0.35]
    if rng.random() < 0.75:
        item = rng.choice(objects)
        return {name: str(item[name]) for name in names}
    return dict(random_caption(rng).conditions)


def _phrase(conditions: dict[str, str], rng: random.Random) -> str:
    adjectives = [
        rng.choice(SPELLINGS[conditions[name]])
        for name in ("size", "color", "material")
        if name in conditions
    ]
    noun = conditions.get("shape", "thing")
    plural = _PLURALS[noun]
    if rng.random() < 0.4:
        plural = {"cubes": "blocks", "spheres": "balls", "things": "objects"}.get(plural, plural)
    return " ".join([*adjectives, plural])
