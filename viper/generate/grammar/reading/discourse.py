"""Questions in two steps: "There is a big cube behind the ball; what is its color?".

The statement introduces an object, and the question refers to it by a pronoun. The parser resolves the
pronoun: the form holds the description itself, so later stages need not handle pronouns. A question
that does not use the introduced object is refused, because its form would ignore the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from viper.generate.grammar.description import Description
from viper.generate.grammar.logical_form import walk
from viper.generate.grammar.reading.chart import Parses, Queries, rule
from viper.generate.grammar.reading.in_situ import InSituChart
from viper.generate.grammar.vocabulary.lexicon import RESPECTS
from viper.generate.grammar.vocabulary.tokens import Token

__all__ = ["DiscourseChart"]

_INTRODUCTIONS = "there is|there are|i see|we see|you can see"
_PRONOUNS = frozenset("it they them he she him this these those".split())
_POSSESSIVES = frozenset("its their his her".split())
_SEPARATORS = frozenset({",", "."})


class DiscourseChart(InSituChart):
    """Reads whole questions, those in two steps first."""

    def frames(self) -> Queries:
        """Yield all readings of the question."""
        yield from self.introduced()
        yield from super().frames()

    def introduced(self) -> Queries:
        """Read "There is a cube; what color is it?": a statement, then a question about the object."""
        start = self.after(0, _INTRODUCTIONS)
        if start is None:
            return
        for introduced, end in self.description(start):
            referent = replace(introduced, article="the")
            if self.text(end) not in _SEPARATORS or end + 1 >= self.end:
                continue
            follow_up = _FollowUpChart(self.tokens[end + 1 :], referent)
            for query, stop in follow_up.frames():
                # A question that does not use the introduced object is not understood.
                if any(node is referent for node in walk(query)):
                    yield query, end + 1 + follow_up.consumed(stop)
            self.furthest = max(self.furthest, end + 1 + follow_up.consumed(follow_up.furthest))


class _FollowUpChart(InSituChart):
    """Reads a question whose pronouns refer to an object introduced before.

    Args:
        tokens: The words of the question.
        referent: The object that the pronouns refer to.
    """

    def __init__(self, tokens: Sequence[Token], referent: Description) -> None:
        rewritten, self._origins = _without_possessives(tokens)
        super().__init__(rewritten)
        self._referent = referent

    def consumed(self, position: int) -> int:
        """Return the number of the question's own words before a position of this chart."""
        return self._origins[position]

    @rule
    def description(self, at: int, nested: bool = False) -> Parses[Description]:
        """Read a noun phrase, or a pronoun that refers to the introduced object."""
        if self.text(at) in _PRONOUNS:
            return [(self._referent, at + 1)]
        return super().description(at, nested)

    def identity(self) -> Queries:
        """Yield nothing: "is it a dog?" asks about the introduced object, not about the image."""
        yield from ()

    def scene(self) -> Queries:
        """Yield nothing: the question is about the introduced object, not about the image."""
        yield from ()


def _without_possessives(tokens: Sequence[Token]) -> tuple[list[Token], list[int]]:
    """Write "its color" as "the color of it".

    Returns:
        The words, and for each position among them the position in `tokens` that it stands for; the
        last entry is the number of tokens.
    """
    result: list[Token] = []
    origins: list[int] = []
    pending = None
    for at, token in enumerate(tokens):
        if token.text in _POSSESSIVES and at + 1 < len(tokens) and tokens[at + 1].text in RESPECTS:
            pending = token.source
            result.append(Token("the", token.source))
            origins.append(at)
            continue
        result.append(token)
        origins.append(at)
        if pending is not None:
            result += [Token("of", pending), Token("it", pending)]
            origins += [at + 1, at + 1]
            pending = None
    return result, [*origins, len(tokens)]
