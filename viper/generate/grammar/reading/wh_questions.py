"""All question frames in the order in which they are tried, and the frames that compare objects."""

from __future__ import annotations

from viper.generate.grammar.description import Attribute, Condition, Pick
from viper.generate.grammar.logical_form import AskCommon, ChooseObject
from viper.generate.grammar.reading.chart import Queries, combined
from viper.generate.grammar.reading.name_questions import NameChart
from viper.generate.grammar.vocabulary.words import positive

__all__ = ["QuestionChart"]

_COPULAS = "is|are|was|were"
_WHICH = combined(
    "which one|which|what|who",
    "seems to be|seem to be|appears to be|appear to be|looks to be|"
    "is|are|was|were|looks|look|seems|seem|appears|appear|has",
)


class QuestionChart(NameChart):
    """Reads every kind of question; `frames` lists them in the order in which they are tried."""

    def frames(self) -> Queries:
        """Yield all parses of the question, also those that do not reach its end."""
        for frame in (
            self.scene,
            self.existence,
            self.compared_numbers,
            self.counting,
            self.alike,
            self.used_to_make,
            self.identity,
            self.common_question,
            self.attribute_question,
            self.place_question,
            self.compared_objects,
            self.name_question,
            self.being,
            self.doing,
            self.statement,
        ):
            yield from frame()

    def common_question(self) -> Queries:
        """Read "What is common to the cup and the plate?", "What do both cups have in common?"."""
        start = self.after(0, "what is common to|what is common between|what do|what does")
        if start is None:
            return
        shared = self.text(1) != "is"
        for first, end in self.description(self.skip(start, "both")):
            for joint in self.behind(end, "and"):
                for second, stop in self.description(joint):
                    for last in self.behind(stop, "have in common|share" if shared else ""):
                        yield AskCommon((first, second)), last

    def compared_objects(self) -> Queries:
        """Read "Which is bigger, the cup or the bowl?", "What is closer to the camera, …?"."""
        start = self.after(0, _WHICH)
        kind = None
        if start is None:
            kind, start = self._which_noun()
        if start is None:
            return
        for condition, end in self.predicate(self.skip(start, "the")):
            if not self.word_in(end, ",|"):
                continue
            for options, stop in self.alternatives(self.skip(end, ",")):
                if len(options) > 1:
                    texts = tuple(option.head for option in options)
                    yield ChooseObject(tuple(options), texts, _compared(condition), kind), stop

    def _which_noun(self) -> tuple[str | None, int | None]:
        """Return the noun of "which type of furniture is", and the position after it; None if absent."""
        for start in self.behind(0, "which|what"):
            for what, end in self.noun_phrase(start):
                for behind in self.behind(end, _COPULAS):
                    return what.noun, behind
        return None, None


def _compared(condition: Condition) -> Condition:
    """Return the rank that a comparative gives among the named objects: "younger"."""
    if isinstance(condition, Attribute) and positive(condition.value) != condition.value:
        return Pick(positive(condition.value))
    return condition
