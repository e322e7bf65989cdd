"""The program lines that find the objects of a description.

    dogs = image_patch.find("dog")
    cars = image_patch.find("car")
    dogs = [dog for dog in dogs if any(is_near(dog, car) for car in cars)]
    dogs = sorted(dogs, key=lambda dog: dog.left)[:1]

Conditions filter first; ranks ("leftmost", "second from the right") come last. The object of a
referring expression is found more leniently: see `referents`.
"""

from __future__ import annotations

from dataclasses import replace

from viper.generate.grammar.description import (
    Attribute,
    Condition,
    Description,
    Not,
    OneOf,
    Pick,
    Place,
    flat,
)
from viper.generate.grammar.logical_form import Query
from viper.generate.grammar.writing.detectable import search_for
from viper.generate.grammar.writing.finding import FindWriter
from viper.generate.grammar.writing.ranking import KEYS
from viper.generate.grammar.writing.sharing import narrowed
from viper.generate.grammar.writing.wording import condition_text
from viper.models.capabilities import Capabilities

__all__ = ["SelectWriter"]


class SelectWriter(FindWriter):
    """Writes the search for objects."""

    def __init__(self, capabilities: Capabilities, query: Query) -> None:
        super().__init__(capabilities, query)
        self._selected: dict[tuple[str | None, tuple[Condition, ...]], str] = {}
        """Description → the variable of its objects."""

    def select(self, description: Description) -> str:
        """Write the lines that find the objects of a description, once for each description.

        Returns:
            The variable that holds the list, best first.
        """
        key = (description.noun, description.conditions)
        if key not in self._selected:
            union = next((c for c in description.conditions if isinstance(c, OneOf)), None)
            self._selected[key] = (
                self._select_union(description, union) if union else self._select(description)
            )
        return self._selected[key]

    def _select_union(self, description: Description, union: OneOf) -> str:
        """Write the lists of the alternatives and join them, each object once."""
        picks = [c for c in description.conditions if isinstance(c, Pick)]
        others = tuple(c for c in description.conditions if c is not union and c not in picks)
        head = replace(description, conditions=others)
        first, *rest = [self.select(narrowed(kind, head)) for kind in union.kinds]
        noun = description.head
        many = self.named(noun, prefix="matching")
        for other in rest:
            each = self.plain(other)
            further = f"[{each} for {each} in {other} if {each} not in {first}]"
            self.write(f"{many} = {first} + {further}")
            first = many
        for pick in picks:
            self._pick(pick, many, self.one_of(many), noun)
        return many

    def _select(self, description: Description) -> str:
        noun = self._unnamed() if description.noun is None else description.head
        many = self.find(noun, description)
        one = self.one_of(many)
        picks: list[Pick] = []
        for condition in self._conditions(description, noun):
            if isinstance(condition, Pick):
                picks.append(condition)
            elif isinstance(condition, Not) and isinstance(condition.condition, Pick):
                self._exclude(condition.condition, many, one, noun)
            else:
                self._filter(condition, many, one, noun)
        for pick in picks:
            self._pick(pick, many, one, noun)
        return self.read(many)

    def _unnamed(self) -> str:
        """Return the noun to search for where the question names none."""
        if self.capabilities.vocabulary is None or not self.capabilities.match("person"):
            return "object"
        self.note("no object is named: taken as 'person'")
        return "person"

    def _conditions(self, description: Description, noun: str) -> list[Condition]:
        """Return the conditions, with one more where the detector's class is wider than the noun."""
        conditions = list(description.conditions)
        search = search_for(noun, self.capabilities)
        if search is not None and search.note:
            if search.narrower and self.has_matcher:
                conditions.insert(0, Attribute(noun, "kind"))
            else:
                self.note(search.note)
        return conditions

    def _filter(self, condition: Condition, many: str, one: str, noun: str) -> None:
        for part in flat(condition):
            each = self.plain(many) if isinstance(part, Attribute | Place) else one
            predicate = self.predicate(part, each, noun)
            if predicate is not None:
                self.keep(many, f"[{each} for {each} in {self.read(many)} if {predicate}]")

    def _exclude(self, pick: Pick, many: str, one: str, noun: str) -> None:
        """Write the exclusion of the object that a negated superlative denotes."""
        key = self._key(pick, one, noun)
        if key is None:
            return
        extreme, before = self.names.single(f"excluded_{one}"), self.read(many)
        self.write(f"{extreme} = min({before}, key=lambda {one}: {key}, default=None)")
        self.keep(many, f"[{one} for {one} in {before} if {one} != {extreme}]")

    def _pick(self, pick: Pick, many: str, one: str, noun: str) -> None:
        key = self._key(pick, one, noun)
        if key is None:
            if self.has_matcher and pick.other is None:
                text = f"{condition_text(pick)} {noun}"
                best = self.names.single(f"best_{one}")
                self.write(f"{best} = best_image_match({self.read(many)}, {text!r})")
                self.keep(many, f"[{best}] if {best} else []")
            else:
                self.note(f"{condition_text(pick)!r} of the {noun}: no matcher")
            return
        span = {-1: "[-1:]", 1: "[:1]"}.get(pick.rank, f"[{pick.rank - 1}:{pick.rank}]")
        self.keep(many, f"sorted({self.read(many)}, key=lambda {one}: {key}){span}")

    def _key(self, pick: Pick, one: str, noun: str) -> str | None:
        """Return the sort key of a rank, None if no served model gives one."""
        if pick.other is not None:
            if not self.can_find(pick.other):
                self.note(
                    f"{condition_text(pick)!r} of the {noun}: cannot detect {pick.other.head!r}"
                )
                return None
            others, other = self.found(pick.other, one)
            gaps = f"min([distance({one}, {other}) for {other} in {others}] or [0])"
            return gaps if pick.by == "nearest_to" else f"-{gaps}"
        if pick.by in ("near", "far"):
            if self.capabilities.serves("depth"):
                return f"{'-' if pick.by == 'far' else ''}{one}.compute_depth()"
            self.note(f"{condition_text(pick)!r} judged from the lower edge: no depth model")
        key = KEYS.get(pick.by)
        return None if key is None else key.format(a=one)
