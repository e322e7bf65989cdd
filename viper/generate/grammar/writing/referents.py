"""The program lines that find the one object of a referring expression.

    guys = image_patch.find("guy")
    shirts = image_patch.find("shirt")
    shirts = [shirt for shirt in shirts if shirt.verify_property("shirt", "blue")]
    fitting_guys = [guy for guy in guys if any(gap(guy, shirt) < 0.2 for shirt in shirts)]
    guys = sorted(fitting_guys or guys, key=…)
    guys = sorted(guys, key=lambda guy: guy.horizontal_center)
    return guys[0] if guys else None

The object is nearly always in the image, and models make errors. So a condition *excludes* candidates
only where the test is reliable:

- boxes decide left and right of another object; a matcher decides an attribute that it can compare
  with others of its kind (color, material, pattern, …) and the kind of object. Where such a condition
  holds for no candidate, nothing fits: None.
- another object of the expression must be there: "the cup next to the book" is nothing without a book.
- every other condition only *ranks* candidates: relations that boxes merely estimate sort by distance;
  a phrase that a matcher can only compare with the bare noun ("looking down", "that says stop",
  unparsed words) ranks the candidates, or keeps those that fit unless none does; "big" means bigger
  than the others.

Places come last: "left" is the leftmost of the remaining candidates.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from viper.generate.grammar.description import (
    Among,
    Attribute,
    Condition,
    Description,
    Inverse,
    Not,
    OneOf,
    Pick,
    Place,
    Related,
    Row,
    flat,
)
from viper.generate.grammar.vocabulary.categories import CONTRASTS
from viper.generate.grammar.vocabulary.relations import VERBS
from viper.generate.grammar.vocabulary.words import is_gerund, is_worn
from viper.generate.grammar.writing.geometry import RULES, Rule
from viper.generate.grammar.writing.predicates import NO_MATCHER, SAME_OBJECT
from viper.generate.grammar.writing.premises import PremiseWriter
from viper.generate.grammar.writing.ranking import KEYS, SIZES, clock_key, corner_key
from viper.generate.grammar.writing.saying import attribute_said, name_of, said
from viper.generate.grammar.writing.wording import condition_text
from viper.vocabulary.attributes import contrasts, named_colors

__all__ = ["ReferentWriter"]

_PLACE_PICKS = {"front": "near", "back": "far"}
_CORNERS = frozenset({"left", "right", "top", "bottom"})
_CORNERS |= {f"far_{place}" for place in _CORNERS}
_SHARES = {
    "half": {
        "left": "{a}.horizontal_center < image_patch.horizontal_center",
        "right": "{a}.horizontal_center > image_patch.horizontal_center",
        "top": "{a}.vertical_center > image_patch.vertical_center",
        "bottom": "{a}.vertical_center < image_patch.vertical_center",
    },
    "third": {
        "left": "{a}.horizontal_center < image_patch.width / 3",
        "right": "{a}.horizontal_center > image_patch.width * 2 / 3",
        "top": "{a}.vertical_center > image_patch.height * 2 / 3",
        "bottom": "{a}.vertical_center < image_patch.height / 3",
        "middle": "abs({a}.horizontal_center - image_patch.horizontal_center) < image_patch.width / 6",
    },
}
_SHARES["side"] = _SHARES["half"]


class ReferentWriter(PremiseWriter):
    """Writes the search for the object of a referring expression."""

    _must_fit = False
    """Whether nothing is found rather than what fits less well: of several, each must fit."""

    def find_referent(self, description: Description) -> str:
        """Write the lines that find the object of a referring expression.

        Returns:
            The variable that holds the candidates, best first; empty where nothing fits.
        """
        if any(isinstance(condition, OneOf) for condition in description.conditions):
            return self.gather(description)
        noun, many = self._candidates(description)
        self._must_fit = description.plural and not self.best_effort
        picks: list[Pick] = []
        places: list[str] = []
        clocks: list[int] = []
        phrases: list[str] = []
        sizes: list[str] = []
        conditions = map(flat, self._conditions(description, noun, any_will_do=True))
        for condition in itertools.chain.from_iterable(conditions):
            match condition:
                case Pick():
                    picks.append(condition)
                case Place(names=(hour,), part="clock"):
                    clocks.append(int(hour))
                case Place():
                    if description.plural and not condition.part:  # all of them, not the first
                        condition = replace(condition, part="side")
                    places += self._places(condition, many)
                case Row():
                    self._keep_row(condition, many)
                case Among():
                    self.keep(many, f"{self.read(many)}[:{condition.number}]")
                case Attribute(kind="size", value=value) if value in SIZES:
                    sizes.append(value)
                case Attribute() if self._only_prefers(condition, noun):
                    phrases.append(condition.value)
                    if self._matches_colors_only and condition.kind == "color":
                        self.remark_pixels(attribute_said(condition, noun), noun)
                    elif self._matches_colors_only:
                        self._doubt_clothes(condition, noun)
                case Related() if self._is_colored_clothing(condition):
                    phrases.append(condition_text(condition))
                    self._doubt_clothes(condition, noun)
                case Not(condition=inner):
                    with self.supposing("the definite"):
                        self._exclude_fitting(inner, many, noun)
                case _:
                    self._narrow(condition, many, noun)
                    phrases += self._action(condition)
        ranked = bool(places or clocks or picks)
        for size in sizes:
            if self.has_matcher:
                phrases.append(size)
            if not ranked:  # "big" is bigger than the others
                if not self.has_matcher:
                    self.remark(f"{size!r} is judged among the candidates")
                picks.append(Pick(SIZES[size]))
        self._prefer(phrases, picks, many, description, ranked=ranked)
        self._rank_by_place(places, picks, clocks, many)
        for pick in picks:
            self._pick(pick, many, self.one_of(many), noun)
        return self.read(many)

    def _candidates(self, description: Description) -> tuple[str, str]:
        """Write the first search; return the noun and the list."""
        vocabulary = self.capabilities.vocabulary
        if description.noun is None and vocabulary is None:
            # Expressions without a noun mean a person more often than not.
            many = self.named("object")
            self.write(f"{many} = image_patch.find('person') or image_patch.find('object')")
            return "object", many
        noun = self._unnamed(description) if description.noun is None else description.head
        if (
            description.noun is not None
            and not self.can_find(description)
            and self._is_of_person(noun)
        ):
            self.doubt(
                name_of(description), f"{self.cannot_detect(description)}, but person", "detector"
            )
            return noun, self.find("person", description)
        return noun, self.find(noun, description)

    def _is_of_person(self, noun: str) -> bool:
        return is_worn(noun) and self.capabilities.match("person") is not None

    def _only_prefers(self, attribute: Attribute, noun: str) -> bool:
        """Return whether a matcher can only compare an attribute with the bare noun, or candidates."""
        if self._matches_colors_only:
            return attribute.kind in ("color", "clothing") and bool(named_colors(attribute.value))
        if not self.has_matcher or self._is_class(attribute.value):
            return False
        if attribute.kind == "kind":
            return attribute.value == noun and noun not in CONTRASTS
        return not contrasts(attribute.value)

    @property
    def _matches_colors_only(self) -> bool:
        return self.capabilities.judges("color") and not self.has_matcher

    def _is_colored_clothing(self, condition: Related) -> bool:
        """Return whether only the color of the clothes can be tested: "in a red shirt"."""
        if not self._matches_colors_only or len(condition.others) != 1:
            return False
        (worn,) = condition.others
        if self.can_find(worn) or worn.noun is None:
            return False
        return is_worn(worn.noun) and bool(named_colors(condition_text(condition)))

    def _doubt_clothes(self, condition: Condition, noun: str) -> None:
        why = f"only its color is looked for, anywhere on the {noun}"
        self.doubt(said(condition), why, "matcher")

    def also_in_words(
        self, predicate: str, rule: Rule, condition: Related | Inverse, item: str, noun: str
    ) -> str:
        """Return the test from boxes: in an expression, words only prefer (see `_action`)."""
        if not self.refers:
            return super().also_in_words(predicate, rule, condition, item, noun)
        if rule.note in ("action", "direction") and not self.has_matcher:
            self.doubt(
                said(condition), f"judged from the boxes alone, since {NO_MATCHER}", "matcher"
            )
        return predicate

    def _action(self, condition: Condition) -> list[str]:
        """Return phrases for what boxes cannot decide: a person near a pizza may not be eating it."""
        if not self.has_matcher or not isinstance(condition, Related | Inverse):
            return []
        rule = RULES.get(condition.relation)
        if rule is None or not all(map(self.can_find, condition.others)):
            return []  # tested in words already
        # "looking through": the relation covers the preposition only, not the verb
        verb = condition.relation not in VERBS.values() and is_gerund(condition.words.split()[0])
        if rule.note in ("action", "direction") or verb:
            return [condition_text(condition)]
        return []

    def _places(self, place: Place, many: str) -> list[str]:
        """Keep what lies in the named share of the image; return the keys that rank the rest."""
        shares = _SHARES.get(place.part, {})
        each = self.plain(many)
        predicates = [shares[name].format(a=each) for name in place.names if name in shares]
        if predicates:
            kept = f"[{each} for {each} in {self.read(many)} if {' and '.join(predicates)}]"
            before = self.read(many)
            self.keep(many, self._or_all(kept, before) if place.part == "side" else kept)
        outermost = place.part in ("corner", "edge")
        return [
            f"far_{name}" if outermost and name in _CORNERS else _PLACE_PICKS.get(name, name)
            for name in place.names
        ]

    def _keep_row(self, row: Row, many: str) -> None:
        rows, before, each = self.names.single("rows"), self.read(many), self.plain(many)
        self.write(f"{rows} = rows_of({before})")
        chosen = f"{rows}{'[::-1]' if row.side == 'top' else ''}[{row.rank - 1}:{row.rank}]"
        if row.side == "middle":
            chosen = f"{rows}[len({rows}) // 2:][:1]"
        line = self.names.single("row")
        kept = f"[{each} for {each} in {before} if any({each} in {line} for {line} in {chosen})]"
        self.keep(many, f"{kept} or {before}")

    def _narrow(self, condition: Condition, many: str, noun: str) -> None:
        """Write the filter of a condition; an unreliable one never leaves an empty list."""
        one = self.one_of(many)
        each = self.plain(many) if isinstance(condition, Attribute) else one
        predicate = self.predicate(condition, each, noun)
        if predicate is None:
            return
        before = self.read(many)
        kept = f"[{each} for {each} in {before} if {predicate}]"
        gaps = self._gaps(condition, one)
        if gaps is not None:
            fitting = self.names.single(f"fitting_{many}")
            self.write(f"{fitting} = {kept}")
            otherwise = "" if self._must_fit else ", and all where it fits none"
            self.comment(f"Boxes only estimate this: nearest first{otherwise}.")
            fitting = self._or_all(fitting, before)
            self.keep(many, f"sorted({fitting}, key=lambda {one}: {gaps})")
        elif self._estimates(condition):
            self.keep(many, self._or_all(kept, before))
        else:
            self.keep(many, kept)

    def _or_all(self, kept: str, before: str) -> str:
        return kept if self._must_fit else f"{kept} or {before}"

    def _gaps(self, condition: Condition, one: str) -> str | None:
        """Return the distance to the other object, for a relation that boxes only estimate."""
        if not isinstance(condition, Related) or len(condition.others) != 1:
            return None
        rule = RULES.get(condition.relation)
        if rule is None or not rule.estimate or not self.can_find(condition.others[0]):
            return None
        measured = rule.note == "depth" and self.capabilities.serves("depth")
        if measured or condition.relation == "far_from":
            return None
        others, other = self.last_others
        return f"min([distance({one}, {other}) for {other} in {others}] or [0])"

    def _estimates(self, condition: Condition) -> bool:
        """Return whether the test of a condition is unreliable."""
        match condition:
            case Related() | Inverse():
                if not all(map(self.can_find, condition.others)):
                    return True  # tested in words
                rule = RULES.get(condition.relation)
                return rule is None or (rule.estimate and rule.note != "depth")
            case Attribute():
                return not contrasts(condition.value) and condition.kind != "kind"
            case _:
                return False

    def _exclude_fitting(self, condition: Condition, many: str, noun: str) -> None:
        """Write the exclusion of candidates that a negated condition describes."""
        parts = flat(condition)
        one = self.one_of(many)
        first = parts[0]
        if isinstance(first, Attribute) and first.kind == "kind":
            other = Description(first.value, parts[1:])
            if self.can_find(other):
                others, each = self.found(other)
                same = f"distance({one}, {each}) < -{SAME_OBJECT}"
                kept = f"if not any({same} for {each} in {others})"
                self.keep(many, f"[{one} for {one} in {self.read(many)} {kept}]")
                return
        if len(parts) == 1 and isinstance(first, Place) and len(first.names) == 1:
            name = first.names[0]
            first = Pick(_PLACE_PICKS.get(name, name))
        if len(parts) == 1 and isinstance(first, Pick):
            self._exclude(first, many, one, noun)
            return
        predicate = self.predicate(Not(condition), one, noun)
        if predicate is not None:
            before = self.read(many)
            kept = f"[{one} for {one} in {before} if {predicate}]"
            soft = any(self._estimates(part) for part in parts)
            self.keep(many, f"{kept} or {before}" if soft else kept)

    def _prefer(
        self,
        phrases: list[str],
        picks: list[Pick],
        many: str,
        description: Description,
        *,
        ranked: bool,
    ) -> None:
        """Write the preference for candidates that match phrases."""
        noun = description.head
        by_words = [p for p in picks if p.other is None and p.by not in KEYS]
        ranked = ranked or len(picks) > len(by_words)
        if ranked:
            # "older woman on the left": the place decides between the old ones.
            for pick in by_words:
                picks.remove(pick)
                phrases.append(condition_text(pick) if pick.rank != 1 else pick.by)
        if self._matches_colors_only:
            colored = [phrase for phrase in phrases if named_colors(phrase)]
        elif self.has_matcher:
            colored = phrases
        else:
            colored = []
        for phrase in phrases:
            if phrase not in colored:
                self._narrow(Attribute(phrase, "words"), many, noun)
        phrases = colored
        if not phrases:
            return
        each, before = self.plain(many), self.read(many)
        if ranked or picks:
            predicates = [f"{each}.verify_property({noun!r}, {phrase!r})" for phrase in phrases]
            self.comment("The place decides: all where these words fit none.")
            self.keep(
                many, f"[{each} for {each} in {before} if {' and '.join(predicates)}] or {before}"
            )
            return
        named = [] if description.noun is None else [noun]
        text = " ".join([*named, *(phrase for phrase in phrases if phrase != noun)])
        if self._must_fit:
            fits = " and ".join(f"{each}.verify_property({noun!r}, {p!r})" for p in phrases)
            self.keep(many, f"[{each} for {each} in {before} if {fits}]")
            return
        best = self.names.single(f"best_{each}")
        self.write(f"{best} = best_image_match({before}, {text!r})")
        kept = f"[{best}]"
        if description.plural:
            fits = " and ".join(f"{each}.verify_property({noun!r}, {p!r})" for p in phrases)
            further = f"[{each} for {each} in {before} if {each} != {best} and {fits}]"
            kept = f"[{best}, *{further}]"
        self.keep(many, f"{kept} if {best} else []")

    def _rank_by_place(
        self, places: list[str], picks: list[Pick], clocks: list[int], many: str
    ) -> None:
        """Write the sorting by position; removes the elements of `picks` that it uses."""
        one = self.one_of(many)
        border = next((pick for pick in picks if pick.by == "border"), None)
        if border is not None and len(picks) + len(places) > 1:
            picks.remove(border)
            cut = f"{KEYS['border'].format(a=one)} < image_patch.width / 50"
            before = self.read(many)
            self.keep(many, f"[{one} for {one} in {before} if {cut}] or {before}")
        for hour in clocks:
            self.keep(many, f"sorted({self.read(many)}, key=lambda {one}: {clock_key(hour, one)})")
        joined = [pick for pick in picks if pick.rank == 1 and pick.by in _CORNERS]
        if places or len(joined) == len(picks) > 1:
            places += [pick.by for pick in joined]
            picks[:] = [pick for pick in picks if pick not in joined]
        if not places:
            return
        if len(places) > 1:
            key: str | None = corner_key(places, one)
        else:
            key = self.rank_key(Pick(places[0]), one, "object")
        self.keep(many, f"sorted({self.read(many)}, key=lambda {one}: {key})")
