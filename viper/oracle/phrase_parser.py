"""From a phrase to the terms that an object must have: "the small shiny cube" → small, metal, cube.

Articles, "and" and function words are ignored; of the rest the longest phrase in the vocabulary is matched
first, its last word also in the plural. A relation includes the noun phrase after it: "holding a red cup"
is the one term "holding red cup". A word outside the vocabulary becomes `UNKNOWN`, which holds for no
object: a phrase with a misspelt word fits nothing; the word is not ignored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from viper.vocabulary.categories import singular
from viper.vocabulary.text_cache import cached_by_text

__all__ = ["UNKNOWN", "PhraseParser", "content_words", "relation_term", "singular_noun"]

UNKNOWN = "?"
"""The term of every word outside the vocabulary."""

# Never part of a term: "black and white" is black, white.
_IGNORED = frozenset("a an the and".split())
_FUNCTION_WORDS = frozenset(
    "that which who is are was be its it this there of in with and at to for made colored coloured "
    "color colour material shape size photo picture image kind type some any".split()
)
# Nouns that only look like a plural: a pair of glasses is not a glass.
_NO_PLURALS = frozenset(
    "binoculars blinds clothes glasses goggles headphones jeans leggings pants scissors shorts skis "
    "stairs sunglasses tongs trousers".split()
)
# Missing or wrong in the dictionary.
_PLURALS = {"people": "person", "leaves": "leaf"}
_SPELLINGS = {"grey": "gray"}


class PhraseParser:
    """Parses phrases with the vocabulary of a scene file.

    Args:
        nouns: Name → term. A plural of the last word is recognized as well.
        attributes: Attribute → term.
        relations: Predicates, such as "holding" or "to the left of".
        relation_terms: Terms of a predicate with its target, such as "holding cup".
    """

    def __init__(
        self,
        nouns: Mapping[str, str],
        attributes: Mapping[str, str],
        relations: Collection[str] = (),
        relation_terms: Collection[str] = (),
    ) -> None:
        self.nouns = frozenset(nouns.values())
        """Terms that name objects."""
        predicates = {spoken: " ".join(content_words(spoken)) for spoken in relations}
        self._nouns, self._attributes, self._relations = tables = [
            # A key without words, such as that of the predicate "a", would match everywhere.
            {words: term for spoken, term in table.items() if (words := content_words(spoken))}
            for table in (nouns, attributes, predicates)
        ]
        self.predicates = frozenset(self._relations.values())
        self._relation_terms = frozenset(relation_terms)
        self.terms = tuple(
            sorted(self.nouns.union(attributes.values(), self.predicates, relation_terms))
        )
        """All terms, sorted."""
        self._longest = max((len(key) for table in tables for key in table), default=1)

    def parse(self, phrase: str) -> tuple[str, ...]:
        """Return the terms of a phrase in the order of its words, repetitions included.

        A phrase without any content gives `(UNKNOWN,)`.
        """
        rest = content_words(phrase)
        terms: list[str] = []
        while rest:
            matches = (self._noun(rest), self._attribute(rest), self._relation(rest))
            # One without unknown terms first, then the longest.
            best = max(matches, key=lambda match: (match.is_complete, match.length))
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
        """Return the words after the first name in a phrase: "cup red" → "red"; else the whole phrase."""
        rest = content_words(phrase)
        for at in range(len(rest)):
            if length := self._noun(rest[at:]).length:
                return " ".join(rest[at + length :]) or phrase
        return phrase

    def without_last(self, phrase: str, term: str) -> str:
        """Return a phrase without the words of its last term: "the man holding" → "man"."""
        return " ".join(content_words(phrase)[: -len(content_words(term))])

    def _beginnings(self, rest: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Yield the first words of a phrase, the longest that may be a term first."""
        for length in range(min(self._longest, len(rest)), 0, -1):
            yield rest[:length]

    def _noun(self, rest: tuple[str, ...]) -> _Match:
        for words in self._beginnings(rest):
            for key in (words, (*words[:-1], singular_noun(words[-1]))):
                if key in self._nouns:
                    return _Match((self._nouns[key],), len(words))
        return _NO_MATCH

    def _attribute(self, rest: tuple[str, ...]) -> _Match:
        for words in self._beginnings(rest):
            if words in self._attributes:
                return _Match((self._attributes[words],), len(words))
        return _NO_MATCH

    def _relation(self, rest: tuple[str, ...]) -> _Match:
        """Match a predicate with the noun phrase after it, or alone if none follows."""
        for words in self._beginnings(rest):
            predicate = self._relations.get(words)
            if predicate is None:
                continue
            adjectives, name, end = self._noun_phrase(rest, len(words))
            if name is not None:
                terms = (relation_term(predicate, name, word) for word in adjectives or ("",))
                allowed = (t if t in self._relation_terms else UNKNOWN for t in terms)
                return _Match(tuple(allowed), end)
            # "made of wood" is not a relation; "what is the orange in" ends with one.
            if predicate not in _FUNCTION_WORDS or words == rest:
                return _Match((predicate,), len(words))
        return _NO_MATCH

    def _noun_phrase(self, rest: tuple[str, ...], at: int) -> tuple[list[str], str | None, int]:
        """Match adjectives and a name from a position; return them and where they end."""
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


class _Match(NamedTuple):
    """The terms at the beginning of a phrase."""

    terms: tuple[str, ...]
    length: int
    """In words; 0 if there is no match."""

    @property
    def is_complete(self) -> bool:
        """True for a match without unknown terms."""
        return self.length > 0 and UNKNOWN not in self.terms


_NO_MATCH = _Match((), 0)


def relation_term(predicate: str, name: str, adjective: str = "") -> str:
    """Return the term of a relation to an object: "holding cup", "holding red cup"."""
    return f"{predicate} {adjective} {name}" if adjective else f"{predicate} {name}"


@cached_by_text(16_384, longest=200)
def content_words(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, without articles, "and" and punctuation."""
    found: list[str] = re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text.lower())
    return tuple(_SPELLINGS.get(word, word) for word in found if word not in _IGNORED)


@cached_by_text(16_384)
def singular_noun(word: str) -> str:
    """Return a noun in the singular; unchanged if it has none."""
    return word if word in _NO_PLURALS else _PLURALS.get(word) or singular(word)
