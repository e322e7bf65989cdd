"""Noun phrases of referring expressions, which leave out articles, prepositions and verbs.

    shorter of two women      guys racket          chocolate covered donut
    top half of carrots       pile of oranges      the other

Every rule here adds parses to the rules of noun phrases and is tried before them. Conditions after
the noun are in `attachment`, and those such as "number 34" in `distinguishing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from viper.generate.grammar.description import (
    AllOf,
    Among,
    Attribute,
    Condition,
    Description,
    Inverse,
    Not,
    Pick,
    Place,
    Related,
    flat,
)
from viper.generate.grammar.reading.attachment import AttachmentChart
from viper.generate.grammar.reading.chart import Parses, rule
from viper.generate.grammar.reading.units import HALF_DONE
from viper.generate.grammar.vocabulary.lexicon import (
    ANIMATES,
    ARTICLES,
    ATTRIBUTE_KIND,
    COMPARATIVES,
    FUNCTION_WORDS,
    ORDINALS,
    PARTITIVES,
    PLACES,
)
from viper.generate.grammar.vocabulary.relations import VERBS
from viper.generate.grammar.vocabulary.tokens import Token
from viper.generate.grammar.vocabulary.words import is_gerund, kinds, number_of, verb_lemma

__all__ = ["EllipticalChart", "same_kind"]

_REGIONS = frozenset("half part side portion section third".split())
"""Heads that denote a part of the image: "top half of the carrots" are the upper ones."""
_ASPECTS = frozenset("back front rear end top bottom edge side corner".split())
"""Heads that denote one side of the object: "back of computer"."""
_KINDS_OF = frozenset("kind type sort lot couple number picture slice slices piece pieces".split())
_GROUPS = (PARTITIVES | {"pile", "plate"}) - _ASPECTS - _REGIONS - _KINDS_OF
_CONTAINERS = frozenset(
    "bowl glass cup mug plate dish bottle pot jar can box basket tray bag vase bucket pitcher".split()
)
_NON_OBJECTS = frozenset(
    word
    for word, kind in ATTRIBUTE_KIND.items()
    if kind in ("color", "pattern") and word not in ("orange", "cream", "peach", "navy", "light")
)
"""Colors and patterns, except words that are also fruits or lamps."""
_HAIRED = frozenset(
    "haired eyed skinned legged sleeved toned faced tailed necked eared shaped".split()
)
_OTHERS = "the other one|the other|another one|another|the others"


class EllipticalChart(AttachmentChart):
    """Reads the noun phrases of referring expressions.

    Args:
        tokens: The words of the expression.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        super().__init__(tokens, telegraphic=True)

    def whole_clause(self) -> Description | None:
        """Return the object that the whole expression paraphrases: "what the woman is holding"."""
        clauses = self.gap_clause(1) if self.text(0) == "what" else []
        whole = next((clause for clause, end in clauses if end == self.end), None)
        return None if whole is None else Description("object", flat(whole))

    def before_noun(self, at: int) -> tuple[list[Condition], int] | None:
        """Read a modifier before a noun, distinguishing attributes included."""
        if self.compound(at):
            return None
        step = self.distinguishing_before(at) or self._degree_before(at) or self._made_before(at)
        step = step or super().before_noun(at)
        if step is not None and isinstance(step[0][0], Pick):
            return step[0], self.after(step[1], "colored|color") or step[1]
        return step

    def _degree_before(self, at: int) -> tuple[list[Condition], int] | None:
        found = self.attribute(at)
        words = [(c, end) for c, end in found if isinstance(c, Attribute) and c.kind == "words"]
        return ([words[0][0]], words[0][1]) if words else None

    def _made_before(self, at: int) -> tuple[list[Condition], int] | None:
        """Read "chocolate covered", "lighter colored" before a noun."""
        if self.text(at + 1) in _HAIRED and self._is_plain_noun(at + 2):
            return [Attribute(f"{self.text(at)} {self.text(at + 1)}", "quality")], at + 2
        if self.text(at) == "lighter" and self._is_plain_noun(self.skip(at + 1, "colored")):
            return [Pick("light")], at + 1
        end = at + 1
        while self.text(end).endswith("ed") and "VERB" in kinds(self.text(end)):
            end += 1
        if end == at + 1 or not self._is_plain_noun(at) or not self._is_plain_noun(end):
            return None
        return [Attribute(" ".join(self.texts[at:end]), "quality")], end

    def _is_noun(self, at: int, first: int) -> bool:
        text, previous = self.text(at), self.text(at - 1)
        if text == "number" and self.text(at + 1).isdigit():
            return False
        if text in ("row", "rows") and (previous in PLACES or previous in ORDINALS):
            return False
        if text in PLACES and self.text(at + 1) in _REGIONS | _ASPECTS:
            return False
        if at > first and ATTRIBUTE_KIND.get(text) == "state":
            return False  # "cheese visible", "door open"
        if at > first and self.after(at + 1, "in half|in two|in pieces") is not None:
            return False
        if text in ("front", "top") and at == first and ATTRIBUTE_KIND.get(previous) == "color":
            return True  # "train with yellow front"
        if text == "half" and self.text(at + 1) in HALF_DONE:
            return False
        lead = self.text(at - 2) if previous == "the" else previous
        if text in PLACES and lead in ("in", "on", "at") and not self._is_plain_noun(at + 1):
            return False
        return super()._is_noun(at, first)

    @rule
    def noun_phrase(self, at: int) -> Parses[Description]:
        """Read a noun phrase up to its noun, elliptical ones first."""
        yield from self._the_one(at)
        yield from self._named_one(at)
        yield from self._selection(at)
        yield from self._region(at)
        yield from self._group(at)
        yield from self._owned_bare(at)
        for what, end in super().noun_phrase(at):
            if not any(_is_of_animate(condition) for condition in what.conditions):
                yield _labelled(what, alone=at == 0), end
        yield from self._other(at)
        yield from self._doing(at)

    def _the_one(self, at: int) -> Parses[Description]:
        """Read "the one that …": nothing is named."""
        end = self.after(self.skip(at, "the|this|that"), "one")
        if end is None or not (self.text(end) in FUNCTION_WORDS or is_gerund(self.text(end))):
            return
        yield Description(None), end

    def _named_one(self, at: int) -> Parses[Description]:
        """Read "chocolate one": what it is like, not what it is."""
        start = self.skip(at, ARTICLES)
        text = self.text(start)
        named = self._is_plain_noun(start) and text not in ATTRIBUTE_KIND
        if not named or not self.word_in(start + 1, "one|ones"):
            return
        yield Description("object", (Attribute(text, "words"),)), start + 2

    def _selection(self, at: int) -> Parses[Description]:
        """Read one of several: "shorter of two women", "middle of the three"."""
        start = self.skip(at, "the")
        text = self.text(start)
        step: tuple[list[Condition], int] | None = None
        if text in PLACES and self.text(start + 1) == "of":
            step = [Place((PLACES[text],))], start + 1
        elif text in ORDINALS or text in COMPARATIVES or text.endswith(("er", "est", "most")):
            step = self.before_noun(start)
        if step is None or self.text(step[1]) != "of":
            return
        conditions, end = step
        end = self.skip(end + 1, "the|these|those|all")
        text = self.text(end)
        number = number_of(text)
        if not number:
            return
        chosen: list[Condition] = [Among(number), *conditions]
        if conditions == [Place(("middle",))]:
            chosen = [Among(number), Pick("left", (number + 1) // 2)]
        for kind, stop in self.noun_phrase(end + 1):
            if kind.noun is not None:
                yield replace(kind.having(*chosen), plural=False), stop
        yield Description(None, tuple(chosen)), end + 1

    def _region(self, at: int) -> Parses[Description]:
        """Read "top half of the carrots", "back of computer", "left third"."""
        start = self.skip(at, "the|a")
        names: list[str] = []
        while self.text(start) in PLACES and self.text(start + 1) != "of":
            names.append(PLACES[self.text(start)])
            start += 1
        head, behind = self.text(start), self.after(start + 1, "of")
        if behind is None:
            return
        for whole, end in self.noun_phrase(behind):
            if whole.noun is None:
                continue
            if names and head in _REGIONS:
                part = head if head in ("half", "third") else "side"
                yield whole.having(Place(tuple(names[:2]), part)), end
            elif head in _ASPECTS or head in ("part", "portion", "section", "half"):
                aspect = Attribute(f"{head} of {whole.noun}", "words")
                place = (Place(tuple(names[:2])),) if names else ()
                yield whole.having(*place, aspect), end

    def _group(self, at: int) -> Parses[Description]:
        """Read "pile of green apples", "bowl of soup": one object, called by both words."""
        start = at
        conditions: list[Condition] = []
        start = self.skip(start, ARTICLES)
        while (step := self.before_noun(start)) is not None and self.text(start) not in (
            _GROUPS | _CONTAINERS
        ):
            conditions += step[0]
            start = step[1]
        head = self.text(start)
        if head not in _GROUPS | _CONTAINERS or self.text(start + 1) != "of":
            return
        for whole, end in self.noun_phrase(start + 2):
            if whole.noun is not None and whole.number is None:
                yield (
                    Description(
                        f"{head} of {whole.noun}", (*conditions, *whole.conditions), plural=False
                    ),
                    end,
                )

    def _owned_bare(self, at: int) -> Parses[Description]:
        """Read a possessive without its apostrophe: "guys racket"."""
        start = self.skip(at, "the|that|this")
        text = self.text(start)
        owner = text.removesuffix("s")
        if owner == text or owner not in ANIMATES or not self._is_plain_noun(start + 1):
            return
        for owned, end in self.noun_phrase(start + 1):
            if owned.noun is not None and owned.noun not in ANIMATES:
                yield owned.having(Inverse("with", Description(owner), "of")), end

    def _other(self, at: int) -> Parses[Description]:
        """Read "the other" without a noun: one of the same kind as the one described."""
        end = self.after(at, _OTHERS)
        if at == 0 or end is None or self.word_in(end, "way|direction|side"):
            return
        yield Description(None, other=True), end

    def _doing(self, at: int) -> Parses[Description]:
        """Read "walking dog", "folding lounge chairs": what it does, or a part of its name."""
        text = self.text(at)
        lemma = verb_lemma(text)
        if not is_gerund(text, self.text(at + 1)) or lemma in VERBS or text in FUNCTION_WORDS:
            return
        yield from (
            (what.having(Attribute(text, "activity")), end)
            if what.noun in ANIMATES
            else (replace(what, noun=f"{text} {what.noun}"), end)
            for what, end in super().noun_phrase(at + 1)
            if what.noun is not None and not what.conditions and self.text(at + 1) not in ARTICLES
        )


def _is_of_animate(condition: Condition) -> bool:
    """Return whether a condition is "of the boy", which `AttachmentChart` reads."""
    if not isinstance(condition, Related) or condition.words != "of":
        return False
    return any(other.noun in ANIMATES for other in condition.others)


def _labelled(what: Description, *, alone: bool) -> Description:
    """Turn a number or color in place of a noun into an attribute: "red 34", "yellow"."""
    first, _, rest = (what.noun or "").partition(" ")
    if alone and first in _NON_OBJECTS and not rest:
        return replace(what, noun=None).having(Attribute(first, ATTRIBUTE_KIND[first]))
    if not first.isdigit():
        return what
    return replace(what, noun=rest or None).having(Attribute(f"with {first} on it", "words"))


def same_kind(what: Description) -> Description:
    """Give phrases such as "the other" or "the white one" the head noun of the expression."""

    def named(other: Description) -> Description:
        if other.noun is None and what.noun is not None:
            return same_kind(replace(other, noun=what.noun))
        return other

    def with_noun(condition: Condition) -> Condition:
        match condition:
            case Related():
                return replace(condition, others=tuple(map(named, condition.others)))
            case Pick(other=Description() as other):
                return replace(condition, other=named(other))
            case AllOf():
                return AllOf(tuple(map(with_noun, condition.conditions)))
            case Not():
                return Not(with_noun(condition.condition))
            case _:
                return condition

    return replace(what, conditions=tuple(map(with_noun, what.conditions)))
