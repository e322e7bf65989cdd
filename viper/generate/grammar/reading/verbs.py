"""Rules for verb phrases: "holding a cup", "parked on the street", "(the hat) the man is wearing".

A verb with an object is a relation between two objects, a verb without one is an activity, and a
participle with "by" is a relation seen from the other end. A verb may be followed by a noun phrase or
a place, which subclasses read.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from viper.generate.grammar.description import (
    AllOf,
    Attribute,
    Condition,
    Description,
    Inverse,
    Not,
    Related,
    flat,
)
from viper.generate.grammar.reading.chart import Parses, rule
from viper.generate.grammar.reading.units import UnitChart
from viper.generate.grammar.vocabulary.lexicon import (
    ARTICLES,
    FUNCTION_WORDS,
    NUMBERS,
    ORDINALS,
    PLACES,
)
from viper.generate.grammar.vocabulary.relations import VERBS, match_relation
from viper.generate.grammar.vocabulary.words import gerund, is_gerund, kinds, verb_lemma

__all__ = ["VerbChart"]

_AUXILIARIES = "is|are|was|were|does|do|did|has|have|can|"
_NO_STATES = ("be", "have", "do", "call", "name")
"""Verbs whose participle does not describe an object: "the cup called …"."""
_MERELY_THERE = frozenset(
    "located situated positioned placed shown seen presented pictured displayed depicted found".split()
)
"""Participles without a meaning of their own: "located on the table"."""
_QUALITIES = "color|size|shape|length|height|width|material|pattern|texture|tone"
_SUBJECT_LEADS = "the|a|an|this|that|he|she|they|his|her|people"


class VerbChart(UnitChart):
    """Reads verb phrases as conditions."""

    @rule
    def verb_phrase(self, at: int) -> Parses[Condition]:
        """Read a gerund with its object or place: "holding a cup", "sitting on the bench"."""
        text = self.text(at)
        soon = self.after(at, "about to")
        if soon is not None and verb_lemma(self.text(soon)) is not None:
            return self.verb_object(soon + 1, self.text(soon))
        if not is_gerund(text, self.text(at + 1)) or "VERB" not in kinds(text):
            return []
        return self.verb_object(at + 1, verb_lemma(text) or text)

    def verb_object(self, at: int, lemma: str) -> Parses[Condition]:
        """Read the object or place after a verb, and yield the whole as conditions."""
        doing = gerund(lemma)
        activity = Attribute(doing, "activity")
        start = self.skip(at, "up|down|out|off|together|alone|still|away")
        if lemma == "wear":
            yield from self.wearing_color(at)
        for joint in ("for", "from", "like"):
            for behind in self.behind(start, joint):
                for other, end in self.noun_phrase(behind):
                    yield Attribute(f"{doing} {joint} {other.noun}", "activity"), end
        # "looking down", "standing up": the particle belongs to the verb.
        done = {
            at: activity,
            start: Attribute(" ".join((doing, *self.texts[at:start])), "activity"),
        }
        for position in sorted(done, reverse=True):
            for where in (self.relation(position), self.place(position)):
                for c, end in where:
                    yield AllOf((done[position], *flat(c))), end
        for other, end in self.description(at, True):
            if other.noun == "object" and not other.conditions:
                yield Attribute(f"{doing} something", "activity"), end
            elif other.noun is not None:
                yield Related(VERBS.get(lemma, "acting_on"), (other,), doing), end
        if self.text(at) not in ARTICLES and not self._is_relation(at - 1):
            for end in sorted(done, reverse=True):
                yield done[end], end

    def wearing_color(self, at: int) -> Parses[Condition]:
        """Read "wearing white": clothes that are not named."""
        return [
            (Attribute(f"wearing {color}", "clothing"), end)
            for color, end in self.attribute(self.skip(at, "all"))
            if isinstance(color, Attribute) and color.kind == "color"
        ]

    @rule
    def finite_verb(self, at: int) -> Parses[Condition]:
        """Read "holds a cup", "has a hat", "contains the donut", "consists of the truck"."""
        for start in self.behind(at, "has|have|had"):
            yield from self._having(start)
        matches = [
            match
            for match in match_relation(self.texts[at : at + 6])
            if match.relation in ("has_part", "part_of")
        ]
        text = self.text(at)
        lemma = None if text in NUMBERS or text in ORDINALS else verb_lemma(text)
        if lemma in ("be", "have", "do") or is_gerund(text):
            lemma = None
        if lemma is not None:
            matches += match_relation((gerund(lemma), *self.texts[at + 1 : at + 4]))
        for match in matches:
            for other, end in self.description(at + match.length, True):
                yield Related(match.relation, (other,), match.words), end
        if lemma is not None:
            yield from self.verb_object(at + 1, lemma)

    def _having(self, at: int) -> Parses[Condition]:
        """Read after "has": a part or possession, or "red color", "large size"."""
        if self.text(at) == "no":
            for other, end in self.description(at + 1, True):
                yield Not(Related("with", (other,), "having")), end
            return
        yield from self._qualities(at)
        yield from self.same_as(at)
        for other, end in self.description(at, True):
            end = self.optional(end, "in it|on it|inside it|on top")
            yield Related("with", (other,), "having"), end

    def _qualities(self, at: int) -> Parses[Condition]:
        """Read "large size and red color"."""
        for quality, end in self.attribute(self.skip(at, "a|an")):
            named = self.word_in(end - 1, _QUALITIES)  # "red color" may be one unit already
            for behind in (end,) if named else self.behind(end, _QUALITIES):
                yield quality, behind
                if self.word_in(behind, "and|,"):
                    for c, e in self._qualities(self.skip(behind, "and|,")):
                        yield AllOf((quality, *flat(c))), e

    @rule
    def participle(self, at: int) -> Parses[Condition]:
        """Read "held by the man", "parked on the street", "made of wood"."""
        text = self.text(at)
        made = self.after(at, "made of|made out of|made from|made up of|made with")
        if made is not None:
            yield from self._material(made)
            return
        lemma = verb_lemma(text)
        past = lemma is not None and lemma != text and not text.endswith(("ing", "s"))
        if not past or lemma is None or lemma in _NO_STATES or text in PLACES:
            return
        for by in self.behind(at + 1, "by"):
            for agent, end in self.description(by, True):
                yield Inverse(VERBS.get(lemma, "acting_on"), agent, gerund(lemma)), end
        state = Attribute(text, "state")
        said = () if text in _MERELY_THERE else (state,)
        for where in (self.relation(at + 1), self.place(at + 1)):
            for c, end in where:
                yield AllOf((*said, *flat(c))), end
        alone = self.telegraphic or "NOUN" not in kinds(text)
        if alone and not self._is_relation(at):
            yield state, at + 1

    def _is_relation(self, at: int) -> bool:
        """Return whether a verb form begins a relation of several words: "attached to"."""
        return any(match.length > 1 for match in match_relation(self.texts[at : at + 6]))

    def _material(self, at: int) -> Parses[Condition]:
        """Read a material."""
        material, read = self.text(at), self.attribute_word(at)
        if read is not None and read[0].kind == "material":
            yield read
        elif "NOUN" in kinds(material) and material not in FUNCTION_WORDS:
            yield Attribute(material, "material"), at + 1

    @rule
    def gap_clause(self, at: int) -> Parses[Condition]:
        """Read a clause whose object is the noun before it: "(the hat) the man is wearing"."""
        start = self.skip(at, "that|which")
        if self.word_in(start, "|and|or|,"):
            return
        if start == at and self.word_in(at - 1, "and|,|but"):
            return  # "the outlets and the drawers made …" begins no clause about the outlets
        for subject, end in self.description(start, True):
            named = self.word_in(start, _SUBJECT_LEADS) or start != at
            for auxiliary in _AUXILIARIES.split("|") if named else ():
                for behind in self.behind(end, auxiliary):
                    yield from self.gap(subject, behind, finite=not auxiliary)

    def gap(
        self, subject: Description, at: int, *, finite: bool, infinitive: bool = False
    ) -> Parses[Condition]:
        """Read the verb or preposition of a clause whose object is missing.

        Args:
            subject: Who does it.
            at: After the subject and its auxiliary.
            finite: True where there is no auxiliary: "(the hat) the man wears".
            infinitive: True after "does": "(what) does the man wear".
        """
        at = self.optional(at, "about to")
        infinitive = infinitive or self.text(at - 1) == "to"
        text = self.text(at)
        lemma = verb_lemma(text)
        # "(the hat) the man wears", but not "the coffee table"
        plain_verb = finite and (lemma in VERBS or "NOUN" not in kinds(text))
        if finite and text.endswith("s") and self._preposition_gap(subject, at + 1):
            plain_verb = True  # "(the chair) the man stands beside"
        acts = is_gerund(text) or plain_verb or infinitive
        swallowed = bool(subject.conditions) and isinstance(subject.conditions[-1], Inverse)
        if not finite and not swallowed:
            # In "the chair that the cat sits on" the cat does not sit: "on" belongs to its verb.
            yield from self._preposition_gap(subject, at)
        if lemma not in (None, "be", "have", "do") and acts:
            yield from self._verb_gap(subject, at + 1, lemma)
        elif lemma not in (None, "be", "have", "do", text) and not finite:
            for inverse, end in self._preposition_gap(subject, at + 1):
                yield replace(inverse, words=f"{text} {inverse.words}"), end

    def _verb_gap(self, subject: Description, at: int, lemma: str) -> Parses[Condition]:
        """Read the preposition after a verb whose object is missing; there may be none."""
        words = gerund(lemma)
        # "looking at" is a relation of its own, not "at".
        named = match_relation((words, *self.texts[at : at + 3]))
        for match in named[:1] if named and named[0].length > 1 else ():
            yield Inverse(match.relation, subject, match.words), at + match.length - 1
        for inverse, end in self._preposition_gap(subject, at):
            yield replace(inverse, words=f"{words} {inverse.words}"), end
        yield Inverse(VERBS.get(lemma, "acting_on"), subject, words), at
        if self.word_in(at, "in|up|to|at|with|on|of|onto"):
            yield Inverse("with", subject, words), at + 1

    def _preposition_gap(self, subject: Description, at: int) -> list[tuple[Inverse, int]]:
        """Read a preposition at the end of a clause: "(the table) the cup is on top of"."""
        return [
            (
                Inverse(match.relation, subject, match.words),
                self.optional(at + match.length, "of"),
            )
            for match in match_relation(self.texts[at : at + 6])
        ]

    @abstractmethod
    def relation(self, at: int) -> Parses[Condition]:
        """Read a preposition with its noun phrase."""

    @abstractmethod
    def noun_phrase(self, at: int) -> Parses[Description]:
        """Read a noun phrase up to its noun."""
