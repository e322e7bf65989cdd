"""Question frames for an attribute: color, material, size, state or activity.

    What color is the car?      Of what color is it?        What color do you think it is?
    What is it made of?         Which material makes up the cup, glass or metal?
    How big is the plate?       How does the sky look, clear or cloudy?
    What is the man doing?      Where is the cat looking?   Which company made the shoes?

A list of answers after the question turns it into a choice.
"""

from __future__ import annotations

from viper.generate.grammar.description import Condition, Description
from viper.generate.grammar.logical_form import (
    AskAttribute,
    AskName,
    AskPlace,
    ChooseCondition,
    ChooseObject,
    Option,
    Query,
)
from viper.generate.grammar.reading.chart import Parses, Queries, combined
from viper.generate.grammar.reading.options import option_text
from viper.generate.grammar.reading.scenes import SceneChart
from viper.generate.grammar.vocabulary.lexicon import RESPECTS
from viper.generate.grammar.vocabulary.scales import SCALES

__all__ = ["AttributeChart", "attribute_query"]

_COPULAS = "is|are|was|were"
_WHAT = "what|which"
_SORTS = "kind of|type of|sort of"
_BEHIND_SUBJECT = (
    "made of|made out of|made from|made up of|made with|constructed of|have|"
    "appear to be|appear to have|seem to be|seem to have|look to be|look like|look|"
    "appear|seem|be|painted|wearing"
)
_MADE = "made of|made out of|made from|made up of|composed of|constructed of"
_MAKES = (
    "makes up|make up|was used to make|were used to make|is used to make|"
    "are used to make|is used for|was used for|is used to create|was used to build"
)
_MAKERS = "made|makes|produced|produces|manufactured|manufactures"
_GAZES = "looking at|looking|facing|staring at|staring|gazing at|gazing|pointing"


class AttributeChart(SceneChart):
    """Reads questions for an attribute of an object."""

    def attribute_question(self) -> Queries:
        """Yield the parses of a question for an attribute."""
        yield from self._made_of()
        yield from self._property()
        yield from self._maker()
        yield from self._gaze()
        yield from self._how()

    def with_options(self, query: Query, at: int) -> Queries:
        """Yield the query, and the choice that it becomes with a list after it: ", red or blue?"."""
        yield query, at
        if self.text(at) != ",":
            return
        if isinstance(query, AskName):
            for objects, end in self.alternatives(at + 1):
                if len(objects) > 1:
                    described = tuple(t.having(*query.what.conditions) for t in objects)
                    texts = tuple(t.head for t in objects)
                    kind = query.what.noun if query.what.noun != "object" else None
                    yield ChooseObject(described, texts, None, kind), end
        elif isinstance(query, AskAttribute | AskPlace):
            for conditions, end in self._predicates_listed(at + 1):
                options = tuple(Option(option_text(c), c) for c in conditions)
                yield ChooseCondition(query.subject, options), end

    def _predicates_listed(self, at: int) -> Parses[tuple[Condition, ...]]:
        for condition, end in self.predicate(self.skip(at, "the")):
            parts = getattr(condition, "conditions", (condition,))
            if len(parts) > 1:
                yield parts, end

    def respect(self, at: int) -> Parses[str]:
        """Yield the attribute named here: "color", "kind of material", "ethnic group"."""
        for group in self.behind(at, "ethnic group|ethnic background"):
            yield "ethnicity", group
        for sort in self.behind(at, _SORTS):
            if RESPECTS.get(self.text(sort)) not in (None, "kind"):
                yield RESPECTS[self.text(sort)], sort + 1
        if self.text(at) in RESPECTS and self.text(at + 1) != "of":
            yield RESPECTS[self.text(at)], at + 1

    def _property(self) -> Queries:
        """Read "What color is the car?", "Of which color is it?", "What is the color of the car?"."""
        start = self.after(0, f"{_WHAT}|of what|of which|in what|in which")
        if start is None:
            return
        for respect, end in self.respect(start):
            yield from self._of_subject(end, respect)
            for subject, stop in self.description(end):  # "what color (do you think) the sky is"
                behind = self.optional(stop, f"{_COPULAS}|has|have")
                yield from self.with_options(attribute_query(subject, respect), behind)
            yield from self._of_object(end, respect)
        copula = self.after(start, _COPULAS)
        if copula is None:
            return
        named = self.skip(copula, "the")
        respect_of = RESPECTS.get(self.text(named))
        of = self.after(named + 1, "of")
        if respect_of is not None and of is not None:
            for subject, end in self.description(of):
                yield from self.with_options(attribute_query(subject, respect_of), end)
        for subject, end in self.description(copula):
            for made in self.behind(end, _MADE):
                yield from self.with_options(attribute_query(subject, "material"), made)
            for doing in self.behind(end, "doing"):
                yield from self.with_options(attribute_query(subject, "activity"), doing)

    def _of_subject(self, at: int, respect: str, question: str = "") -> Queries:
        for start in self.behind(at, f"{_COPULAS}|does|do|did|has|have"):
            for subject, end in self.description(start):
                query = attribute_query(subject, respect, question)
                yield from self.with_options(query, self.optional(end, _BEHIND_SUBJECT))

    def _of_object(self, at: int, respect: str) -> Queries:
        """Read "(what color) shirt is the man wearing?"."""
        for what, end in self.noun_phrase(at):
            for start in self.behind(end, _COPULAS):
                for subject, stop in reversed(self.description(start)):
                    for inverse, behind in self.gap(subject, stop, finite=False):
                        query = attribute_query(what.having(inverse), respect)
                        yield from self.with_options(query, behind)

    def _made_of(self) -> Queries:
        """Read "What was used to make the cup?", "Which material makes up the cup, glass or metal?"."""
        for start in self.behind(0, _WHAT):
            material = self.after(self.optional(start, _SORTS), "material|materials") or start
            for makes in self.behind(material, _MAKES):
                for subject, end in self.description(makes):
                    yield from self.with_options(attribute_query(subject, "material"), end)

    def _maker(self) -> Queries:
        """Read "Which company made the shoes?", "Which company are the shoes from?"."""
        company = combined(_WHAT, "company|brand")
        for made in self.behind(0, combined(company, _MAKERS)):
            for subject, end in self.description(made):
                yield from self.with_options(attribute_query(subject, "brand"), end)
        for copula in self.behind(0, combined(company, _COPULAS)):
            for subject, end in self.description(copula):
                for behind in self.behind(end, "from|made by|produced by"):
                    yield from self.with_options(attribute_query(subject, "brand"), behind)

    def _gaze(self) -> Queries:
        """Read "Where is the cat looking?", "Which direction is the boy looking at?"."""
        direction = combined(f"{_WHAT}|in what|in which|to which", "direction is|direction are")
        for start in self.behind(0, f"where is|where are|where|{direction}"):
            for subject, end in self.description(start):
                for behind in self.behind(end, _GAZES):
                    verb = "are" if subject.plural else "is"
                    question = f"Where {verb} the {subject.head} {self.text(end)}?"
                    yield from self.with_options(AskAttribute(subject, "gaze", question), behind)

    def _how(self) -> Queries:
        """Read "How big is the plate?", "How is the water?", "How do the shoes look, new or old?"."""
        start = self.after(0, "how")
        if start is None:
            return
        adjective = self.text(start)
        if adjective in SCALES:
            yield from self._of_subject(start + 1, SCALES[adjective], adjective)
            return
        for copula in self.behind(start, _COPULAS):
            for subject, end in self.description(copula):
                called = self.after(end, "called|named")
                if called is not None:
                    yield AskName(subject, "What is this?"), called
                else:
                    yield from self.with_options(attribute_query(subject, "state"), end)
        for verb in self.behind(start, "does|do|did"):
            for subject, end in self.description(verb):
                for behind in self.behind(end, _BEHIND_SUBJECT):
                    yield from self.with_options(attribute_query(subject, "state"), behind)


def attribute_query(subject: Description, respect: str, extent: str = "") -> AskAttribute:
    """Return the query for an attribute.

    Args:
        subject: The object.
        respect: The requested attribute, such as "color".
        extent: The adjective after "how" that asks for the attribute, such as "large"; else empty.
    """
    noun = subject.head
    verb = "are" if subject.plural else "is"
    if extent:
        return AskAttribute(subject, respect, f"How {extent} {verb} the {noun}?")
    question = {
        "material": f"What {verb} the {noun} made of?",
        "activity": f"What {verb} the {noun} doing?",
        "size": f"How big {verb} the {noun}?",
        "state": f"How {verb} the {noun}?",
        "kind": f"What kind of {noun} is this?",
        "brand": f"Which company made the {noun}?",
    }.get(respect, f"What {respect} {verb} the {noun}?")
    return AskAttribute(subject, respect, question)
