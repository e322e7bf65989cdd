"""The texts that the built-in language model is trained on: descriptions, questions, answers; no picture.

    small shiny red block question: what color is it answer: red
    3 things: red cube small metal, big ball gray rubber, … question: how many balls are there answer: 2

Soft prompts later stand where the description stands here.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from viper.builtin.questions import KINDS, Kind
from viper.builtin.train.captions import random_caption
from viper.builtin.words import SPELLINGS

__all__ = ["MOST", "answer_to", "described", "question_about", "random_thing"]

MOST = 10
"""Things in a view, at most."""
_ATTRIBUTES = ("size", "color", "material", "shape")
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


def random_thing(dice: random.Random) -> dict[str, str]:
    """Return a thing as in a CLEVR scene."""
    return {
        "size": dice.choice(("small", "large")),
        "color": dice.choice(tuple(SPELLINGS)[:8]),
        "material": dice.choice(("rubber", "metal")),
        "shape": dice.choice(("cube", "sphere", "cylinder")),
    }


def described(things: Sequence[dict[str, Any]], dice: random.Random) -> str:
    """Return a text that says everything about the things of a view."""
    parts = []
    for thing in things:
        words = [dice.choice(SPELLINGS[str(thing[name])]) for name in _ATTRIBUTES]
        if dice.random() < 0.7:
            dice.shuffle(words)
        parts.append(" ".join(words))
    if len(things) == 1:
        return parts[0]
    return f"{len(things)} things: {', '.join(parts)}"


def question_about(things: Sequence[dict[str, Any]], dice: random.Random) -> tuple[str, str]:
    """Return a question about a view with these things, and its answer."""
    if len(things) == 1:
        kind: Kind = dice.choice(KINDS)
    else:
        kind = "name" if dice.random() < 0.1 else "count"
    form = dice.choice(_FORMS[kind])
    if kind == "count":
        wanted = _wanted(things, dice)
        return form.format(_phrase(wanted, dice)), answer_to(kind, things, wanted)
    if len(things) == 1 and dice.random() < 0.4:
        noun = dice.choice(_NOUNS[str(things[0]["shape"])])
        return form.format(f"the {noun}"), answer_to(kind, things)
    return form.format(dice.choice(_PRONOUNS)), answer_to(kind, things)


def answer_to(
    kind: Kind, things: Sequence[dict[str, Any]], wanted: dict[str, str] | None = None
) -> str:
    """Return the answer that the model shall give.

    Args:
        kind: Of the question.
        things: In the view.
        wanted: For "count": attribute → value of what is counted.
    """
    if kind == "count":
        conditions = (wanted or {}).items()
        return str(sum(all(t[name] == v for name, v in conditions) for t in things))
    if kind != "name":
        return str(things[0][kind])
    if len(things) > 1:
        return f"{len(things)} things"
    return " ".join(str(things[0][name]) for name in _ATTRIBUTES)


def _wanted(things: Sequence[dict[str, Any]], dice: random.Random) -> dict[str, str]:
    """Return conditions on what is counted, mostly such that something fulfils them."""
    names = [name for name in _ATTRIBUTES if dice.random() < 0.35]
    if dice.random() < 0.75:
        model = dice.choice(things)
        return {name: str(model[name]) for name in names}
    caption = random_caption(dice)
    return dict(caption.conditions)


def _phrase(wanted: dict[str, str], dice: random.Random) -> str:
    adjectives = [
        dice.choice(SPELLINGS[wanted[name]])
        for name in ("size", "color", "material")
        if name in wanted
    ]
    noun = wanted.get("shape", "thing")
    plural = _PLURALS[noun]
    if dice.random() < 0.4:
        plural = {"cubes": "blocks", "spheres": "balls", "things": "objects"}.get(plural, plural)
    return " ".join([*adjectives, plural])
