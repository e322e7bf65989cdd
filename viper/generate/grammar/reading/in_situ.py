"""Question frames without a fronted question word: "the cup is what color?", "(tell me) its color".

They begin like a statement or like a noun phrase, so they are tried before those.
"""

from __future__ import annotations

from viper.generate.grammar.reading.attribute_questions import attribute_query
from viper.generate.grammar.reading.chart import Queries, combined
from viper.generate.grammar.reading.wh_questions import QuestionChart
from viper.generate.grammar.vocabulary.lexicon import RESPECTS
from viper.generate.grammar.vocabulary.scales import SCALES

__all__ = ["InSituChart"]

_VERBS = "is|are|was|were|has|have|looks|look"
_OF = "of|in"
_WHAT = "what|which"
_MADE_OF_WHAT = combined("made of|made out of|made from", _WHAT)
_QUESTION_WORDS = frozenset({"what", "which", "how"})
_IMPERATIVES = "name|give me|give|say"


class InSituChart(QuestionChart):
    """Reads questions that end with the question word, or only name the attribute."""

    def frames(self) -> Queries:
        """Yield the readings of all frames."""
        if _QUESTION_WORDS.intersection(self.texts[1:]):
            yield from self.in_situ()
        yield from self.named()
        yield from super().frames()

    def in_situ(self) -> Queries:
        """Read "The cup is what color?", "It is made of what?", "The man is doing what?"."""
        for subject, end in self.description(0):
            verb = self.after(end, _VERBS)
            if verb is None:
                continue
            for what in self.behind(verb, _MADE_OF_WHAT):
                material = self.optional(what, "material")
                yield from self.with_options(attribute_query(subject, "material"), material)
            for doing in self.behind(verb, "doing what"):
                yield from self.with_options(attribute_query(subject, "activity"), doing)
            for what in self.behind(self.optional(verb, _OF), _WHAT):
                for respect, stop in self.respect(what):
                    yield from self.with_options(attribute_query(subject, respect), stop)
            if self.text(verb) == "how" and self.text(verb + 1) in SCALES:
                yield attribute_query(subject, SCALES[self.text(verb + 1)]), verb + 2

    def named(self) -> Queries:
        """Read "(Tell me) the color of the cup"."""
        start = self.skip(self.optional(0, _IMPERATIVES), "the")
        respect = RESPECTS.get(self.text(start))
        of = self.after(start + 1, "of")
        if respect is not None and of is not None:
            for subject, end in self.description(of):
                yield attribute_query(subject, respect), end
