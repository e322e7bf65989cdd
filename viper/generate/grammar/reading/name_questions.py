"""Question frames for a name: what, which and who.

    What is this?     What is on the table?     Who is wearing the helmet?     Which dog is asleep?
    What does the man hold?     Behind what animal is the zebra?     The boy is sitting on what?

The last three ask for the other end of a relation. The form describes the requested object by the
inverse relation: the object that the man is holding.
"""

from __future__ import annotations

from dataclasses import replace

from viper.generate.grammar.description import Condition, Description, Inverse, flat
from viper.generate.grammar.logical_form import AskName, AskPlace, Axis
from viper.generate.grammar.reading.attribute_questions import AttributeChart
from viper.generate.grammar.reading.chart import Parses, Queries, combined
from viper.generate.grammar.reading.conditions import PORTRAYED
from viper.generate.grammar.vocabulary.lexicon import ARTICLES
from viper.generate.grammar.vocabulary.relations import match_relation
from viper.generate.grammar.vocabulary.words import gerund, verb_lemma

__all__ = ["NameChart"]

_COPULAS = "is|are|was|were"
_SEEMS = f"{_COPULAS}|seems to be|seem to be|appears to be|appear to be"
_THIS = "this|that|it|these|those|he|she|they"
_CALLED = "called|named|referred to as"
_MEASURES = frozenset(
    "color size shape material height length age time date day year month price temperature".split()
)
"""Nouns that are not objects: "what color is it?" needs a referent for "it"."""
_PEOPLE = "who|whom"
_WHAT = "which one|which|whom|what|who"


class NameChart(AttributeChart):
    """Reads questions for the name of an object."""

    def name_question(self) -> Queries:
        """Yield the parses of a question for a name."""
        for what, end in self._wanted(0):
            for described, stop in self._described(what, end):
                yield from self._named(described, stop)
        for described, end in (*self._fronted(), *self._in_situ()):
            yield from self._named(described, end)

    def _named(self, what: Description, at: int) -> Queries:
        question = "Who is this?" if what.noun == "person" else "What is this?"
        end = self.optional(at, _CALLED)
        yield from self.with_options(AskName(what, question), end)

    def _wanted(self, at: int) -> Parses[Description]:
        """Yield the requested object: "what", "who", "which kind of furniture"."""
        start = self.after(at, _WHAT)
        if start is None:
            return
        person = self.word_in(start - 1, _PEOPLE)
        yield Description("person" if person else "object"), start
        if not person:
            for what, end in self.noun_phrase(start):
                if self.text(start) not in ARTICLES:
                    yield what, end

    def _described(self, what: Description, at: int) -> Parses[Description]:
        """Yield the requested object with the conditions of the rest of the question."""
        copula = self.after(at, _SEEMS)
        if copula is not None and what.noun not in _MEASURES:
            yield from self._being_what(what, copula)
        for condition, end in self.clause(at):
            yield what.having(*flat(condition)), end
        if what == Description("object"):
            for described, end in self.description(at):  # "what the red thing is called"
                for called in self.behind(end, combined(_COPULAS, _CALLED)):
                    yield described, called
        for see in self.behind(at, "do you see|can you see|can be seen|do we see"):
            for conditions, end in self.tail(see, False, False):
                yield what.having(*conditions), end
        for does in self.behind(at, "does|do|did|can"):
            for subject, end in reversed(self.description(does)):
                for inverse, stop in self.gap(subject, end, finite=False, infinitive=True):
                    yield what.having(inverse), stop

    def _being_what(self, what: Description, at: int) -> Parses[Description]:
        """Yield the parses after "what is" and "which animal is"."""
        for word in f"{_THIS}|{PORTRAYED}|in|".split("|"):
            for this in self.behind(at, word):
                if word or what.noun != "object":
                    yield what, this
                elif this == self.end:  # "what is (in this photo)?"
                    yield replace(what, plural=True), this
        for there in self.behind(at, "there"):
            for conditions, end in self.tail(there, False, False):
                yield what.having(*conditions), end
        for condition, end in self.predicate(at):
            yield what.having(*flat(condition)), end
        # The shortest subject first: "the man" and "sitting on", not "the man sitting" and "on".
        for subject, end in reversed(self.description(at)):
            for inverse, stop in self.gap(subject, end, finite=False):
                yield what.having(inverse), stop
        name = self.optional(at, "the name of")
        if what == Description("object") and self.text(name) in ARTICLES.union(_THIS.split("|")):
            for candidate, end in self.description(name):
                if candidate.noun not in _MEASURES:
                    yield candidate, end

    def _fronted(self) -> Parses[Description]:
        """Read "Behind what animal is the zebra standing?", "On which table are the cups?"."""
        for match in match_relation(self.texts[:5]):
            for what, end in self._wanted(match.length):
                for copula in self.behind(end, f"{_COPULAS}|does|do"):
                    for subject, stop in reversed(self.description(copula)):
                        words = match.words
                        lemma = verb_lemma(self.text(stop))
                        if lemma is not None and stop < self.end:
                            words = f"{gerund(lemma)} {words}"
                            stop += 1
                        yield what.having(Inverse(match.relation, subject, words)), stop

    def _in_situ(self) -> Parses[Description]:
        """Read "The man is holding what?", "She is looking at who?", "The dog is on what bed?"."""
        if self.word_in(0, f"{_WHAT}|{_COPULAS}|do|does|how|where"):
            return
        for subject, end in self.description(0):
            gaps: list[tuple[Condition, int]] = []
            for auxiliary in self.behind(end, _COPULAS):
                gaps += self.gap(subject, auxiliary, finite=False)
            gaps += self.gap(subject, end, finite=True)
            for inverse, behind in gaps:
                for what, stop in self._wanted(behind):
                    yield what.having(inverse), stop

    def place_question(self) -> Queries:
        """Read "Which side is the knife on?", "Where is the dog?", "The dog is sitting where?"."""
        where = self.after(0, "where is|where are|where was|where were|where")
        for side in self.behind(0, combined("|on|in", "which|what", "side|part", _COPULAS)):
            axis: Axis = "horizontal" if "side" in self.texts[:3] else "both"
            for subject, end in self.description(side):
                behind = self.optional(end, "on|in|at|located|placed")
                yield from self.with_options(_place(subject, axis), behind)
        if where is not None:
            for subject, end in reversed(self.description(where)):
                doing = self.optional(end, _LYING)
                behind = self.optional(doing, "on|in|at")
                place = _place(subject, "around", " ".join(self.texts[end:doing]))
                yield from self.with_options(place, behind)
        elif self.texts[-1] == "where":
            for subject, end in self.description(0):
                start = self.optional(end, _COPULAS)
                behind = self.optional(start, _LYING)
                if self.text(behind) == "where":
                    yield _place(subject, "around", " ".join(self.texts[start:behind])), behind + 1


_LYING = "located|placed|at|standing|sitting|lying|parked|walking|situated"


def _place(subject: Description, axis: Axis, doing: str = "") -> AskPlace:
    noun = subject.head
    verb = "are" if subject.plural else "is"
    if axis == "around":
        question = f"Where {verb} the {noun} {doing}".strip()
    else:
        part = "On which side" if axis == "horizontal" else "In which part"
        question = f"{part} {verb} the {noun}"
    return AskPlace(subject, axis, f"{question}?")
