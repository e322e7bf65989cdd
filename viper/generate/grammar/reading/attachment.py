"""Attachment: which noun of a referring expression a condition belongs to.

    kid with a hat looking at us            the kid looks, not the hat
    man holding a dog on the left           the man is on the left, not the dog
    green bus behind the yellow one         the yellow bus
    black car, not the taxi                 wearing a red hat and mittens

Short expressions put the conditions of the object after other objects that it has, wears or stands by.
"""

from __future__ import annotations

from dataclasses import replace

from viper.generate.grammar.description import (
    AllOf,
    AnyOf,
    Attribute,
    Condition,
    Description,
    Not,
    Pick,
    Place,
    Related,
    Row,
    flat,
)
from viper.generate.grammar.reading.chart import Parses, rule
from viper.generate.grammar.reading.distinguishing import READY, DistinguishingChart
from viper.generate.grammar.vocabulary.lexicon import (
    ANIMATES,
    ARTICLES,
    CAMERA,
    ORDINALS,
)
from viper.generate.grammar.vocabulary.relations import POSITIONS
from viper.generate.grammar.vocabulary.words import is_worn, kinds

__all__ = ["AttachmentChart"]

_LISTED = frozenset({"with", "wearing", "holding", "containing", "next_to", "near", "inside"})
"""Relations that a list of objects may follow: "wearing a hat and mittens"."""
_POSSESSING = frozenset("with wearing holding carrying has having and".split())
"""Words before something that a person has or wears."""
_VERB_FORMS = frozenset("sits stands lies hangs wears holds looks".split())
"""Third-person verb forms that are nouns in the dictionary, too."""
_ONES = frozenset("one ones other others another two".split())
"""Words that stand for the head noun of the expression."""


class AttachmentChart(DistinguishingChart):
    """Reads conditions after a noun and attaches each to the object that it describes."""

    @rule
    def description(self, at: int, nested: bool = False) -> Parses[Description]:
        """Read a noun phrase; a place after something worn or held belongs to the person."""
        found = super().description(at, nested)
        if not nested or self.text(at - 1) not in _POSSESSING:
            return found
        bare = {stop for _, stop in self.noun_phrase(at)}
        return [(what, end) for what, end in found if end in bare or not _is_placed(what)]

    @rule
    def behind_noun(self, at: int, nested: bool, animate: bool) -> Parses[Condition]:
        """Read one condition after a noun: distinguishing attributes first, then those of questions."""
        written = list(self.written(at))
        if written:
            return written
        found = [*self.distinguishing(at, nested, animate), *self._either_attribute(at)]
        if not nested:
            found += self._verb_form(at)
        found += [
            *self.being_done(at),
            *super().behind_noun(at, nested, animate),
            *self._owner(at),
        ]
        if nested:
            found = [parse for parse in found if not self._is_of_the_head(parse[0], at, animate)]
        else:
            found += [*self._excluded(at), *self._named_with(at)]
        return found + [longer for parse in found for longer in self._further(*parse)]

    def _is_of_the_head(self, condition: Condition, at: int, animate: bool) -> bool:
        """Return whether a condition after a nested noun describes the head of the expression.

        "kid with a hat *looking at us*", "guy in the dugout *w/ red jersey*", "player on the bench
        *third from right*"
        """
        if self.text(at) in ORDINALS:
            return True
        if animate:
            return False
        match (condition, *flat(condition))[-1]:
            case Attribute(value=value):
                return value.endswith("the camera")
            case Related(relation="facing" | "facing_away"):
                return True
            case Related(relation="with" | "wearing", others=(other,)):
                return other.noun is not None and is_worn(other.noun)
            case _:
                return False

    @rule
    def pick(self, at: int) -> Parses[Condition]:
        """Read a superlative; "nearest the window" may lack its "to"."""
        near = self.after(at, "closest|nearest")
        if near is not None and self.text(near) in ARTICLES and self.camera(near) is None:
            for other, end in self.description(near, True):
                if other.noun is not None:
                    yield Pick("nearest_to", 1, other), end
        yield from super().pick(at)

    @rule
    def relation(self, at: int) -> Parses[Condition]:
        """Read a preposition with its noun phrase: something named, or "the red one"."""
        if self.text(at) == "to" and self.text(at - 1) in READY:
            return
        for condition, end in super().relation(at):
            if not isinstance(condition, Related) or all(
                self._is_object(condition.relation, other, at, end) for other in condition.others
            ):
                yield condition, end

    def _is_object(self, relation: str, other: Description, at: int, end: int) -> bool:
        """Return whether this can be the other end of a relation: the camera or a mere place cannot."""
        if other.noun in CAMERA:
            return relation not in ("facing", "facing_away", "near", "next_to", "towards")
        return other.noun is not None or not _ONES.isdisjoint(self.texts[at:end])

    def _either_attribute(self, at: int) -> Parses[Condition]:
        """Read "black or dark green"."""
        return [
            (AnyOf((first, second)), end)
            for first, behind in self.attribute(at)
            if self.text(behind) == "or"
            for second, end in self.attribute(behind + 1)
        ]

    def _verb_form(self, at: int) -> Parses[Condition]:
        """Read a statement about the object: "a bench sits empty"."""
        text = self.text(at)
        third = text in _VERB_FORMS or (text.endswith("s") and kinds(text) == {"VERB"})
        return self.finite_verb(at) if third and at > 0 else []

    def _owner(self, at: int) -> Parses[Condition]:
        """Read the owner with all conditions: "(the racket) of the boy in red"."""
        if self.text(at) != "of":
            return
        for owner, end in self.description(at + 1, True):
            if owner.noun in ANIMATES:
                yield Related("part_of", (owner,), "of"), end

    def _excluded(self, at: int) -> Parses[Condition]:
        """Read ", not the taxi", which excludes a kind of object, or some objects of the same kind."""
        start = self.after(self.skip(at, ",|but|and"), "not|except|except for")
        if start is None:
            return
        for other, end in self.description(start, True):
            kind = (Attribute(other.noun, "kind"),) if other.noun not in (None, "object") else ()
            conditions: list[Condition] = [*kind, *other.conditions]
            if conditions:
                yield Not(AllOf(tuple(conditions)) if len(conditions) > 1 else conditions[0]), end

    def _further(self, condition: Condition, at: int) -> Parses[Condition]:
        """Read further objects of the same relation: "wearing a hat and mittens"."""
        last = (None, *flat(condition))[-1]
        if not isinstance(last, Related) or last.relation not in _LISTED:
            return
        start = self.skip(at, ",")
        start = self.skip(start, "and")
        if start == at:
            return
        for other, end in self.description(start, True):
            if other.noun is not None:
                joined = AllOf((*flat(condition), replace(last, others=(other,))))
                yield joined, end
                yield from self._further(joined, end)

    def _named_with(self, at: int) -> Parses[Condition]:
        """Read a second object that is named with the first: "the mirror and the side of the car"."""
        if self.text(at) != "and":
            return
        for other, end in self.noun_phrase(at + 1):
            if other.noun is not None:
                yield Related("with", (other,), "and"), end


def _is_placed(what: Description) -> bool:
    return any(
        isinstance(c, Place | Row)
        or (isinstance(c, Pick) and c.other is None)
        or (isinstance(c, Related) and c.relation in POSITIONS)
        for c in what.conditions
    )
