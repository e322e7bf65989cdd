"""Rules for coordinated noun phrases, and which modifiers belong to all of them.

    a red train or bus                  the bus is red, too
    a chair or a bag that is green      so is the chair
    a red car or a blue bus             each has a color of its own
    a soccer or baseball game           both are games

Modifiers before the first noun also hold for a later noun that has neither modifiers nor an article;
conditions after the last noun also hold for earlier nouns that have none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from viper.generate.grammar.description import Condition, Description, Pick
from viper.generate.grammar.reading.chart import Parses
from viper.generate.grammar.reading.phrases import resolved
from viper.generate.grammar.reading.unions import UnionChart

__all__ = ["ListChart", "Listed", "shared", "with_head"]

_SHARED_HEADS = frozenset(
    "player game match team cake sauce pie juice sandwich salad soup ball bat court field room".split()
)
"""Nouns that may be omitted before "or": "a soccer or baseball game"."""
_DETERMINERS = "a|an|the|any|some|this|that|these|those|no|another"


@dataclass(frozen=True, slots=True)
class Listed:
    """One member of a coordination, before modifiers are shared."""

    base: Description
    """With the conditions before the noun."""
    behind: tuple[Condition, ...]
    """The conditions after the noun."""
    bare: bool
    """True without an article."""

    @property
    def whole(self) -> Description:
        """The object with all its conditions."""
        return resolved(self.base.having(*self.behind))


class ListChart(UnionChart):
    """Reads noun phrases joined by "and", "or" and commas."""

    def item(self, at: int) -> Parses[Listed]:
        """Yield the parses of one member of a coordination."""
        bare = not self.word_in(at, _DETERMINERS)
        for base, end in self.noun_phrase(at):
            for behind, stop in self.tail(end, False, self.is_animate(base.noun)):
                yield Listed(base, behind, bare), stop

    def alternatives(self, at: int) -> Parses[list[Description]]:
        """Yield noun phrases joined by "or", with shared modifiers distributed."""
        for items, end in self._items(self.skip(at, "either")):
            yield shared(items), end

    def _items(self, at: int) -> Parses[list[Listed]]:
        for first, end in self.item(at):
            behind = self.skip(end, ",")
            if self.text(behind) == "or" or behind != end:
                behind += self.text(behind) == "or"
                start = self.skip(behind, "maybe|perhaps|is|it")
                for rest, stop in self._items(start):
                    yield [first, *rest], stop
            yield [first], end


def with_head(items: list[Description]) -> tuple[list[Description], list[str]]:
    """Return the members with the head noun that only the last one names, and their answer texts.

    Args:
        items: At least one: "a soccer", "baseball game".

    Returns:
        "soccer game" and "baseball game"; the answers "soccer" and "baseball".
    """
    names = [item.head for item in items]
    before, _, head = names[-1].rpartition(" ")
    if head not in _SHARED_HEADS or not before or any(" " in name for name in names[:-1]):
        return items, names
    nouns = [f"{name} {head}" for name in names[:-1]]
    headed = [replace(item, noun=noun) for item, noun in zip(items, nouns, strict=False)]
    return [*headed, items[-1]], [*names[:-1], before]


def shared(items: list[Listed], *, joined_by_and: bool = False) -> list[Description]:
    """Return the members of a coordination, each with the shared modifiers.

    Args:
        items: At least one.
        joined_by_and: True for "paper cups and forks", where the words before the first noun are
            not shared.
    """
    kept = () if joined_by_and else items[0].base.conditions
    before = tuple(c for c in kept if not isinstance(c, Pick))
    behind = items[-1].behind
    wholes: list[Description] = []
    for position, item in enumerate(items):
        base = item.base
        if position and item.bare and not base.conditions:
            base = replace(base, conditions=before)
        tail = item.behind or (behind if position < len(items) - 1 else ())
        wholes.append(replace(item, base=base, behind=tail).whole)
    return wholes
