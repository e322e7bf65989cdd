"""Base of the chart parser: the tokens of one question, and the parses that the rules find in them.

A rule is a method that takes a position and yields parses: values, each with the position after its
last word, the preferred one first. The chart keeps one parse per rule, position and end, so that no
rule runs twice at a position: although the parser explores all readings of an ambiguous question, the
time stays polynomial in the number of words. Parses and nested rules are counted, and a question that needs
far more than real ones do is refused.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar, cast

from viper.errors import GenerationError
from viper.generate.grammar.logical_form import Query
from viper.generate.grammar.vocabulary.tokens import Token
from viper.texts.places import quoted

__all__ = ["Chart", "Parses", "Queries", "combined", "rule", "unique_ends"]

# Of 4,000 real questions and referring expressions, none needs more than 1,050 steps (5 ms) and 35 nested
# rules; each of these takes about four frames of Python's stack.
_MOST_STEPS = 5_000
_MOST_NESTED = 100

T = TypeVar("T")
P = ParamSpec("P")
Parses = Iterable[tuple[T, int]]
"""Values, each with the position of the first word after it, the preferred one first."""
Queries = Parses[Query]


class Chart:
    """The tokens of one question and the parses found so far.

    Args:
        tokens: The words of the question.
        telegraphic: True if articles and function words may be missing ("left guy blue shirt").
    """

    def __init__(self, tokens: Sequence[Token], *, telegraphic: bool = False) -> None:
        self.tokens = tuple(tokens)
        self.texts = tuple(token.text for token in tokens)
        self.telegraphic = telegraphic
        self.furthest = 0
        """The furthest position that a rule has reached."""
        self.cache: dict[tuple[object, ...], list[tuple[Any, int]]] = {}
        """Rule, position and flags → its parses."""
        self._steps = 0
        self._nested = 0

    def step(self) -> None:
        """Count a rule that is asked, or a parse that it yields.

        Raises:
            GenerationError: The question needs far more steps than real ones do.
        """
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise self._too_complex()

    def counted(self, parses: Parses[T]) -> Parses[T]:
        """Yield parses, and count them.

        Raises:
            GenerationError: As for `step`, or rules are nested too deeply.
        """
        self._nested += 1
        if self._nested > _MOST_NESTED:
            raise self._too_complex()
        for parse in parses:
            self.step()
            yield parse
        self._nested -= 1

    def _too_complex(self) -> GenerationError:
        return GenerationError(
            f"The question {quoted(self.source(0, self.end), 80)} … can be read in too many ways. Ask a "
            "shorter one, or use a language model: --generator openai:MODEL"
        )

    @property
    def end(self) -> int:
        """Position after the last word."""
        return len(self.texts)

    def text(self, at: int) -> str:
        """Return the word at a position, "" after the end."""
        return self.texts[at] if 0 <= at < len(self.texts) else ""

    def after(self, at: int, phrases: str) -> int | None:
        """Return the position after the first of the phrases that matches here, None if none does.

        Args:
            at: Where the phrase begins.
            phrases: Alternatives such as "made of|made out of"; an empty one always matches.
        """
        for words in _alternatives(phrases):
            if self.texts[at : at + len(words)] == words:
                self.furthest = max(self.furthest, at + len(words))
                return at + len(words)
        return None

    def behind(self, at: int, phrases: str) -> tuple[int, ...]:
        """Return the result of `after` as a tuple of at most one position, to loop over in a rule."""
        end = self.after(at, phrases)
        return () if end is None else (end,)

    def optional(self, at: int, phrases: str) -> int:
        """Return the position after one of the phrases if it matches here, else the position."""
        return self.after(at, phrases) or at

    def word_in(self, at: int, words: str) -> bool:
        """Report whether the word at a position is one of those given, such as "is|are"."""
        return self.text(at) in words.split("|")

    def skip(self, at: int, words: str | Collection[str]) -> int:
        """Return the position after a run of any of the given words that begins here."""
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
    """Return all sequences of the alternatives: "on|in" and "it" → "on it|in it"."""
    phrases = itertools.product(*(part.split("|") for part in parts))
    return "|".join(" ".join(phrase).strip() for phrase in phrases)


def rule(method: Callable[P, Parses[T]]) -> Callable[P, list[tuple[T, int]]]:
    """Cache the parses of a rule at each position, and record how far it got.

    Args:
        method: Takes the chart, a position, and flags.
    """

    @functools.wraps(method)
    def cached(*args: P.args, **kwargs: P.kwargs) -> list[tuple[T, int]]:
        chart, *place = cast("tuple[Chart, int]", args)
        key = (method.__qualname__, *place)
        chart.step()
        if key in chart.cache:
            return chart.cache[key]
        chart.cache[key] = []  # a left-recursive call finds nothing
        parses = []
        if place[0] <= chart.end:
            parses = unique_ends(chart.counted(method(*args, **kwargs)))
        chart.cache[key] = parses
        chart.furthest = max(chart.furthest, *(end for _, end in parses), 0)
        return parses

    return cached


def unique_ends(parses: Parses[T]) -> list[tuple[T, int]]:
    """Return the first parse of each end position, the longest first."""
    by_end: dict[int, T] = {}
    for value, end in parses:
        by_end.setdefault(end, value)
    return sorted(((by_end[end], end) for end in by_end), key=lambda parse: -parse[1])
