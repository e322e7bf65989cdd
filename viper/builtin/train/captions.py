"""Captions of things: every way to say some of what is true of one of them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from viper.builtin.words import SPELLINGS

__all__ = ["Caption", "caption_of", "random_caption", "strange_caption"]

_ATTRIBUTES = ("size", "color", "material")
_NOTHING = ("color", "none of them")
# A condition that no thing meets.
_STRANGE = "strange"
# A word that is not in the vocabulary; to the text encoder all such words are one.
_CONTENT = frozenset(word for words in SPELLINGS.values() for word in words)


@dataclass(frozen=True, slots=True)
class Caption:
    """A text, and what must be true of a thing for it to fit."""

    text: str
    conditions: tuple[tuple[str, str], ...]
    """Pairs of an attribute and its value, such as ("color", "red")."""

    def fits(self, thing: dict[str, Any]) -> bool:
        """Tell whether the caption is true of a thing of a CLEVR scene."""
        return all(thing[attribute] == value for attribute, value in self.conditions)


def caption_of(thing: dict[str, Any], dice: random.Random) -> Caption:
    """Return a random caption that is true of a thing: "red", "the small ball", "thing that is shiny"."""
    said = [a for a in _ATTRIBUTES if dice.random() < 0.5]
    named = dice.random() < 0.6
    conditions = [(a, str(thing[a])) for a in said]
    noun = _word(str(thing["shape"]) if named else "thing", dice)
    adjectives = [_word(value, dice) for _, value in conditions]
    if adjectives and not named and dice.random() < 0.4:
        return Caption(" ".join(adjectives), tuple(conditions))
    if named:
        conditions.append(("shape", str(thing["shape"])))
    return Caption(_phrase(adjectives, noun, dice), tuple(conditions))


def random_caption(dice: random.Random) -> Caption:
    """Return a caption of a thing that need not exist."""
    thing = {
        "size": dice.choice(("small", "large")),
        "color": dice.choice(tuple(SPELLINGS)[:8]),
        "material": dice.choice(("rubber", "metal")),
        "shape": dice.choice(("cube", "sphere", "cylinder")),
    }
    return caption_of(thing, dice)


def strange_caption(dice: random.Random) -> Caption:
    """Return a caption with a word that the models do not know, and which therefore fits nothing."""
    words = random_caption(dice).text.split()
    known = [number for number, word in enumerate(words) if word in _CONTENT]
    for number in dice.sample(known, dice.randint(1, len(known))):
        words[number] = _STRANGE
    return Caption(" ".join(words), (_NOTHING,))


def _word(meaning: str, dice: random.Random) -> str:
    words = SPELLINGS[meaning]
    return words[0] if dice.random() < 0.4 else dice.choice(words)


def _phrase(adjectives: list[str], noun: str, dice: random.Random) -> str:
    if dice.random() < 0.25:
        dice.shuffle(adjectives)
    article = dice.choice(("", "", "a ", "the "))
    if adjectives and dice.random() < 0.25:
        last = adjectives.pop()
        return " ".join([article.strip(), *adjectives, noun, "that is", last]).strip()
    return (article + " ".join([*adjectives, noun])).strip()
