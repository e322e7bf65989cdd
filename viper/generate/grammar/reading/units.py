"""Rules for the smallest conditions: attributes, places in the image, superlatives, comparisons.

They need no noun phrase, except for "nearest to …" and "the same color as …"; a subclass reads that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from viper.generate.grammar.description import (
    Attribute,
    Condition,
    Description,
    Pick,
    Place,
    SameAs,
)
from viper.generate.grammar.reading.chart import Chart, Parses, rule
from viper.generate.grammar.vocabulary.lexicon import (
    ANIMATES,
    ARTICLES,
    ATTRIBUTE_KIND,
    CAMERA,
    COMPARATIVES,
    COMPOUNDS,
    FUNCTION_WORDS,
    ORDINALS,
    PLACES,
    POSTURES,
    RESPECTS,
    SHADES,
    SUPERLATIVES,
)
from viper.generate.grammar.vocabulary.word_table import word_table
from viper.generate.grammar.vocabulary.words import is_gerund, kinds, positive, singular

__all__ = ["HALF_DONE", "UnitChart"]

_DEGREES = frozenset(
    "very quite rather so too slightly partially mostly partly really somewhat fully almost "
    "completely pretty well extremely more bit little".split()
) - {"little", "well", "more", "bit"}
_PART_NOUNS = (
    "hand side|side|part|half|corner|edge|area|section|portion|end|row|most|third|ground|one"
)
_INTO_PLACE = (
    "close to|next to|near|on to|in|on|at|to|towards|all the way to|all the way on|"
    "way on|over on|up|in upper"
)
_PARTS = word_table(
    """
    corner: corner
    edge: edge end
    half: half
    third: third
    side: side part area section portion
    """
)
HALF_DONE = frozenset("full empty eaten open gone cut hidden visible".split())
"""Words that make "half" a degree, not a part of the image: "glass on the left half full"."""
_DEPTH_PICKS = {"front": "near", "back": "far"}
_OUTERMOST = frozenset({"left", "right", "top", "bottom"})


_NO_ATTRIBUTES = FUNCTION_WORDS.union(SUPERLATIVES, COMPARATIVES, PLACES, ORDINALS)


class UnitChart(Chart, ABC):
    """Reads the smallest conditions."""

    def before_noun(self, at: int) -> tuple[list[Condition], int] | None:
        """Read one modifier before a noun.

        Returns:
            The conditions and the position after them, None without a modifier here.
        """
        text, following = self.text(at), self.text(at + 1)
        if self.compound(at):
            return None
        if text in _DEGREES and self.before_noun(at + 1):
            return self.before_noun(at + 1)
        if text in ORDINALS:
            return self._ordinal(at)
        picked = self._superlative(at)
        if picked is not None:
            return [picked[0]], picked[1]
        if text in PLACES and following != "of":
            place = self._place_words(at, before=True)
            return ([place[0]], place[1]) if place else None
        posed = text in POSTURES and following and following not in FUNCTION_WORDS
        if posed or self._acting(at, following):
            return [Attribute(text, "activity")], at + 1
        if text in POSTURES and following in ("down", "up") and self._acting(at, self.text(at + 2)):
            return [Attribute(f"{text} {following}", "activity")], at + 2
        found = self.attribute_word(at)
        return ([found[0]], found[1]) if found else None

    def _acting(self, at: int, noun: str) -> bool:
        """Return whether a verb stands between an article and its subject: "the reading man"."""
        return (
            self.text(at - 1) in ARTICLES
            and is_gerund(self.text(at))
            and singular(noun) in ANIMATES
        )

    def compound(self, at: int) -> int:
        """Return the number of words of a fixed compound here ("potted plants"), 0 if none."""
        for words in COMPOUNDS:
            here = self.texts[at : at + len(words)]
            if here and here[:-1] == words[:-1] and words[-1] in (here[-1], singular(here[-1])):
                return len(words)
        return 0

    def _ordinal(self, at: int) -> tuple[list[Condition], int]:
        rank = ORDINALS[self.text(at)]
        end = self._direction_behind(at + 1)
        if end is not None:
            return [Pick(_direction(self.text(end - 1)), rank)], end
        return [Pick("", rank)], at + 1

    def _direction_behind(self, at: int) -> int | None:
        """Return the position after "from the left" or "to the right", None if absent."""
        start = self.after(at, "from|one from|in from|on|to")
        if start is None:
            return None
        start = self.skip(start, "the|far")
        if self.text(start) not in PLACES or self.text(start + 1) == "of":
            return None
        return start + 1

    def _superlative(self, at: int) -> tuple[Pick, int] | None:
        text, following = self.text(at), self.text(at + 1)
        if text == "farthest" and following in PLACES:
            return Pick(_outermost(following)), at + 2
        if text in SUPERLATIVES:
            return Pick(SUPERLATIVES[text]), at + 1
        if text in COMPARATIVES and following != "than":
            return Pick(COMPARATIVES[text]), at + 1
        if text in ("most", "far", "extreme", "very") and following in PLACES:
            if self.text(at + 2) == "of":
                return None
            return Pick(_outermost(following)), self.optional(at + 2, _PART_NOUNS)
        adjective = "ADJ" in kinds(following) or following in ATTRIBUTE_KIND
        graded = self.word_in(at, "most|more|least|less")
        if graded and adjective and following not in FUNCTION_WORDS:
            return Pick(following, 1 if self.word_in(at, "most|more") else -1), at + 2
        sorts = kinds(text)
        degree = bool(sorts) and sorts <= {"ADJ", "ADV"} and text not in PLACES
        compared = text.endswith("er") and following != "than" and positive(text) != text
        if degree and (compared or (text.endswith("est") and len(text) > 5)):
            return Pick(positive(text)), at + 1
        return None

    def _place_words(self, at: int, *, before: bool) -> tuple[Place, int] | None:
        """Read "top left corner": one or two place words and the noun of a part."""
        names = [PLACES[self.text(at)]]
        end = at + 1
        second = PLACES.get(self.text(end), names[0])
        if second != names[0] and not self.word_in(end + 1, "of|row"):
            names.append(second)
            end += 1
        part_at, part = end, ""
        if self.text(end) != "half" or self.text(end + 1) not in HALF_DONE:
            end = self.optional(end, _PART_NOUNS)
        if self.text(end) == "of" or (before and end == self.end and not self.telegraphic):
            return None
        if self.telegraphic and end > part_at:
            part = _PARTS.get(self.text(end - 1), "")
        return Place(tuple(names), part), end

    @rule
    def place(self, at: int) -> Parses[Condition]:
        """Read where in the image: "on the left side", "in the background", "top right"."""
        for lead in (*self.behind(at, _INTO_PLACE), at):
            start = self.skip(lead, "the|far|very|extreme")
            far = self.word_in(start - 1, "far|very|extreme")
            read = self._place_words(start, before=False) if self.text(start) in PLACES else None
            if read is not None and far and len(read[0].names) == 1:
                yield Pick(_outermost(self.text(start))), read[1]
            elif read is not None:
                yield read
        direction = self._direction_behind(at)
        if self.text(at) == "from" and direction is not None:
            yield Pick(_direction(self.text(direction - 1)), 0), direction

    @rule
    def pick(self, at: int) -> Parses[Condition]:
        """Read "closest to the camera", "nearest to the car", "2nd from the left", "tallest"."""
        text = self.text(at)
        if text in ORDINALS:
            conditions, end = self._ordinal(at)
            superlative = self._superlative(at + 1)
            if superlative is not None:
                yield Pick(superlative[0].by, ORDINALS[text]), superlative[1]
            yield conditions[0], self.optional(end, "one")
        for end in self.behind(at, "closest|nearest|closer|nearer|close|farthest|most far|farther"):
            far = "far" in self.text(end - 1)
            yield from self._pick_to(self.skip(end, "away|one"), far=far)
        superlative = self._superlative(at)
        if superlative is not None:
            pick, end = superlative
            yield pick, self.optional(end, "one")

    def _pick_to(self, at: int, *, far: bool) -> Parses[Condition]:
        """Read the noun phrase after "closest to" or "farthest from"."""
        start = self.optional(at, "to|from")
        camera = self.camera(start)
        if camera is not None:
            yield Pick("far" if far else "near"), camera
        place = self.skip(start, "the")
        if start != at and self.text(place) in PLACES and self.text(place + 1) != "of":
            read = self._place_words(place, before=False)
            if read is not None:
                away = far and self.text(start - 1) == "from"
                yield Pick(_outermost(self.text(place)), -1 if away else 1), read[1]
        if start != at:
            for other, end in self.description(start, True):
                if other.noun is not None:
                    yield Pick("farthest_from" if far else "nearest_to", 1, other), end

    def camera(self, at: int) -> int | None:
        """Return the position after "the camera" or "us", None if neither stands here."""
        start = self.skip(at, "the|my|our")
        if self.text(start) not in CAMERA or self.word_in(start + 1, "'s"):
            return None
        if self.word_in(start, "screen|lens") and self.text(start - 1) != "the":
            return None
        return start + 1

    @rule
    def attribute(self, at: int) -> Parses[Condition]:
        """Read one attribute with its adverbs: "very dirty", "light blue", "shirtless"."""
        start = self.skip(at, _DEGREES)
        read = self.attribute_word(start)
        if read is None:
            return
        yield read
        for behind in self.behind(read[1], "color|in color|in size|colored"):
            yield read[0], behind

    def attribute_word(self, at: int) -> tuple[Attribute, int] | None:
        """Read an attribute of one word, or a color with its shade."""
        text, following = self.text(at), self.text(at + 1)
        if text in SHADES and ATTRIBUTE_KIND.get(following) == "color":
            return Attribute(f"{text} {following}", "color"), at + 2
        if (text, following) == ("stainless", "steel"):
            return Attribute("stainless steel", "material"), at + 2
        if text in ATTRIBUTE_KIND:
            colored = following in ("colored", "color") and ATTRIBUTE_KIND[text] == "color"
            return Attribute(text.replace("-", " "), ATTRIBUTE_KIND[text]), at + 1 + colored
        sorts = kinds(text)
        if text in _NO_ATTRIBUTES or "NOUN" in sorts:
            return None
        if "ADJ" in sorts and not text.endswith("est"):
            return Attribute(text.replace("-", " "), "quality"), at + 1
        if text.endswith("ed") and "VERB" in sorts and following not in FUNCTION_WORDS:
            return Attribute(text.replace("-", " "), "state"), at + 1
        return None

    @rule
    def same_as(self, at: int) -> Parses[Condition]:
        """Read "the same color as the plate", "different in color than the ham"."""
        start = self.skip(at, "of|in|made|from|out|has|have|having|with|is|are")
        start = self.skip(start, "the|a")
        respect_at = self.skip(start + 1, "in|kind|of")
        respect = RESPECTS.get(self.text(respect_at))
        if not self.word_in(start, "same|different") or respect is None:
            return
        for joint in self.behind(respect_at + 1, "as|than|from|like|with"):
            joint = self.skip(self.optional(joint, "that of|those of|the one of"), "does|do")
            for other, end in self.description(joint, True):
                yield SameAs(respect, other, self.text(start) == "same"), end

    @abstractmethod
    def description(self, at: int, nested: bool = False) -> Parses[Description]:
        """Read a noun phrase."""


def _direction(word: str) -> str:
    place = PLACES[word]
    return _DEPTH_PICKS.get(place, place)


def _outermost(word: str) -> str:
    """Return the rank by the outermost edge: the object "far left" has the leftmost edge."""
    direction = _direction(word)
    return f"far_{direction}" if direction in _OUTERMOST else direction
