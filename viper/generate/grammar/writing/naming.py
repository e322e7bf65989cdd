"""Names of variables in programs: readable, and always plain identifiers.

A name is made of the letters of a noun, so no part of a question can become code.
"""

from __future__ import annotations

import builtins
import keyword
import re

from viper.generate.grammar.vocabulary.words import plural
from viper.generate.grammar.writing.helpers import HELPERS

__all__ = ["Names"]

_RESERVED = frozenset(
    (
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        *HELPERS,
        *"image image_patch execute_command ImagePatch find exists distance math re typing "
        "bool_to_yesno best_image_match llm_query process_guesses coerce_to_numeric score a b c "
        "size slack width height shared level beside above ends name names answer candidates".split(),
    )
)
_PLURALS = {"person": "people", "man": "men", "woman": "women", "child": "children"}
_UNCOUNTED = frozenset(
    "furniture clothing equipment luggage jewelry silverware food meat bread fruit water mud sand "
    "grass snow dirt hair ground".split()
)
"""Mass nouns, which have no plural."""
_LONGEST = 30


class Names:
    """Assigns unique variable names within one program."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def pair(self, noun: str) -> tuple[str, str]:
        """Return unused names for a list of objects and for its elements: `("dogs", "dog")`."""
        one = _identifier(noun)
        many = _plural(one)
        for prefix in ("", "other_", "further_"):
            if self._free(prefix + one) and self._free(prefix + many):
                return self._reserve(prefix + many), self._reserve(prefix + one)
        number = 2
        while not (self._free(f"{one}_{number}") and self._free(f"{many}_{number}")):
            number += 1
        return self._reserve(f"{many}_{number}"), self._reserve(f"{one}_{number}")

    def single(self, base: str) -> str:
        """Return an unused name like the given one."""
        name, number = _identifier(base), 2
        while not self._free(name):
            name = f"{_identifier(base)}_{number}"
            number += 1
        return self._reserve(name)

    def _free(self, name: str) -> bool:
        return name not in self._used and name not in _RESERVED

    def _reserve(self, name: str) -> str:
        self._used.add(name)
        return name


def _identifier(noun: str) -> str:
    words = re.findall(r"[a-z]+", noun.lower())
    return "_".join(words)[:_LONGEST].strip("_") or "thing"


def _plural(one: str) -> str:
    head, _, last = one.rpartition("_")
    stem = f"{head}_" if head else ""
    if last in _PLURALS:
        return stem + _PLURALS[last]
    many = last if last in _UNCOUNTED else plural(last)
    if many == last or not many.isidentifier():
        return f"{one}_patches"  # one of the furniture, of the sheep, of the scissors
    return stem + many
