"""Question frames for existence and number.

    Is there a dog but no cat?      Are there more dogs than cats?      How many people wear hats?

A frame is the fixed words of a question form, with slots for noun phrases. It is a method that yields
parses of the question; the first that uses every word is the meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from viper.generate.grammar.description import Description, flat
from viper.generate.grammar.logical_form import (
    Both,
    CompareCounts,
    Comparison,
    Count,
    Either,
    Exists,
    Isnt,
    YesNo,
)
from viper.generate.grammar.reading.chart import Parses, Queries, combined
from viper.generate.grammar.reading.lists import ListChart, Listed, shared
from viper.generate.grammar.vocabulary.word_table import word_table
from viper.generate.grammar.vocabulary.words import number_of

__all__ = ["ExistenceChart", "exists"]

_THERE_IS = (
    "is there|are there|was there|were there|do you see|can you see|could you see|"
    "can we see|do we see|do you notice|can you spot|can you find|do you spot|"
    "can i see|does it show|does it contain|is it showing|there is|there are|"
    "there was|there were|i see|i can see|we see|you can see"
)
_IMAGE_SHOWS = combined(
    "does the|does this|does|is the|is this",
    "picture|image|photo|scene",
    "show|contain|have|depict|include|feature|showing",
)
_MANY_BEHIND = (
    "are there|is there|do you see|can you see|can be seen|do you count|do we see|"
    "are visible|are shown|are pictured|are present|are seen|there are|exist|"
    "are in total"
)
_JOINTS = "and|or|nor|but"
_BEFORE_NEXT = "also|is|are|there|either"
_COUNTED = (
    "how many|what number of|what is the number of|count the number of|count how many|"
    "count all the|count the|count|the number of|number of|what is the total number of"
)


def _comparisons(text: str) -> Mapping[str, Comparison]:
    return cast("Mapping[str, Comparison]", word_table(text, "|"))


_COMPARED = _comparisons(
    """
    >: more
    <: fewer|less
    >=: at least as many
    ==: as many|the same number of|an equal number of|the same amount of
    """
)
_NUMBERED = _comparisons(
    """
    >: more than|over
    <: fewer than|less than
    >=: at least
    <=: at most
    ==: exactly|only
    """
)
_NUMBERS_COMPARED = _comparisons(
    """
    >: greater than|more than|larger than
    <: less than|fewer than|smaller than
    ==: the same as|equal to
    """
)
_PROPERTIES = frozenset("color size shape material".split())
"""Nouns that are not objects: "how many colors are there?" cannot be answered by detecting colors."""


class ExistenceChart(ListChart):
    """Reads questions of existence and number."""

    def existence(self) -> Queries:
        """Read "Is there a dog?", "Do you see cars or buses?", "There is no cat."."""
        for start in self.behind(0, f"{_THERE_IS}|{_IMAGE_SHOWS}"):
            if self.text(start) == "not":
                for query, end in self._there(start + 1):
                    yield Isnt(query), end
            yield from self._there(start)

    def _there(self, at: int) -> Parses[YesNo]:
        yield from self._compared_counts(at)
        yield from self._numbered(at)
        lead = self.text(at)
        if lead in ("both", "either", "neither"):
            for parts, end, _ in self._listed(at + 1):
                if len(parts) > 1:
                    query = Both(tuple(parts)) if lead == "both" else Either(tuple(parts))
                    yield (Isnt(query) if lead == "neither" else query), end
        for parts, end, word in self._listed(at):
            if len(parts) == 1:
                yield parts[0], end
            else:
                yield (Both(tuple(parts)) if word == "and" else Either(tuple(parts))), end

    def _listed(self, at: int) -> Iterator[tuple[list[YesNo], int, str]]:
        """Yield existence queries of coordinated objects, with the conjunction."""
        for items, end, word in self._negatable_items(at):
            if any(negated for _, negated in items):
                wholes = [item.whole for item, _ in items]
            else:
                wholes = shared([item for item, _ in items], joined_by_and=word == "and")
            parts: list[YesNo] = [exists(whole) for whole in wholes]
            for at, (_, negated) in enumerate(items):
                if negated:
                    parts[at] = Isnt(parts[at])
            yield parts, end, word

    def _negatable_items(self, at: int) -> Iterator[tuple[list[tuple[Listed, bool]], int, str]]:
        """Yield coordinated objects, each with whether it is negated, and the conjunction."""
        negated = self.word_in(at, "no|not")
        for item, end in self.item(at + negated):
            behind = self.skip(end, ",")
            word = self.text(behind)
            joined = self.word_in(behind, _JOINTS)
            if joined or behind != end:
                start = self.skip(behind + joined, _BEFORE_NEXT)
                for rest, stop, inner in self._negatable_items(start):
                    kind = "and" if word in ("and", "but") else "or" if joined else inner
                    yield [(item, negated), *rest], stop, kind
            yield [(item, negated)], end, "and"

    def _compared_counts(self, at: int) -> Parses[YesNo]:
        for words, comparison in _COMPARED.items():
            for start in self.behind(at, words):
                for first, end in self.description(start):
                    for middle in self.behind(end, "than|as|and"):
                        for second, stop in self.description(self.skip(middle, "there|are")):
                            yield CompareCounts(first, comparison, second), stop

    def _numbered(self, at: int) -> Parses[YesNo]:
        for words, comparison in _NUMBERED.items():
            start = at + len(words.split())
            number = number_of(self.text(start))
            # Compared without `after`, so that "only" without a number does not count as understood.
            if number is None or self.texts[at:start] != tuple(words.split()):
                continue
            for what, end in self.description(start + 1):
                yield Exists(what, comparison, number), end

    def compared_numbers(self) -> Queries:
        """Read "Is the number of cubes greater than the number of balls?"."""
        start = self.after(0, "is the number of")
        for first, end in self.description(start) if start is not None else ():
            for words, comparison in _NUMBERS_COMPARED.items():
                for behind in self.behind(end, words):
                    behind = self.optional(behind, "the number of|that of")
                    for second, stop in self.description(behind):
                        yield CompareCounts(first, comparison, second), stop

    def counting(self) -> Queries:
        """Read "How many people are left of the car?"."""
        start = self.after(0, _COUNTED)
        if start is None:
            return
        for what, end in self.description(self.optional(start, "of")):
            if what.noun in _PROPERTIES:
                continue
            yield Count(what), end
            for last in self.behind(end, "are|is"):
                # "How many people are (in this photo)?", not "how many cats and dogs are (there)?"
                if last == self.end and "and" not in self.texts[start:end]:
                    yield Count(what), last
            for there in self.behind(end, _MANY_BEHIND):
                for conditions, stop in self.tail(there, False, self.is_animate(what.noun)):
                    yield Count(what.having(*conditions)), stop
            for condition, stop in self.clause(end):
                yield Count(what.having(*flat(condition))), stop


def exists(what: Description) -> Exists:
    """Return the query for whether such an object exists, or exactly that number of them."""
    if what.number is not None:
        return Exists(replace(what, number=None), "==", what.number)
    return Exists(what)
