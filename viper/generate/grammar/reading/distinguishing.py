"""Distinguishing attributes: how people tell an object in a photograph from others of its kind.

    in the back row       at 3 o'clock        number 34, that says stop       looking left
    with head up          cut off             that you can barely see         with the most cheese

They are conditions after a noun (some also stand before it). What boxes cannot decide becomes a
free-text condition, which a matcher compares with the candidates.
"""

from __future__ import annotations

from dataclasses import replace

from viper.generate.grammar.description import AllOf, Attribute, Condition, Pick, Place, Row
from viper.generate.grammar.reading.chart import Parses, rule
from viper.generate.grammar.reading.wh_questions import QuestionChart
from viper.generate.grammar.vocabulary.lexicon import FUNCTION_WORDS, NUMBERS, ORDINALS, PLACES
from viper.generate.grammar.vocabulary.word_table import word_table
from viper.generate.grammar.vocabulary.words import (
    is_gerund,
    is_participle,
    kinds,
    singular,
    verb_lemma,
)

__all__ = ["READY", "DistinguishingChart"]

_ARTICLES = "the|a|an"
_LEADS = "in|on|at|from|of|the|to"
_OWN = "the|a|an|its|his|her|their|my|one|both"
_ROW_SIDES = word_table(
    """
    bottom: front bottom
    top: back top
    middle: middle
    """
)
_OFF_CENTER = word_table(
    """
    outer: end edge outside side
    corner: corner
    middle: inside
    """
)
"""Noun of a part without a side → key of `Pick.by`."""
_GAZES = frozenset("look face stare point turn head lean glance gaze lie bend tilt".split())
_WAYS = (
    "the other way|the other direction|other way|opposite way|straight ahead|left|right|up|down|away|"
    "back|backwards|forward|forwards|sideways|straight|ahead|over|off"
)
_POSES = frozenset(
    "up down out open closed shut crossed spread raised extended bent back forward turned lowered off "
    "on away sideways showing visible missing folded stretched together apart tucked tilted cut "
    "outstretched uncovered exposed".split()
)
"""Poses of a body part: "head up", "arms crossed"."""
_SAYS = (
    "that says|which says|says|saying|that reads|reads|labeled|labelled|marked|"
    "with the word|with the words|with the letter|with the letters"
)
_NUMBER_LEADS = "number|no|num|numbered"
_SIGHTS = "that you can|that we can|you can|we can|i can|whose|you can not|we can not"
READY = frozenset("ready preparing trying getting going waiting able".split())
"""Words after which "to swing" is an action, not a direction."""
_DEGREES = frozenset(
    "very quite rather so too slightly partially mostly partly barely almost nearly really somewhat "
    "fully completely totally entirely extremely half".split()
)
_BORDER_WORDS = frozenset(
    "by at on in of the edge picture pic photo image frame screen border side camera view".split()
)
_MOST = {"most": 1, "more": 1, "least": -1, "less": -1, "fewest": -1, "fewer": -1}


class DistinguishingChart(QuestionChart):
    """Reads distinguishing attributes."""

    def distinguishing(
        self, at: int, nested: bool = False, animate: bool = True
    ) -> Parses[Condition]:
        """Read one distinguishing attribute after a noun.

        Args:
            at: After the noun.
            nested: The noun is part of another noun's condition, so attributes that fit the outer
                noun are left to it.
            animate: The noun denotes a living being.
        """
        yield from self._number(at)
        yield from self._cut_up(at)
        yield from self._purpose(at)
        if not nested or animate:
            yield from self._direction_of_gaze(at)
            yield from self._back_turned(at)
            yield from self._posed_part(at)
        if not nested:
            yield from self.row(at)
            yield from self._clock(at)
            yield from self._cut_off(at)
            yield from self._sight(at)
            yield from self._end_of_all(at)
            yield from self._with_most(at)

    def distinguishing_before(self, at: int) -> tuple[list[Condition], int] | None:
        """Read a distinguishing attribute before a noun: "front row guy", "number 12 player"."""
        for conditions, end in (*self.row(at), *self._number(at), *self._cut_off(at)):
            if not self.word_in(at, _LEADS) and end < self.end:
                return [conditions], end
        rank, quality = _MOST.get(self.text(at)), self.text(at + 1)
        named = self._is_plain_noun(at + 1) or is_participle(quality)
        if rank is not None and named and self._is_plain_noun(at + 2):
            return [Pick(quality, rank)], at + 2
        return None

    @rule
    def row(self, at: int) -> Parses[Condition]:
        """Read "(in the) back row", "second row from the top"."""
        start = self.skip(at, _LEADS)
        text = self.text(start)
        behind = start + 2
        if not self.word_in(start + 1, "row|rows"):
            return
        named = _ROW_SIDES.get(PLACES.get(text, ""))
        rank = ORDINALS.get(text)
        side_at = self.skip(behind, "from|the|to|in")
        side = _ROW_SIDES.get(PLACES.get(self.text(side_at), ""))
        if named is not None:
            yield Row(named), behind
        elif rank is not None and side is not None and self.text(behind) == "from":
            yield Row(side, rank), side_at + 1
        elif rank is not None:
            yield Row("top") if rank < 0 else Row("bottom", rank), behind

    def _clock(self, at: int) -> Parses[Condition]:
        """Read "at 8 o'clock", also a bare "at 5" at the end."""
        start = self.skip(at, "at|the|in|on|around")
        text = self.text(start)
        hour = NUMBERS.get(text) or (int(text) if text.isdigit() and len(text) < 3 else 0)
        if not 1 <= hour <= 12:
            return []
        behind = self.after(start + 1, "o clock|o 'clock|oclock|clock")
        if behind is not None:
            behind = self.optional(behind, "position|side|spot")
        elif self.text(at) == "at" and start + 1 == self.end:
            behind = start + 1
        return [] if behind is None else [(Place((str(hour),), "clock"), behind)]

    def written(self, at: int) -> Parses[Condition]:
        """Read a text written on an object: "that says stop"; its words are not parsed."""
        start = self.after(at, _SAYS)
        end = start or self.end
        while end < self.end and not self.word_in(end, ",|on|in|at|near"):
            end += 1
        if start is not None and end > start:
            yield Attribute(self._span(at, end), "words"), end

    def _number(self, at: int) -> Parses[Condition]:
        """Read a number on an object: "number 34", "(bus) 36"."""
        start = self.skip(at, f"with|in|wearing|{_ARTICLES}")
        named = self.after(start, _NUMBER_LEADS)
        number_at = at if named is None else named
        text, end = self.text(number_at), number_at + 1
        if named is not None and (text.isdigit() or text in NUMBERS or len(text) == 1):
            worn = "wearing " if self.text(at) == "wearing" else ""
            yield Attribute(f"{worn}number {text}", "words"), end
        elif text.isdigit() and self.word_in(end, "|,|on|in|at"):
            yield Attribute(f"with {text} on it", "words"), end

    def _direction_of_gaze(self, at: int) -> Parses[Condition]:
        """Read "looking left", "facing the other way", "turned away"."""
        text = self.text(at)
        lemma = verb_lemma(text)
        if lemma not in _GAZES or lemma == text:
            return
        start = self.skip(at + 1, "to|towards|the|their|his|her|its")
        for begin in (at + 1, start):
            end = self.after(begin, _WAYS)
            if end is not None and not self.word_in(end, "of|at|from|to|on"):
                end = self.optional(end, "side|way|direction")
                yield Attribute(self._span(at, end), "activity"), end
                return

    def _back_turned(self, at: int) -> Parses[Condition]:
        """Read "with her back to us", "back turned"."""
        start = self.skip(at, f"with|has|having|{_OWN}")
        for end in self.behind(start, "back|backs|backside"):
            turned = self.after(end, "turned|facing")
            to = self.after(turned or end, "to|towards")
            stop = turned if to is None else self.camera(to) or turned
            if stop is not None:
                yield Attribute("facing away from the camera", "activity"), stop

    def _posed_part(self, at: int) -> Parses[Condition]:
        """Read how a part is held: "with head up", "with its wings spread"."""
        start = self.after(at, "with|having|has|and")
        if start is None:
            return
        noun_at = self.skip(start, _OWN)
        pose_at = noun_at + 1 if self.text(noun_at + 1) in _POSES else noun_at + 2
        pose_end = pose_at + 1
        if self.text(pose_at) not in _POSES or not self._is_plain_noun(noun_at):
            return
        if pose_at == noun_at + 2 and not self._is_plain_noun(noun_at + 1):
            return
        if not self.word_in(pose_end, "|,|and|looking|in|on|to"):
            return
        if self.word_in(pose_at, "on|back|out") and self.word_in(pose_end, _ARTICLES):
            return
        yield Attribute(f"with {self._span(noun_at, pose_end)}", "words"), pose_end

    def _cut_off(self, at: int) -> Parses[Condition]:
        """Read "(mostly) cut off (by the edge of the picture)": the object touches the image border."""
        start = self.skip(at, _DEGREES)
        end = self.after(start, "cut off|cropped|cutoff|chopped off|cropped off")
        if end is None and start > at:
            end = self.after(start, "cut")
        if end is None:
            return
        if self.word_in(end, "by|at|on|in|of"):
            behind = self.skip(end, _BORDER_WORDS)
            end = behind if not self.word_in(behind - 1, "by|at|on|in|of|the") else end
        if start == at:
            yield Pick("border"), end
            return
        degree = Attribute(f"{self._span(at, start)} cut off", "words")
        yield AllOf((Pick("border"), degree)), end

    def _sight(self, at: int) -> Parses[Condition]:
        """Read "you can barely see", "whose face is hidden": all words up to the next comma."""
        start = self.after(at, _SIGHTS)
        if start is None or (self.text(start - 1) != "whose" and not self._sees(start)):
            return []
        end = start
        while end < self.end and self.text(end) != ",":
            end += 1
        return [(Attribute(self._span(at, end), "words"), end)] if end > start else []

    def _sees(self, at: int) -> bool:
        at = self.skip(at, "not|barely|only|hardly|just|fully|almost|actually")
        return self.word_in(at, "see|tell|read|make|spot")

    def _purpose(self, at: int) -> Parses[Condition]:
        """Read "ready to serve", "preparing to hit the ball": words for the matcher."""
        if self.text(at + 1) != "to" or self.text(at) not in READY:
            return
        if verb_lemma(self.text(at + 2)) is None or self.text(at + 2) in FUNCTION_WORDS:
            return
        end = at + 3
        for _, stop in self.description(end, True):
            yield Attribute(self._span(at, stop), "words"), stop
            return
        yield Attribute(self._span(at, end), "words"), end

    def being_done(self, at: int) -> Parses[Condition]:
        """Read "being pulled", "being held by the man"."""
        if self.text(at) != "being":
            return
        yield from (
            (replace(c, value=f"being {c.value}") if isinstance(c, Attribute) else c, end)
            for c, end in self.predicate(at + 1)
        )

    def _cut_up(self, at: int) -> Parses[Condition]:
        """Read "cut in half"."""
        for end in self.behind(at + 1, "in half|in two|in pieces|in thirds"):
            if is_participle(self.text(at)):
                yield Attribute(self._span(at, end), "words"), end

    def _end_of_all(self, at: int) -> Parses[Condition]:
        """Read "on the end", "in the corner", "on the inside": no side is named."""
        far = self.after(self.skip(at, "in|on|at|the"), "far side|far end")
        if far is not None and self.text(far) != "of":
            return [(Pick("far"), far)]
        start = self.skip(at, "in|on|at|the|very")
        if start == at or self.word_in(start + 1, "of|edge|corner"):
            return []
        by = _OFF_CENTER.get(self.text(start))
        return [(Pick(by), start + 1)] if by else []

    def _with_most(self, at: int) -> Parses[Condition]:
        """Read "with the most cheese", "that has fewer stripes"."""
        for start in self.behind(at, "with|having|has|that has|who has|which has"):
            start = self.skip(start, "the")
            rank = _MOST.get(self.text(start))
            end = start + 1
            while self._is_plain_noun(end):
                end += 1
            if rank is not None and end > start + 1:
                behind = self.optional(end, "to it|on it|in it|on them|of all")
                yield Pick(self._span(start + 1, end), rank), behind

    @rule
    def attribute(self, at: int) -> Parses[Condition]:
        """Read an attribute with its degree, which distinguishes here: "partially peeled"."""
        start = self.skip(at, _DEGREES)
        found = super().attribute(start)
        text = self.text(start)
        if start == at:
            return found
        if not found and is_participle(text):
            found.append((Attribute(text, "state"), start + 1))
        degree = self._span(at, start)
        return [
            (Attribute(f"{degree} {c.value}", "words"), end)
            for c, end in found
            if isinstance(c, Attribute)
        ]

    @rule
    def unit(self, at: int) -> Parses[Condition]:
        """Read one condition without "and" or "or", distinguishing attributes included."""
        return [*self.distinguishing(at), *super().unit(at)]

    def _is_plain_noun(self, at: int) -> bool:
        text = self.text(at)
        if not text.isalpha() or text in FUNCTION_WORDS or text in PLACES or text in _POSES:
            return False
        sorts = kinds(singular(text))
        return ("NOUN" in sorts or not sorts) and not is_gerund(text)

    def _span(self, start: int, end: int) -> str:
        """Return the words of a span, normalized and without articles."""
        return " ".join(text for text in self.texts[start:end] if text not in _ARTICLES.split("|"))
