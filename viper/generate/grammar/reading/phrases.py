"""Rules for noun phrases: "the second small red cup from the left on the table".

A noun phrase is read as articles and numbers; words before the noun (ordinals, superlatives, places,
attributes); the noun, of one or more words; and conditions after it (see `conditions`).
"""

from __future__ import annotations

from dataclasses import replace

from viper.generate.grammar.description import (
    Attribute,
    Condition,
    Description,
    Inverse,
    Pick,
    Place,
    Related,
)
from viper.generate.grammar.reading.chart import Parses, rule
from viper.generate.grammar.reading.conditions import ConditionChart
from viper.generate.grammar.vocabulary.lexicon import (
    ANIMATES,
    ARTICLES,
    ATTRIBUTE_KIND,
    CATEGORIES,
    COMPARATIVES,
    FUNCTION_WORDS,
    NUMBERS,
    ORDINALS,
    PARTITIVES,
    PERSON_PRONOUNS,
    PLACES,
    SUPERLATIVES,
    VAGUE_NOUNS,
)
from viper.generate.grammar.vocabulary.relations import VERBS, match_relation
from viper.generate.grammar.vocabulary.words import is_gerund, kinds, singular, verb_lemma

__all__ = ["PhraseChart", "resolved"]

_MOST_NOUNS = 4
# Modifiers before a noun: each is read again from every word before it.
_MOST_MODIFIERS = 16
_INDEFINITE = frozenset("a an some any several".split())
_PRESUPPOSING = ARTICLES - _INDEFINITE | {"all", "both", "each", "every"}
"""Words that take for granted that there is such an object."""
_LEADS = ARTICLES | {"all", "both", "each", "every", "only", "there"}
_SOME = frozenset("one any all each some both either".split())
"""Words that may stand before "of the": "any of the cups"."""
_MEASURES = frozenset("slice slices piece pieces bunch bunches".split())
_UNSEEN_PARTITIVES = PARTITIVES - _MEASURES
_ITEMS = frozenset("piece pieces item items article articles".split())
_CATEGORY_ITEMS = {f"{category} {item}": category for category in CATEGORIES for item in _ITEMS}
"""A "clothing item" is clothing."""
_GENDERS = {
    word: (Attribute(gender, "gender"),)
    for gender, words in {"male": ("he", "him"), "female": ("she", "her")}.items()
    for word in words
}
_PERSON_WORDS = frozenset("anyone someone somebody anybody everyone everybody nobody".split())
_PLURAL_MODIFIERS = frozenset("sports clothes glasses jeans news skis ladies mens womens".split())


class PhraseChart(ConditionChart):
    """Reads noun phrases."""

    @rule
    def description(self, at: int, nested: bool = False) -> Parses[Description]:
        """Read a noun phrase with the conditions after it.

        Args:
            at: Where it begins.
            nested: True inside another noun phrase; conditions that could belong to either are left
                to the outer one.
        """
        for base, end in self.noun_phrase(at):
            animate = self.is_animate(base.noun)
            for conditions, stop in self.tail(end, nested, animate):
                yield resolved(base.having(*conditions)), stop

    @rule
    def noun_phrase(self, at: int) -> Parses[Description]:
        """Read a noun phrase up to its noun (or up to "from the left" after it)."""
        start = at
        lead, at = self._lead(at)
        found: list[tuple[Description, int]] = []
        conditions: list[Condition] = []
        while True:
            here = self._nouns(at, lead.having(*conditions))
            found[:0] = here  # an attribute is preferred to a part of a compound
            step = self.before_noun(at)
            if step is None or len(conditions) >= _MOST_MODIFIERS:
                break
            more, at = step
            conditions += more
            at = self.skip(at, ",") if self.before_noun(at + 1) else at
            if self.text(at) == "and" and self.before_noun(at + 1) and self._noun_behind(at + 1):
                at += 1
        if conditions and at > start and self._may_lack_noun(conditions, start):
            found.append((lead.having(*conditions), at))
        return found

    def _lead(self, at: int) -> tuple[Description, int]:
        """Read articles, numbers and "other" into a description without a noun."""
        lead = Description(None)
        while True:
            text = self.text(at)
            following = self.text(at + 1)
            if text in ("other", "another", "else"):
                lead = replace(lead, other=True)
            elif text in NUMBERS and following not in ("of", "") and following != "from":
                lead = replace(lead, number=NUMBERS[text])
            elif text.isdigit() and text[0] != "0" and len(text) < 3 and following:
                lead = replace(lead, number=int(text))
            elif text in _SOME and following == "of":
                at += 1
            elif text not in _LEADS or (text == "that" and following in ("is", "are")):
                return lead, at
            elif text == "only" and not (self.telegraphic or self.text(at - 1) in ARTICLES):
                return lead, at  # "are there only dogs?" asks for more than dogs
            elif text == "her" and (not following or following in FUNCTION_WORDS):
                return lead, at  # "in front of her", unlike "her hat"
            elif text in _PRESUPPOSING:
                lead = replace(lead, article="the")
            elif text in ("a", "an"):
                lead = replace(lead, article="a")
            at += 1

    def _nouns(self, at: int, before: Description) -> Parses[Description]:
        """Return the phrases whose noun begins here, the longest noun first.

        Args:
            at: Where the noun begins.
            before: What the words before the noun say.
        """
        ends = self._noun_ends(at)
        for end in reversed(ends):
            head = self.text(end - 1)
            noun = " ".join([*self.texts[at : end - 1], self._head(end - 1, at)]).replace("-", " ")
            noun = _CATEGORY_ITEMS.get(noun, noun)
            if head in VAGUE_NOUNS and end == at + 1:
                noun = "person" if head in _PERSON_WORDS else "object"
            elif head in PERSON_PRONOUNS:
                noun = "person"
            plural = singular(head) != head or head in ("people", "everyone", "they")
            further = self.text(end) == "else" and head in VAGUE_NOUNS  # "anything else"
            end += further
            definite = head in PERSON_PRONOUNS or head in ("everyone", "everybody")
            base = replace(
                before,
                noun=None if head in ("one", "ones") else noun,
                conditions=(*before.conditions, *_GENDERS.get(head, ())),
                plural=plural,
                other=before.other or further,
                article="the" if definite else before.article,
            )
            yield from self._owned(base, end)
            yield from self._of_phrase(base, head, end)
            yield base, end

    def _head(self, at: int, first: int) -> str:
        """Return the last word of a noun in the singular."""
        text = self.text(at)
        if text == "glasses" and at > first:  # "wine glasses" hold wine, glasses are worn
            return "glass" if not self.word_in(at - 1, "eye|reading|sun|safety") else text
        return singular(text)

    def _noun_ends(self, at: int) -> list[int]:
        """Return the positions at which a noun that begins here may end."""
        text = self.text(at)
        if text in VAGUE_NOUNS or text in PERSON_PRONOUNS:
            return [at + 1]
        ends: list[int] = []
        position = at
        while position < min(self.end, at + _MOST_NOUNS) and self._is_noun(position, at):
            if self.text(position) in self.texts[at:position]:
                break  # a compound does not repeat a word
            position += 1
            ends.append(position)
        compound = self.compound(at)
        if compound:
            ends = [end for end in ends if end > at + compound]
            ends.insert(0, at + compound)
        return ends

    def _is_noun(self, at: int, first: int) -> bool:
        """Return whether the word at a position can continue a noun that began at `first`."""
        text, previous = self.text(at), self.text(at - 1)
        following = self.text(at + 1)
        if text.isdigit() and len(text) > 1 and at == first:
            return True  # a label or a number on a sign
        if text == "can":  # the trash can, unlike "can you see"
            return previous in ARTICLES or at > first or previous in ATTRIBUTE_KIND
        if at == first and self._gerund_compound(at):
            return True
        if not text[:1].isalpha() or text in FUNCTION_WORDS or is_gerund(text, following):
            return False
        if text in SUPERLATIVES or text in ORDINALS or text in NUMBERS:
            return False
        sorts = kinds(text)
        if at == first:
            if text in PLACES and text not in ("top", "back", "front", "center"):
                return False
            introduced = previous in ARTICLES or previous in ATTRIBUTE_KIND
            if sorts == {"VERB"} and introduced and verb_lemma(text) == text:
                return True  # the dictionary lacks some nouns that are verbs too: "the wide log"
            return not sorts or "NOUN" in sorts or text.endswith("ing")
        if text == "light" and ATTRIBUTE_KIND.get(following) != "color":
            return True  # "the signal light", unlike "the shirt light blue"
        if text == "top" and not self.telegraphic and "NOUN" in sorts and following != "of":
            return True  # "the counter top"
        if text in PLACES or text in COMPARATIVES or ATTRIBUTE_KIND.get(text) == "color":
            return False
        if match_relation(self.texts[at : at + 4]):
            return False  # "the chair close to …"
        if singular(previous) != previous and previous not in _PLURAL_MODIFIERS:
            return False  # plurals end a noun: "the animals cows"
        if text.endswith("s") and verb_lemma(text) in VERBS:
            return False
        return not sorts or "NOUN" in sorts

    def _gerund_compound(self, at: int) -> bool:
        """Return whether a noun such as "climbing wall" begins here, unlike "the climbing man"."""
        text, following = self.text(at), self.text(at + 1)
        if self.telegraphic or self.text(at - 1) not in ARTICLES or not is_gerund(text, following):
            return False
        owned = "NOUN" in kinds(following) and following not in FUNCTION_WORDS
        return owned and not is_gerund(following) and singular(following) not in ANIMATES

    def _noun_behind(self, at: int) -> bool:
        """Return whether words before a noun, and then a noun, begin here."""
        step = self.before_noun(at)
        while step is not None:
            at = step[1]
            step = self.before_noun(at)
        return bool(self._noun_ends(at))

    def _may_lack_noun(self, conditions: list[Condition], start: int) -> bool:
        picked = any(isinstance(condition, Pick) for condition in conditions)
        return picked or (self.telegraphic and start == 0)

    def _owned(self, owner: Description, at: int) -> Parses[Description]:
        """Read what belongs to the owner: "the man 's hat"."""
        if self.text(at) != "'s":
            return
        for owned, end in self.noun_phrase(at + 1):
            if owned.noun:
                owned = replace(owned, article=owner.article)
                yield owned.having(Inverse("with", owner, "of")), end

    def _of_phrase(self, base: Description, head: str, at: int) -> Parses[Description]:
        """Read "of …" after a noun: a piece of cake is cake, a handle of a door is part of it."""
        if self.text(at) != "of":
            return
        for whole, end in self.noun_phrase(at + 1):
            conditions = (*base.conditions, *whole.conditions)
            article = "the" if base.is_presupposed else whole.article
            whole = replace(whole, article=article)
            counted = replace(whole, conditions=conditions, plural=base.plural, number=base.number)
            if head in _ITEMS and whole.noun in CATEGORIES:
                # "a plush item of furniture": the words before "item" describe the furniture.
                before = (base.noun or "").rpartition(" ")[0]
                quality = (Attribute(before, "quality"),) if before else ()
                yield replace(counted, conditions=(*quality, *conditions)), end
            elif head in _UNSEEN_PARTITIVES and whole.noun and _is_bare(base.noun):
                yield replace(whole, conditions=conditions), end
            elif head in _MEASURES and whole.noun:
                yield replace(counted, noun=f"{whole.noun} {singular(head)}"), end
            else:
                yield base.having(Related("part_of", (whole,), "of")), end


def _is_bare(noun: str | None) -> bool:
    """Return whether a noun is only a part or a number: "top half", but not "TV side"."""
    return all(word in PLACES for word in (noun or "").split()[:-1])


def resolved(description: Description) -> Description:
    """Join an ordinal before the noun with its direction after it: "second … from the left".

    An ordinal is read as `Pick("", rank)`, its direction as `Pick(direction, 0)`.
    """
    picks = [c for c in description.conditions if isinstance(c, Pick)]
    ranks = [pick for pick in picks if not pick.by]
    directions = [pick for pick in picks if pick.rank == 0]
    if not ranks and not directions:
        return description
    rank = ranks[0].rank if ranks else 1
    kept = [c for c in description.conditions if c not in ranks and c not in directions]
    if directions:
        return replace(description, conditions=(*kept, Pick(directions[0].by, rank)))
    # "second biggest", "third one on the right"
    named = next((c for c in kept if isinstance(c, Pick) and c.by), None)
    if named is not None:
        kept = [replace(c, rank=rank) if c is named else c for c in kept]
        return replace(description, conditions=tuple(kept))
    place = next((c for c in kept if isinstance(c, Place) and len(c.names) == 1), None)
    by = "left" if place is None or place.names[0] == "middle" else place.names[0]
    by = {"front": "near", "back": "far"}.get(by, by)
    kept = [c for c in kept if c is not place]
    return replace(description, conditions=(*kept, Pick(by, rank)))
