"""The words of one question, and the rules' results at each of them.

A rule is a method that takes a position and returns its readings there: values with the position
behind them, the preferred one first, at most one per end. Results are kept, so that no rule is
worked out twice at a place: time stays polynomial in the (bounded) number of words although all
readings are tried.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeVar, cast

from viper.generate.grammar.vocabulary.tokens import Token

__all__ = ["Chart", "Readings", "combined", "rule", "unique_ends"]

T = TypeVar("T")
Readings = list[tuple[T, int]]
"""Values, each with the position of the first word behind it."""
Method = TypeVar("Method", bound=Callable[..., Any])


class Chart:
    """Words with a memory for rules.

    Args:
        tokens: The words of the question.
        telegraphic: True where articles and little words may be missing ("left guy blue shirt").
    """

    def __init__(self, tokens: Sequence[Token], *, telegraphic: bool = False) -> None:
        self.tokens = tuple(tokens)
        self.texts = tuple(token.text for token in tokens)
        self.telegraphic = telegraphic
        self.furthest = 0
        """Position up to which some rule has understood the words."""
        self._memory: dict[tuple[object, ...], Readings[Any]] = {}

    @property
    def end(self) -> int:
        """Position behind the last word."""
        return len(self.texts)

    def text(self, at: int) -> str:
        """Return the word at a position, "" behind the end."""
        return self.texts[at] if 0 <= at < len(self.texts) else ""

    def after(self, at: int, phrases: str) -> int | None:
        """Return the position behind the first of the phrases that matches here, None if none does.

        Args:
            at: Where the phrase begins.
            phrases: Alternatives such as "made of|made out of"; an empty one always matches.
        """
        for words in _alternatives(phrases):
            if self.texts[at : at + len(words)] == words:
                self.furthest = max(self.furthest, at + len(words))
                return at + len(words)
        return None

    def word_in(self, at: int, words: str) -> bool:
        """Report whether the word at a position is one of those given, such as "is|are"."""
        return self.text(at) in words.split("|")

    def skip(self, at: int, words: str | Collection[str]) -> int:
        """Return the position behind all of the given words that follow each other here."""
        skipped = words.split("|") if isinstance(words, str) else words
        while self.text(at) in skipped:
            at += 1
        return at

    def source(self, start: int, end: int) -> str:
        """Return a span as the user wrote it."""
        sources: list[str] = []
        for token in self.tokens[start:end]:
            if not sources or sources[-1] is not token.source:
                sources.append(token.source)
        return " ".join(sources)


@functools.cache
def _alternatives(phrases: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(phrase.split()) for phrase in phrases.split("|"))


def combined(*parts: str) -> str:
    """Return the alternatives that parts make in sequence: "on|in" and "it" → "on it|in it"."""
    phrases = itertools.product(*(part.split("|") for part in parts))
    return "|".join(" ".join(phrase).strip() for phrase in phrases)


def rule(method: Method) -> Method:
    """Keep a rule's readings per position and flags, and note how far it understood."""

    @functools.wraps(method)
    def remembered(self: Chart, at: int, *flags: bool) -> Readings[Any]:
        memory = self._memory
        key = (method.__qualname__, at, *flags)
        known = memory.get(key)
        if known is not None:
            return known
        memory[key] = []  # a rule that asks for itself at the same place finds nothing
        readings = unique_ends(method(self, at, *flags)) if at <= self.end else []
        memory[key] = readings
        for _, end in readings:
            self.furthest = max(self.furthest, end)
        return readings

    return cast("Method", remembered)


def unique_ends(readings: Iterable[tuple[T, int]]) -> Readings[T]:
    """Keep the first reading of every end; longest first."""
    by_end: dict[int, T] = {}
    for value, end in readings:
        by_end.setdefault(end, value)
    return [(by_end[end], end) for end in sorted(by_end, reverse=True)]
