"""Rules for conditions: what a question says about an object, in the noun phrase or as a predicate.

    before the noun     the *second small red* cup
    after the noun      the cup *on the table that is not red*
    predicate           is the cup *red or blue*?

All of them are made of the same units: attributes, places, relations, verbs, superlatives, comparisons.
"""

from __future__ import annotations

from viper.generate.grammar.description import (
    AllOf,
    AnyOf,
    Attribute,
    Condition,
    Not,
    Place,
    Related,
    flat,
)
from viper.generate.grammar.reading.chart import Parses, rule
from viper.generate.grammar.reading.verbs import VerbChart
from viper.generate.grammar.vocabulary.lexicon import (
    ANIMATES,
    CLOTHES,
    COMPARATIVES,
    PLACES,
    PREDICATIVES,
)
from viper.generate.grammar.vocabulary.relations import VERBS, RelationMatch, match_relation
from viper.generate.grammar.vocabulary.spelling import brands
from viper.generate.grammar.vocabulary.words import is_gerund, kinds, singular, verb_lemma

__all__ = ["ConditionChart"]

_COPULAS = (
    "is|are|was|were|be|being|looks|look|looks like|seem to be|seems to be|"
    "appears to be|appear to be|seem|seems|appears|appear|look to be|has been|stays"
)
PORTRAYED = "there|here|visible|seen|shown|pictured|displayed|depicted"
"""Words that only say that something is in the image."""
_SWITCHED = "on|off|up|down"
_AFTER_SWITCHED = "|and|or|,|than"
_TO_CAMERA: dict[str, Condition] = {
    "near": Place(("front",)),
    "next_to": Place(("front",)),
    "in_front_of": Place(("front",)),
    "far_from": Place(("back",)),
    "facing": Attribute("facing the camera", "activity"),
    "towards": Attribute("facing the camera", "activity"),
    "facing_away": Attribute("facing away from the camera", "activity"),
    "behind": Attribute("behind the camera", "activity"),
}
"""Relation to the camera → the condition that it means; any other is to a camera in the image."""
_NOT = "not|isnt|never"


Conditions = tuple[Condition, ...]


class ConditionChart(VerbChart):
    """Reads the conditions around a noun; noun phrases come from the subclass."""

    @rule
    def tail(self, at: int, nested: bool, animate: bool) -> Parses[Conditions]:
        """Read all the conditions after a noun; there may be none.

        Args:
            at: After the noun.
            nested: The noun is part of another noun's condition.
            animate: The noun denotes a living being.
        """
        for condition, end in self.behind_noun(at, nested, animate):
            for rest, stop in self.tail(end, nested, animate):
                yield (*flat(condition), *rest), stop
        yield (), at

    @rule
    def behind_noun(self, at: int, nested: bool, animate: bool) -> Parses[Condition]:
        """Read one condition after a noun."""
        text = self.text(at)
        if not text:
            return
        if not nested:
            if text in (",", "and", "but"):
                start = self.skip(at, ",|and|but|also|then")
                yield from self.behind_noun(start, False, animate)
                yield from self.clause(start, False)
            if self.word_in(at, _NOT):
                for c, end in (*self.unit(at + 1), *self.pick(self.skip(at + 1, "the"))):
                    yield Not(c), end
        if text in ("that", "which") or (text == "who" and (animate or not nested)):
            yield from self.clause(at + 1, True)
        if self.word_in(at, PORTRAYED):
            yield AllOf(()), at + 1
        yield from self.place(at)
        yield from self.relation(at)
        yield from self.pick(at)
        yield from self.without(at)
        yield from self.same_as(at)
        if animate or not nested:
            yield from self.verb_phrase(at)
        yield from self.participle(at)
        yield from self.gap_clause(at)
        if self.telegraphic:
            yield from self._bare(at, nested)
        elif text in ("left", "right"):
            yield from self.place(at)

    @rule
    def clause(self, at: int, relative: bool = True) -> Parses[Condition]:
        """Read a relative clause after its pronoun, or a further one after "and".

        Args:
            at: Where its verb stands.
            relative: True after a pronoun; otherwise the verb must be in the third person, since
                "the dog and ignore …" is not a clause about the dog.
        """
        for copula in _COPULAS.split("|"):
            for start in self.behind(at, copula):
                yield from self.predicate(start)
        for negated in self.behind(at, "does not|do not|did not"):
            for c, end in self.finite_verb(negated):
                yield Not(c), end
        if relative or self._third_person(at):
            yield from self.finite_verb(at)
        if relative:
            yield from self.gap_clause(at)

    def _third_person(self, at: int) -> bool:
        """Return whether a third-person verb stands here, not the plural noun of a list."""
        text = self.text(at)
        if text in ("has", "have", "had"):
            return True
        listed = self.text(at - 1) == "," and "NOUN" in kinds(text)
        return text.endswith("s") and (not listed or verb_lemma(text) in VERBS)

    @rule
    def predicate(self, at: int) -> Parses[Condition]:
        """Read what follows "is": one condition, or several joined by "and", "or" and commas."""
        start = self.skip(at, "both|either|there|currently|also|all|now")
        if self.text(start) == "neither":
            return [(Not(c), end) for c, end in self.predicate(start + 1)]
        return self._joined(start)

    def _joined(self, at: int) -> Parses[Condition]:
        negated = self.word_in(at, _NOT)
        picks = self.pick(self.skip(at + 1, "the")) if negated else []
        for unit, end in (*self.predicate_unit(at + negated), *picks):
            first: Condition = unit
            if negated and not isinstance(unit, Not):
                first = Not(unit)
            yield first, end
            word = self.text(end)
            start = self.skip(end, ",")
            joint = self.text(start)
            if joint in ("or", "nor"):
                word, start = "or", start + 1
            elif joint in ("and", "but"):
                word, start = "and", start + 1
            if word not in ("and", "or", ","):
                continue
            start = self.optional(start, "is it|is he|is she|are they")
            start = self.skip(start, "either|also|is|are|maybe|perhaps")
            for rest, stop in self.predicate(start):
                if word == "or" or (word == "," and isinstance(rest, AnyOf)):
                    yield AnyOf((first, *_options(rest))), stop
                else:
                    yield AllOf((*flat(first), *flat(rest))), stop

    def predicate_unit(self, at: int) -> Parses[Condition]:
        """Read one condition that may stand after "is"."""
        if self.word_in(at, PORTRAYED):
            yield AllOf(()), at + 1
        yield from self.unit(at)
        yield from self._adjective(at)
        article = self.word_in(at, "a|an|some")
        for kind, end in self.is_a(at):
            head = self.text(end - 1)
            if article or singular(head) != head:  # "is it *a cow*", "are they *cows*"
                yield kind, end

    def _adjective(self, at: int) -> Parses[Condition]:
        """Read a word that is an adjective only after "is": "off", "still", "vertical"."""
        text = self.text(at)
        own = not is_gerund(self.text(at - 1))  # unlike "sitting down"
        if self.word_in(at, _SWITCHED) and self.word_in(at + 1, _AFTER_SWITCHED) and own:
            yield Attribute(text, "state"), at + 1
        elif text in brands():
            yield Attribute(text, "brand"), at + 1
        elif text in PREDICATIVES:
            yield Attribute(text, "quality"), at + 1

    def is_a(self, at: int) -> Parses[Condition]:
        """Read a predicate noun: "a cow", "a baseball player"."""
        return [
            (AllOf((*noun.conditions, Attribute(noun.noun, "kind"))), end)
            for noun, end in self.noun_phrase(at)
            if noun.noun and noun.noun != "object"
        ]

    @rule
    def unit(self, at: int) -> Parses[Condition]:
        """Read one condition without "and" or "or"."""
        yield from self.place(at)
        yield from self.relation(at)
        yield from self.attribute(at)
        yield from self.verb_phrase(at)
        yield from self.participle(at)
        yield from self.pick(self.skip(at, "the"))
        yield from self.same_as(at)
        yield from self.without(at)

    @rule
    def relation(self, at: int) -> Parses[Condition]:
        """Read a preposition with its noun phrase: "to the left of the car"."""
        for match in match_relation(self.texts[at : at + 9]):
            behind = at + match.length
            self.furthest = max(self.furthest, behind)
            yield from self._either_side(match, behind)
            if match.relation == "between":
                yield from self._between(behind, match.words)
                continue
            yield from self._of_camera(match.relation, behind)
            if match.words == "in":
                yield from self.wearing_color(behind)
            every = self.word_in(behind, "all|every|each|everyone|everybody|everything")
            for other, end in self.description(behind, True):
                relation = match.relation
                if match.words == "in" and other.noun and other.noun.split()[-1] in CLOTHES:
                    relation = "wearing"
                yield Related(relation, (other,), match.words, every), end

    def _either_side(self, first: RelationMatch, at: int) -> Parses[Condition]:
        """Read "behind or in front of the net": two relations to one object."""
        if self.text(at) != "or":
            return
        for c, end in self.relation(at + 1):
            if isinstance(c, Related):
                yield AnyOf((Related(first.relation, c.others, first.words), c)), end

    def _between(self, at: int, words: str) -> Parses[Condition]:
        for first, end in self.description(at, True):
            if self.text(end) == "and":
                for second, stop in self.description(end + 1, True):
                    yield Related("between", (first, second), words), stop
            else:
                yield Related("between", (first,), words), end

    def without(self, at: int) -> Parses[Condition]:
        """Read "without a hat", "with no umbrella"."""
        for start in self.behind(at, "without|with no|with out|has no|have no|having no"):
            for other, end in self.description(start, True):
                yield Not(Related("with", (other,), "with")), end

    def _of_camera(self, relation: str, at: int) -> Parses[Condition]:
        """Read "the camera" after a relation."""
        end = self.camera(at)
        if end is not None and relation in _TO_CAMERA:
            yield _TO_CAMERA[relation], end

    def _bare(self, at: int, nested: bool) -> Parses[Condition]:
        """Read a modifier after its noun: "shirt blue", "guy blue shirt", "oven right"."""
        if nested and self.text(at) in PLACES:
            return
        if not nested or self.text(at) not in COMPARATIVES:
            yield from self.attribute(at)
        if not nested:
            for other, end in self.noun_phrase(at):
                if other.noun is not None and other.conditions:
                    yield Related("with", (other,), "with"), end
            if self.word_in(at, "is|are|looks|seems"):
                yield from self.clause(at, False)
            for extra in ("in it", "on it", "of it", "in them", "on them", "now"):
                for behind in self.behind(at, extra):
                    yield AllOf(()), behind
        if self.text(at) == "no":
            for other, end in self.noun_phrase(at + 1):
                yield Not(Related("with", (other,), "with")), end

    def is_animate(self, noun: str | None) -> bool:
        """Return whether a noun denotes a living being, by the lexicon."""
        return noun is None or noun.split()[-1] in ANIMATES


def _options(condition: Condition) -> tuple[Condition, ...]:
    return condition.conditions if isinstance(condition, AnyOf) else (condition,)
