"""From a phrase to the terms that must hold: "the small shiny cube" → small, metal, cube.

Articles, "and" and function words mean nothing; of the rest the longest known phrase is read first, the last
word of it also in the plural. A relation takes the noun phrase after it along: "holding a red cup" is the
one term "holding red cup". What nobody knows becomes `UNKNOWN`, which holds of nothing: a misspelt or
unheard-of word is false, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from viper.vocabulary.categories import singular

__all__ = ["UNKNOWN", "Language", "one", "related", "words"]

UNKNOWN = "?"
"""The term of every word that the scenes do not know."""

_IGNORED = frozenset("a an the and".split())
# Never part of a term: "black and white" is black, white.
_FUNCTION_WORDS = frozenset(
    "that which who is are was be its it this there of in with and at to for made colored coloured "
    "color colour material shape size photo picture image kind type some any".split()
)
# Nouns that are no plural of what they look like: one pair of glasses is no glass.
_NO_PLURALS = frozenset(
    "binoculars blinds clothes glasses goggles headphones jeans leggings pants scissors shorts skis "
    "stairs sunglasses tongs trousers".split()
)
_PLURALS = {"people": "person", "leaves": "leaf"}
# Where the dictionary has none, or another word's.
_SPELLINGS = {"grey": "gray"}


class Language:
    """The words of a file of scenes.

    Args:
        nouns: Spoken name → term. The plural of the last word is understood by itself.
        attributes: Spoken attribute → term.
        relations: Predicates, such as "holding" or "to the left of".
        related: Terms made of a predicate and what it leads to, such as "holding cup".
    """

    def __init__(
        self,
        nouns: Mapping[str, str],
        attributes: Mapping[str, str],
        relations: Collection[str] = (),
        related: Collection[str] = (),
    ) -> None:
        self.nouns = frozenset(nouns.values())
        """Terms that are names of things."""
        self._nouns = {words(spoken): term for spoken, term in nouns.items()}
        self._attributes = {words(spoken): term for spoken, term in attributes.items()}
        self._relations = {words(spoken): " ".join(words(spoken)) for spoken in relations}
        # A key without words, such as that of the predicate "a", would match everywhere.
        for table in (self._nouns, self._attributes, self._relations):
            table.pop((), None)
        self.predicates = frozenset(self._relations.values())
        self._related = frozenset(related)
        self.terms = tuple(
            sorted({*self.nouns, *attributes.values(), *self._relations.values(), *self._related})
        )
        """All terms, sorted."""
        tables = (self._nouns, self._attributes, self._relations)
        self._longest = max((len(key) for table in tables for key in table), default=1)

    def read(self, phrase: str) -> tuple[str, ...]:
        """Return the terms of a phrase in the order of its words, repetitions included.

        A phrase without any content gives `(UNKNOWN,)`: nothing was said that could be true.
        """
        rest = words(phrase)
        terms: list[str] = []
        while rest:
            readings = (self._noun(rest), self._attribute(rest), self._relation(rest))
            # A known reading before an unknown one, then the longest.
            best = max(readings, key=lambda reading: (reading.is_known, reading.length))
            if best.length:
                terms += best.terms
            elif rest[0] not in _FUNCTION_WORDS:
                terms.append(UNKNOWN)
            rest = rest[max(best.length, 1) :]
        return tuple(terms) or (UNKNOWN,)

    def head(self, terms: tuple[str, ...]) -> str | None:
        """Return the name among the terms of a noun phrase: its last one, as in "apple pie"."""
        return next((term for term in reversed(terms) if term in self.nouns), None)

    def after_name(self, phrase: str) -> str:
        """Return what a phrase says after its first name: "cup red" → "red"; else all of it."""
        rest = words(phrase)
        for at in range(len(rest)):
            length = self._noun(rest[at:]).length
            if length:
                return " ".join(rest[at + length :]) or phrase
        return phrase

    def without_last(self, phrase: str, term: str) -> str:
        """Return a phrase less the words of its last term: "the man holding" → "man"."""
        return " ".join(words(phrase)[: -len(words(term))])

    def _noun(self, rest: tuple[str, ...]) -> _Reading:
        for length in range(min(self._longest, len(rest)), 0, -1):
            *first, last = rest[:length]
            for key in (rest[:length], (*first, one(last))):
                if key in self._nouns:
                    return _Reading((self._nouns[key],), length)
        return _NOTHING

    def _attribute(self, rest: tuple[str, ...]) -> _Reading:
        for length in range(min(self._longest, len(rest)), 0, -1):
            if rest[:length] in self._attributes:
                return _Reading((self._attributes[rest[:length]],), length)
        return _NOTHING

    def _relation(self, rest: tuple[str, ...]) -> _Reading:
        """Read a predicate with the noun phrase after it, or alone where none follows."""
        for length in range(min(self._longest, len(rest)), 0, -1):
            predicate = self._relations.get(rest[:length], "")
            if not predicate:
                continue
            adjectives, name, end = self._noun_phrase(rest, length)
            if name is not None:
                terms = [related(predicate, name, adjective) for adjective in adjectives or ("",)]
                return _Reading(tuple(t if t in self._related else UNKNOWN for t in terms), end)
            # "made of wood" is no relation; "what is the orange in" ends with one.
            if predicate not in _FUNCTION_WORDS or length == len(rest):
                return _Reading((predicate,), length)
        return _NOTHING

    def _noun_phrase(self, rest: tuple[str, ...], at: int) -> tuple[list[str], str | None, int]:
        """Read adjectives and a name from a place on; return them and where they end."""
        adjectives: list[str] = []
        while at < len(rest):
            noun, attribute = self._noun(rest[at:]), self._attribute(rest[at:])
            # "glass table": an attribute where a name still follows, else a name.
            describes = attribute.length >= max(noun.length, 1) and (
                not noun.length or self._noun(rest[at + attribute.length :]).length > 0
            )
            if not describes:
                return adjectives, next(iter(noun.terms), None), at + noun.length
            adjectives += attribute.terms
            at += attribute.length
        return adjectives, None, at


class _Reading(NamedTuple):
    """What the front of a phrase was taken for."""

    terms: tuple[str, ...]
    length: int
    """In words; 0 where there is no such reading."""

    @property
    def is_known(self) -> bool:
        """True where there is a reading whose terms the scenes know."""
        return self.length > 0 and UNKNOWN not in self.terms


_NOTHING = _Reading((), 0)


def related(predicate: str, name: str, adjective: str = "") -> str:
    """Return the term of a relation to a thing: "holding cup", "holding red cup"."""
    return f"{predicate} {adjective} {name}" if adjective else f"{predicate} {name}"


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, without articles, "and" and punctuation."""
    found: list[str] = re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text.lower())
    return tuple(_SPELLINGS.get(word, word) for word in found if word not in _IGNORED)


@lru_cache(maxsize=65536)
def one(word: str) -> str:
    """Return a noun in the singular; what has none stays as it is."""
    if word in _NO_PLURALS:
        return word
    return _PLURALS[word] if word in _PLURALS else singular(word)
