"""Captions of objects: random texts that name some of their attributes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from viper.builtin.words import SPELLINGS

__all__ = [
    "ATTRIBUTES",
    "Caption",
    "caption_of",
    "random_caption",
    "random_object",
    "unfamiliar_caption",
]

ATTRIBUTES = {
    "size": ("small", "large"),
    "color": tuple(SPELLINGS)[:8],
    "material": ("rubber", "metal"),
    "shape": ("cube", "sphere", "cylinder"),
}
"""Attribute of a CLEVR object → its values."""
# A condition that no object meets.
_NO_OBJECT = ("color", "none of them")
# A word outside the vocabulary; the text encoder maps all such words to one token.
_UNFAMILIAR = "strange"
_CONTENT_WORDS = frozenset(word for words in SPELLINGS.values() for word in words)


@dataclass(frozen=True, slots=True)
class Caption:
    """A text, and the conditions under which it is true of an object."""

    text: str
    conditions: tuple[tuple[str, str], ...]
    """Pairs of an attribute and its value, such as ("color", "red")."""

    def fits(self, item: dict[str, Any]) -> bool:
        """Return whether the caption is true of an object of a CLEVR scene."""
        return all(item[attribute] == value for attribute, value in self.conditions)


def caption_of(item: dict[str, Any], rng: random.Random) -> Caption:
    """Return a random caption that is true of an object: "red", "the small ball", "thing that is shiny"."""
    chosen = [name for name in ("size", "color", "material") if rng.random() < 0.5]
    with_shape = rng.random() < 0.6
    conditions = [(name, str(item[name])) for name in chosen]
    noun = _word(str(item["shape"]) if with_shape else "thing", rng)
    adjectives = [_word(value, rng) for _, value in conditions]
    if adjectives and not with_shape and rng.random() < 0.4:
        return Caption(" ".join(adjectives), tuple(conditions))
    if with_shape:
        conditions.append(("shape", str(item["shape"])))
    return Caption(_phrase(adjectives, noun, rng), tuple(conditions))


def random_object(rng: random.Random) -> dict[str, str]:
    """Return random attributes of an object, as in a CLEVR scene."""
    return {name: rng.choice(values) for name, values in ATTRIBUTES.items()}


def random_caption(rng: random.Random) -> Caption:
    """Return a caption of a random object."""
    return caption_of(random_object(rng), rng)


def unfamiliar_caption(rng: random.Random) -> Caption:
    """Return a caption with a word outside the vocabulary, which is true of no object."""
    words = random_caption(rng).text.split()
    content = [number for number, word in enumerate(words) if word in _CONTENT_WORDS]
    for number in rng.sample(content, rng.randint(1, len(content))):
        words[number] = _UNFAMILIAR
    return Caption(" ".join(words), (_NO_OBJECT,))


def _word(meaning: str, rng: random.Random) -> str:
    words = SPELLINGS[meaning]
    return words[0] if rng.random() < 0.4 else rng.choice(words)


def _phrase(adjectives: list[str], noun: str, rng: random.Random) -> str:
    if rng.random() < 0.25:
        rng.shuffle(adjectives)
    article = rng.choice(("", "", "a ", "the "))
    if adjectives and rng.random() < 0.25:
        last = adjectives.pop()
        return " ".join([article.strip(), *adjectives, noun, "that is", last]).strip()
    return (article + " ".join([*adjectives, noun])).strip()
