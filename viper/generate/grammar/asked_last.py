"""The frames whose question word comes last: "the cube behind the ball is what color?"."""

from __future__ import annotations

from viper.generate.grammar.existence import Queries
from viper.generate.grammar.lexicon import RESPECTS
from viper.generate.grammar.wh_questions import QuestionChart, attribute_query

__all__ = ["AskedLastChart"]

_VERBS = ("is", "are", "has", "have", "is of", "are of")
_MADE = ("is made of", "are made of", "is made out of", "are made out of", "is made from")


class AskedLastChart(QuestionChart):
    """Reads questions that begin like a statement and end with what is asked for."""

    def frames(self) -> Queries:
        """Yield the readings of all frames; those with a question word at the end come last."""
        yield from super().frames()
        yield from self.asked_last()

    def asked_last(self) -> Queries:
        """Read "The cup is what color?", "The cup has what shape?", "The cup is made of what?"."""
        for subject, end in self.description(0):
            made = self.after(end, *_MADE)
            what = self.after(made, "what", "which") if made is not None else None
            if what is not None:
                material = self.after(what, "material") or what
                yield attribute_query(subject, "material"), material
            verb = self.after(end, *_VERBS)
            if verb is None:
                continue
            what = self.after(verb, "what", "which")
            respect = RESPECTS.get(self.text(what)) if what is not None else None
            if what is not None and respect is not None:
                yield attribute_query(subject, respect), what + 1
            if self.text(verb) == "how" and self.text(verb + 1) in ("big", "large"):
                yield attribute_query(subject, "size"), verb + 2
