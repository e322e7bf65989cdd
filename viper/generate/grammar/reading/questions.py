"""Question frames about an object, answered by yes or no, or by a choice.

    Is the cat on the car?      Is the cup red or blue?      Do the bag and the hat look alike?

`existence` explains frames; those that ask "what", "which" and "who" are in `wh_questions`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from viper.generate.grammar.description import (
    AllOf,
    AnyOf,
    Attribute,
    Condition,
    Description,
    Not,
    Place,
    Related,
    SameAs,
)
from viper.generate.grammar.logical_form import (
    Both,
    ChooseCondition,
    ChooseObject,
    Isnt,
    Option,
    Query,
    Same,
    Verify,
)
from viper.generate.grammar.reading.chart import Parses, Queries
from viper.generate.grammar.reading.existence import ExistenceChart, exists
from viper.generate.grammar.reading.lists import with_head
from viper.generate.grammar.reading.options import option_text
from viper.generate.grammar.vocabulary.lexicon import RESPECTS
from viper.generate.grammar.vocabulary.relations import POSITIONS

__all__ = ["YesNoChart"]

_COPULAS = "is|are|was|were"
_PRESENT = frozenset("visible there present shown pictured here".split())
"""Words after "is" in questions that only ask whether something is visible."""


class YesNoChart(ExistenceChart):
    """Reads yes/no questions, and choices between predicates."""

    def alike(self) -> Queries:
        """Read "Do the bag and the car have the same color?", "Are the animals of different types?"."""
        start = self.after(0, "is the|are the|was the|is|are")
        respect = RESPECTS.get(self.text(start)) if start is not None else None
        if start is not None and respect is not None and self.text(start + 1) == "of":
            for first, end in self.description(start + 2):
                joint = self.skip(end, "the")
                same = self.text(joint)
                if same not in ("same", "different"):
                    continue
                joint = self.after(joint + 1, "as|than|from|to") or joint
                joint = self.optional(joint, "that of|those of|the one of")
                again = self.after(joint, f"the {self.text(start)} of|{self.text(start)} of")
                joint = again or joint
                for second, stop in self.description(joint):
                    yield Same(respect, (first, second), same == "same"), stop
        start = self.after(0, f"{_COPULAS}|does|do|did|has|have")
        if start is None:
            return
        # "Is the cup behind the plate made of the same material as the fork left of the spoon?": the
        # comparison is about the subject, not about the plate.
        for subject, end in self.description(start):
            for like, stop in self.same_as(end):
                if isinstance(like, SameAs):
                    yield Same(like.respect, (subject, like.other), like.same), stop
        for subjects, end in self._subjects(self.skip(start, "all")):
            read = self._respect_shared(end)
            if read is not None and (len(subjects) > 1 or subjects[0].plural):
                respect, same_word, stop = read
                yield Same(respect, tuple(subjects), same_word == "same"), stop

    def _respect_shared(self, at: int) -> tuple[str, str, int] | None:
        """Read "(made of) the same material" at the end of a question."""
        start = self.skip(at, "made|out|of|from|have|all|both|the|a")
        word, respect_at = self.text(start), self.skip(start + 1, "in|kind")
        respect = RESPECTS.get(self.text(respect_at))
        if word not in ("same", "different") or respect is None:
            return None
        return respect, word, respect_at + 1

    def used_to_make(self) -> Queries:
        """Read "Was wood used to make the clock?"."""
        for start in self.behind(0, _COPULAS):
            for length in (1, 2):
                for made in self.behind(start + length, "used to make"):
                    material = Attribute(" ".join(self.texts[start : start + length]), "material")
                    for subject, end in self.description(made):
                        yield Verify(subject, material), end

    def identity(self) -> Queries:
        """Read "Is it a cat or a dog?", "Is this a red curtain?"."""
        start = self.after(0, _COPULAS)
        if start is None:
            return
        person = self.word_in(start, "he|she|they")
        start = self.after(start, "this|that|it|these|those|he|she|they")
        if start is None or self.text(start) == "not":
            return
        for options, end in self.alternatives(start):
            if len(options) > 1:
                objects, texts = with_head(options)
                yield ChooseObject(tuple(objects), tuple(texts)), end
            elif not person:
                yield exists(options[0]), end

    def being(self) -> Queries:
        """Read "Is the cat on the car?", "Are all the dogs sleeping?", "Is the cup red or blue?"."""
        start = self.after(0, _COPULAS)
        if start is None or self.text(start) == "there":
            return
        yield from self.about(start, self._predicates)

    def doing(self) -> Queries:
        """Read "Does the man hold an umbrella?", "Do the bag and the car have the same color?"."""
        start = self.after(0, "does|do|did|can|has|have")
        if start is None or self.word_in(start, "you|we|i"):
            return
        yield from self.about(start, self._verbs)

    def statement(self) -> Queries:
        """Read "The cat is on the car.", "The bowl contains the donut."."""
        yield from self.about(0, self.clause_or_none)

    def clause_or_none(self, at: int) -> Parses[Condition]:
        """Read the predicate of a statement."""
        return self.clause(at) if not self.word_in(at, "|that") else []

    def _predicates(self, at: int) -> Parses[Condition]:
        start = self.skip(at, "also")
        if self.text(start) in _PRESENT and start + 1 == self.end:
            return [(AllOf(()), start + 1)]
        return self.predicate(start)

    def _verbs(self, at: int) -> Parses[Condition]:
        if self.text(at) == "not":
            for c, end in self._verbs(at + 1):
                yield Not(c), end
            return
        at = self.skip(at, "both|all|also|each")
        for words in ("look like", "look", "appear to be", "seem to be", "appear", "seem", "be"):
            for start in self.behind(at, words):
                yield from self.predicate(start)
        yield from self.finite_verb(at)

    def about(self, at: int, predicate: Callable[[int], Parses[Condition]]) -> Queries:
        """Yield the parses of a subject and its predicate.

        Args:
            at: Where the subject begins.
            predicate: A rule that reads the predicate.
        """
        negated = self.text(at) == "not"
        at += negated
        both = self.text(at) == "both"
        every = self.word_in(at, "all|every|each|everything|everyone")
        subject_at = at
        none = self.word_in(at, "no|none")
        subject_at += none
        # "Are any of the cups red?" asks about one of them.
        of_some = self.word_in(at, "any|some|either|one")
        further: list[tuple[Query, int]] = []
        for subjects, end in self._subjects(subject_at):
            if of_some:
                subjects = [replace(subject, plural=False) for subject in subjects]
            for condition, stop in predicate(end):
                all_of_them = every or (both and len(subjects) == 1)
                query = _said(subjects, condition, every=all_of_them)
                read = (Isnt(query) if negated or none else query), stop
                # "Is the oven left of the person on the right?": it is the person who is on the right.
                if isinstance(condition, Place) and _is_positioned(subjects[-1]):
                    further.append(read)
                else:
                    yield read
        yield from further
        if at > 0:  # "is the dog (in the picture)?"
            for what, end in self.description(subject_at):
                yield exists(what), end

    def _subjects(self, at: int) -> Parses[list[Description]]:
        both = self.text(at) == "both"
        alone: list[tuple[list[Description], int]] = []
        # "Is the man on the left taller than the man on the right?": the comparison is the predicate.
        for first, end in sorted(
            self.description(at + both), key=lambda parse: _compares(parse[0])
        ):
            alone.append(([first], end))
            if not both:
                yield [first], end
            if self.text(end) == "and":
                for second, stop in self.description(end + 1):
                    yield [first, second], stop
        if both:  # "both" asks for two objects; "both the people" has them in one
            yield from alone


def _said(subjects: list[Description], condition: Condition, *, every: bool) -> Query:
    """Return the query for whether the condition, or which of its alternatives, holds for the subjects."""
    if isinstance(condition, SameAs) and len(subjects) == 1:
        return Same(condition.respect, (subjects[0], condition.other), condition.same)
    if condition == AllOf(()):
        if len(subjects) == 1:
            return exists(subjects[0])
        return Both(tuple(exists(subject) for subject in subjects))
    if len(subjects) > 1:
        return Both(tuple(Verify(subject, condition, every) for subject in subjects))
    subject = _bearer(subjects[0])
    condition = _of_its_kind(condition, subject)
    # "Are the cats black?" asks about the cats as a group; one counter-example is enough for no
    # only where the question says "all".
    if isinstance(condition, AnyOf):
        options = tuple(Option(option_text(c), c) for c in _completed(condition.conditions))
        return ChooseCondition(subject, options)
    return Verify(subject, condition, every)


def _compares(subject: Description) -> bool:
    """Return whether a phrase compares its object with another: "the man taller than the boy"."""
    related = [c for c in subject.conditions if isinstance(c, Related)]
    return any(condition.words.endswith(" than") for condition in related)


def _is_positioned(subject: Description) -> bool:
    """Return whether a phrase ends with a position towards another object: "the oven left of the person"."""
    last = subject.conditions[-1] if subject.conditions else None
    return isinstance(last, Related) and last.relation in POSITIONS


def _bearer(subject: Description) -> Description:
    """Return the owner of an attribute: the plate in "the size of the plate"."""
    if subject.noun in RESPECTS and len(subject.conditions) == 1:
        (condition,) = subject.conditions
        if isinstance(condition, Related) and condition.words == "of":
            return condition.others[0]
    return subject


def _of_its_kind(condition: Condition, subject: Description) -> Condition:
    """Give "one" the noun of the subject: "is the black dog bigger than the white one?"."""
    if not isinstance(condition, Related) or subject.noun is None:
        return condition
    others = tuple(
        replace(other, noun=subject.noun) if other.noun is None else other
        for other in condition.others
    )
    return replace(condition, others=others)


def _completed(options: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Give "to the left or to the right of the chair" its chair on both sides."""
    last = options[-1]
    sides = {"left": "left_of", "right": "right_of", "front": "in_front_of"}
    if not isinstance(last, Related) or last.relation not in (*sides.values(), "behind"):
        return options
    return tuple(
        Related(sides[option.names[0]], last.others, option.names[0])
        if isinstance(option, Place) and option.names[0] in sides
        else option
        for option in options
    )
