"""The frames of questions that ask what, which, who and where."""

from __future__ import annotations

from collections.abc import Iterator

from viper.generate.grammar.existence import Queries
from viper.generate.grammar.lexicon import ARTICLES, PARTITIVES, RESPECTS
from viper.generate.grammar.logical_form import (
    AskAttribute,
    AskName,
    AskPlace,
    AskScene,
    ChooseCondition,
    ChooseObject,
    Condition,
    Description,
    Option,
    Query,
)
from viper.generate.grammar.options import option_text
from viper.generate.grammar.questions import YesNoChart

__all__ = ["QuestionChart", "attribute_query"]

_COPULAS = ("is", "are", "was", "were")
_THIS = ("this", "that", "it", "these", "those")
_EXTENTS = frozenset(
    "big large small tall long short wide high clean old young full heavy deep".split()
)
_SIZES = frozenset("big large small tall long short wide high".split())
_MEASURES = frozenset("color size shape material height length age".split())
"""What is no thing: "what color is it?" needs to know what "it" is."""
_PEOPLE = ("who", "whom")
_BEHIND_SUBJECT = (
    "made of",
    "made out of",
    "made from",
    "have",
    "appear to be",
    "appear to have",
)
_WHICH = tuple(
    f"{word} {copula}"
    for word in ("which one", "which", "what", "who")
    for copula in ("is", "are", "seems to be", "looks", "seems", "appears to be", "appears")
)


class QuestionChart(YesNoChart):
    """Reads every kind of question; `frames` lists them in the order of trial."""

    def frames(self) -> Queries:
        """Yield all readings of the question, whole ones and such that end too early."""
        for frame in (
            self.existence,
            self.compared_numbers,
            self.counting,
            self.alike,
            self.used_to_make,
            self.scene,
            self.identity,
            self.attribute_asked,
            self.place_asked,
            self.compared_things,
            self.name_asked,
            self.being,
            self.doing,
            self.statement,
        ):
            yield from frame()

    def with_options(self, query: Query, at: int) -> Queries:
        """Yield the query itself, and the choice that a list behind it makes: ", red or blue?"."""
        yield query, at
        if self.text(at) != ",":
            return
        if isinstance(query, AskName):
            for things, end in self.alternatives(at + 1):
                if len(things) > 1:
                    described = tuple(t.having(*query.what.conditions) for t in things)
                    texts = tuple(t.noun or "object" for t in things)
                    yield ChooseObject(described, texts), end
        elif isinstance(query, AskAttribute | AskPlace):
            for conditions, end in self._predicates_listed(at + 1):
                options = tuple(Option(option_text(c), c) for c in conditions)
                yield ChooseCondition(query.subject, options), end

    def _predicates_listed(self, at: int) -> Iterator[tuple[tuple[Condition, ...], int]]:
        for condition, end in self.predicate(self.skip(at, ("the",))):
            parts = getattr(condition, "conditions", (condition,))
            if len(parts) > 1:
                yield parts, end

    def scene(self) -> Queries:
        """Read "What is the weather like?", "Which place is it?": nothing to compose."""
        rest = " ".join(self.texts)
        words = set(self.texts)
        if "weather" in words and self.text(0) in ("how", "what") and len(words) < 12:
            options = self._or_words()
            question = f"What is the weather like{', ' + ' or '.join(options) if options else ''}?"
            yield AskScene(question, "weather", options), self.end
        places = ("place", "location", "room")
        asks_place = any(rest.startswith((f"what {p}", f"which {p}")) for p in places)
        if asks_place and words & {*_THIS, "shown", "pictured", "depicted"} and len(words) < 8:
            noun = self.text(1)
            yield AskScene(f"What {noun} is this?", "place"), self.end

    def _or_words(self) -> tuple[str, ...]:
        if "or" not in self.texts:
            return ()
        joint = self.texts.index("or")
        return (self.text(joint - 1), " ".join(self.texts[joint + 1 :]))

    def attribute_asked(self) -> Queries:
        """Read "What color is the car?", "What is the cup made of?", "What is the man doing?"."""
        first = self.after(0, "what", "which")
        if first is None:
            yield from self._how()
            return
        respect = RESPECTS.get(self.text(first))
        if respect is not None and self.text(first + 1) != "of":
            yield from self._of_subject(first + 1, respect)
            for subject, end in self.description(first + 1):
                yield from self.with_options(attribute_query(subject, respect), end)
        copula = self.after(first, *_COPULAS)
        if copula is None:
            return
        start = self.skip(copula, ("the",))
        respect = RESPECTS.get(self.text(start))
        of = self.after(start + 1, "of")
        if respect is not None and of is not None:
            for subject, end in self.description(of):
                yield from self.with_options(attribute_query(subject, respect), end)
        for subject, end in self.description(copula):
            made = self.after(end, "made of", "made out of", "made from")
            if made is not None:
                yield from self.with_options(attribute_query(subject, "material"), made)
            doing = self.after(end, "doing")
            if doing is not None:
                yield from self.with_options(attribute_query(subject, "activity"), doing)

    def _how(self) -> Queries:
        """Read "How big is the plate?", "How is the water?", "How is the pink skirt called?"."""
        start = self.after(0, "how")
        if start is None:
            return
        if self.text(start) in _EXTENTS:
            respect = "size" if self.text(start) in _SIZES else "state"
            yield from self._of_subject(start + 1, respect)
            return
        copula = self.after(start, *_COPULAS)
        for subject, end in self.description(copula) if copula is not None else ():
            called = self.after(end, "called")
            if called is not None:
                yield AskName(subject, "What is this?"), called
            else:
                yield attribute_query(subject, "state"), end

    def _of_subject(self, at: int, respect: str) -> Queries:
        start = self.after(at, *_COPULAS, "does", "do")
        if start is None:
            return
        for subject, end in self.description(start):
            behind = self.after(end, *_BEHIND_SUBJECT) or end
            yield from self.with_options(attribute_query(subject, respect), behind)

    def place_asked(self) -> Queries:
        """Read "Which side is the knife on?", "Where is the dog?"."""
        start = self.after(
            0,
            "which side is",
            "which side are",
            "what side is",
            "what side are",
            "on which side is",
            "on which side are",
            "on what side is",
            "in which part is",
            "in which part are",
            "in what part is",
            "in what part are",
            "which part is",
            "which part are",
            "where is",
            "where are",
            "where",
        )
        if start is None:
            return
        sideways = "side" in self.texts[:3]
        for subject, end in self.description(start):
            behind = self.after(end, "on", "in", "at", "located", "placed") or end
            question = f"Where is the {subject.noun}?"
            place = AskPlace(subject, "horizontal" if sideways else "both", question)
            yield from self.with_options(place, behind)

    def compared_things(self) -> Queries:
        """Read "Which is bigger, the cup or the bowl?", "What is closer to the camera, …?"."""
        start = self.after(0, *_WHICH)
        if start is None:
            start = self._which_noun()
        if start is None:
            return
        for condition, end in self.predicate(self.skip(start, ("the",))):
            if self.text(end) not in (",", ""):
                continue
            for things, stop in self.alternatives(self.skip(end, (",",))):
                if len(things) > 1:
                    texts = tuple(thing.noun or "object" for thing in things)
                    yield ChooseObject(tuple(things), texts, condition), stop

    def _which_noun(self) -> int | None:
        """Return the position behind "which type of furniture is", None if absent."""
        start = self.after(0, "which", "what")
        if start is None:
            return None
        for _, end in self.noun_phrase(start):
            behind = self.after(end, *_COPULAS)
            if behind is not None:
                return behind
        return None

    def name_asked(self) -> Queries:
        """Read "What is this?", "What is on the table?", "Who is wearing the helmet?"."""
        who = self.text(0) in _PEOPLE
        start = self.after(0, "what", "which", "who", "whom")
        if start is None:
            return
        noun = "person" if who else "object"
        for what, end in self._asked_about(start, noun):
            question = "What is this?" if noun == "object" else "Who is this?"
            yield from self.with_options(AskName(what, question), end)

    def _asked_about(self, at: int, noun: str) -> Iterator[tuple[Description, int]]:
        """Yield descriptions of the thing whose name is asked for."""
        copula = self.after(at, *_COPULAS)
        if copula is not None:
            this = self.after(copula, *_THIS)
            if this is not None:
                yield Description(noun), this
                for what, end in self.noun_phrase(copula):
                    yield what, self.after(end, "called") or end
            name = self.after(copula, "the name of")
            if name is not None:
                for what, end in self.description(name):
                    yield what, end
            there = self.after(copula, "there")
            if there is not None:
                for conditions, end in self.tail(there, False, False):
                    yield Description(noun).having(*conditions), end
            for condition, end in self.predicate(copula):
                yield Description(noun).having(condition), end
            for subject, end in self.description(copula):
                for inverse, stop in self.gap(subject, end, finite=False):
                    yield Description(noun).having(inverse), stop
            if self.text(copula) in ARTICLES:
                for what, end in self.description(copula):
                    if what.noun not in _MEASURES:
                        yield what, self.after(end, "called") or end
        for condition, end in self.finite_verb(at):
            yield Description(noun).having(condition), end
        if self.text(at) in PARTITIVES or copula is None:
            yield from self._kind_asked(at)

    def _kind_asked(self, at: int) -> Iterator[tuple[Description, int]]:
        """Read "(what) kind of animal is this", "(which) dog is sleeping", "(what) do you see"."""
        see = self.after(at, "do you see", "can you see")
        if see is not None:
            for conditions, end in self.tail(see, False, False):
                yield Description("object").having(*conditions), end
        for what, end in self.noun_phrase(at):
            behind = self.after(end, *_COPULAS)
            if behind is not None:
                this = self.after(behind, *_THIS)
                if this is not None and what.noun not in _MEASURES:
                    yield what, this
                for condition, stop in self.predicate(behind):
                    yield what.having(condition), stop
                for subject, stop in self.description(behind):
                    for inverse, last in self.gap(subject, stop, finite=False):
                        yield what.having(inverse), self.after(last, "of") or last
            for condition, stop in self.clause(end):
                yield what.having(condition), stop


def attribute_query(subject: Description, respect: str) -> AskAttribute:
    """Return the question for one property of an object, with its wording for an answerer."""
    noun = subject.noun or "object"
    verb = "are" if subject.plural else "is"
    question = {
        "material": f"What {verb} the {noun} made of?",
        "activity": f"What {verb} the {noun} doing?",
        "size": f"How big {verb} the {noun}?",
        "state": f"In what state {verb} the {noun}?",
        "kind": f"What kind of {noun} is this?",
    }.get(respect, f"What {respect} {verb} the {noun}?")
    return AskAttribute(subject, respect, question)
