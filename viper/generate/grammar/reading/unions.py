"""Rules for alternatives of noun phrases: "either red cubes or small balls in front of the cylinder".

The alternatives are whole descriptions, each with its own relations: "or" ends the description before
it. A union is a condition of the object that it describes ("How many *shiny things* are either …?"),
so every kind of question can ask about a union, and no object is counted twice.
"""

from __future__ import annotations

from viper.generate.grammar.description import Condition, Description, Not, OneOf
from viper.generate.grammar.reading.chart import Parses, rule
from viper.generate.grammar.reading.phrases import PhraseChart

__all__ = ["UnionChart"]


class UnionChart(PhraseChart):
    """Reads descriptions that are joined by "or"."""

    @rule
    def clause(self, at: int, relative: bool = True) -> Parses[Condition]:
        """Read "are either red cubes or small balls", and the clauses of the superclass."""
        for start in self.behind(at, "are|were"):
            yield from self.one_of(start)
        yield from super().clause(at, relative)

    @rule
    def behind_noun(self, at: int, nested: bool, animate: bool) -> Parses[Condition]:
        """Read "other than the red cube", and the conditions of the superclass."""
        for start in self.behind(at, "other than|except for|except"):
            for excluded, end in self.description(start, True):
                yield Not(OneOf((excluded,))), end
        yield from super().behind_noun(at, nested, animate)

    @rule
    def one_of(self, at: int) -> Parses[OneOf]:
        """Read two or more plural descriptions with "or" between them."""
        for parts, end in self._alternatives(self.skip(at, "either")):
            if len(parts) > 1:
                yield OneOf(tuple(parts)), end

    @rule
    def _alternatives(self, at: int) -> Parses[list[Description]]:
        """Read one or more descriptions, as many as the words allow.

        "Things that are behind the cube or red balls": two descriptions are preferred to one whose
        relative clause holds an "or".
        """
        firsts = [([what], end) for what, end in self.description(at, True) if what.plural]
        for first, end in firsts:
            for behind in self.behind(end, "or|, or|,"):
                for others, stop in self._alternatives(self.skip(behind, "either")):
                    yield first + others, stop
        yield from firsts
