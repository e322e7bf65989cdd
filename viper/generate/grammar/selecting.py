"""From a description to the program lines that find its objects.

    dogs = image_patch.find("dog")
    cars = image_patch.find("car")
    dogs = [dog for dog in dogs if any(is_near(dog, car) for car in cars)]
    dogs = sorted(dogs, key=lambda dog: dog.left)[:1]

Conditions filter first; what picks by rank ("leftmost", "second from the right") comes last. In a
referring expression the object is known to be there, so an estimate that fits no candidate ranks the
candidates by distance instead of dropping them all, and "left" means the leftmost.
"""

from __future__ import annotations

from dataclasses import replace

from viper.generate.grammar.detectable import search_for
from viper.generate.grammar.finding import FindWriter
from viper.generate.grammar.geometry import RULES
from viper.generate.grammar.logical_form import (
    AllOf,
    Attribute,
    Condition,
    Description,
    Not,
    OneOf,
    Pick,
    Place,
    Query,
    Related,
)
from viper.generate.grammar.sharing import narrowed
from viper.generate.grammar.wording import condition_text, thing_text
from viper.vision.capabilities import Capabilities

__all__ = ["SelectWriter"]

_KEYS = {
    "left": "{a}.horizontal_center",
    "right": "-{a}.horizontal_center",
    "top": "-{a}.vertical_center",
    "bottom": "{a}.vertical_center",
    "middle": "abs({a}.horizontal_center - image_patch.horizontal_center)",
    "big": "-{a}.width * {a}.height",
    "small": "{a}.width * {a}.height",
    "tall": "-{a}.height",
    "short": "{a}.height",
    "wide": "-{a}.width",
    "narrow": "{a}.width",
    "near": "({a}.lower, -{a}.height)",
    "far": "(-{a}.lower, {a}.height)",
}
"""Pick → sort key, the smallest first; depth replaces the last two where it is served."""
_PLACE_PICKS = {"front": "near", "back": "far"}
_SIZES = {
    "big": "big",
    "large": "big",
    "huge": "big",
    "giant": "big",
    "main": "big",
    "small": "small",
    "little": "small",
    "tiny": "small",
    "tall": "tall",
    "short": "short",
    "wide": "wide",
    "fat": "wide",
    "thin": "narrow",
    "skinny": "narrow",
}


class SelectWriter(FindWriter):
    """Writes the search for objects."""

    def __init__(self, capabilities: Capabilities, query: Query) -> None:
        super().__init__(capabilities, query)
        self._selected: dict[tuple[str | None, tuple[Condition, ...], bool], str] = {}
        """Description → the variable of what it means."""

    def select(self, description: Description, *, target: bool = False) -> str:
        """Write the lines that find the objects of a description, once for each description.

        Args:
            description: What to find.
            target: True for the object that a referring expression means.

        Returns:
            The variable that holds the list, best first.
        """
        key = (description.noun, description.conditions, target)
        if key not in self._selected:
            union = next((c for c in description.conditions if isinstance(c, OneOf)), None)
            if union is not None:
                self._selected[key] = self._select_union(description, union, target=target)
            else:
                self._selected[key] = self._select(description, target=target)
        return self._selected[key]

    def _select_union(self, description: Description, union: OneOf, *, target: bool) -> str:
        """Write the lists of the alternatives and join them, each object once."""
        picks = [c for c in description.conditions if isinstance(c, Pick)]
        head = replace(
            description,
            conditions=tuple(
                c for c in description.conditions if c is not union and c not in picks
            ),
        )
        first, *rest = [self.select(narrowed(kind, head)) for kind in union.kinds]
        noun = thing_text(description)
        many = self.named(noun, prefix="matching")
        for other in rest:
            each = self.plain(other)
            further = f"[{each} for {each} in {other} if {each} not in {first}]"
            self.write(f"{many} = {first} + {further}")
            first = many
        for pick in picks:
            self._pick(pick, many, self.one_of(many), noun, alone=not target)
        return many

    def _select(self, description: Description, *, target: bool) -> str:
        noun = thing_text(description)
        if description.noun is None:
            noun = self._unnamed(description)
        many = self.find(noun, description)
        one = self.one_of(many)
        picks: list[Pick] = []
        for condition in self._conditions(description, noun):
            pick = self._ranking(condition, target=target)
            if pick is not None:
                picks.append(pick)
            elif isinstance(condition, Not) and isinstance(condition.condition, Pick):
                self._exclude(condition.condition, many, one, noun)
            else:
                self._filter(condition, many, one, noun, target=target)
        places = [p for p in picks if p.by in ("left", "right", "top", "bottom")]
        if target and len(places) > 1 and all(pick.rank == 1 for pick in picks):
            self._sort_by_corner(places, many, one)
            picks = [pick for pick in picks if pick not in places]
        for pick in picks:
            self._pick(pick, many, one, noun, alone=not target)
        return self.read(many)

    def _unnamed(self, description: Description) -> str:
        """Return the noun to look for where the question names none."""
        if self.capabilities.vocabulary is None or not self.capabilities.match("person"):
            return "object"
        self.note("no object is named: taken as 'person'")
        return "person"

    def _conditions(self, description: Description, noun: str) -> list[Condition]:
        """Return the conditions to test, with one more where the detector finds too much."""
        conditions = list(description.conditions)
        search = search_for(noun, self.capabilities)
        if search is not None and search.note:
            if search.narrower and self.capabilities.serves("matcher"):
                conditions.insert(0, Attribute(noun, "kind"))
            else:
                self.note(search.note)
        return conditions

    def _ranking(self, condition: Condition, *, target: bool) -> Pick | None:
        """Return the pick that a condition amounts to, None if it filters."""
        if isinstance(condition, Pick):
            return condition
        if not target:
            return None
        if isinstance(condition, Place) and len(condition.names) == 1:
            (name,) = condition.names
            return Pick(_PLACE_PICKS.get(name, name))
        if isinstance(condition, Attribute) and condition.kind == "size":
            by = _SIZES.get(condition.value)
            if by is not None and not self.capabilities.serves("matcher"):
                self.note(f"size {condition.value!r} judged among the candidates")
                return Pick(by)
        return None

    def _filter(
        self, condition: Condition, many: str, one: str, noun: str, *, target: bool
    ) -> None:
        parts = condition.conditions if isinstance(condition, AllOf) else (condition,)
        for part in parts:
            if target and isinstance(part, Place):
                self._sort_by_corner([Pick(_PLACE_PICKS.get(n, n)) for n in part.names], many, one)
                continue
            each = self.plain(many) if isinstance(part, Attribute | Place) else one
            test = self.test(part, each, noun)
            if test is None:
                continue
            before = self.read(many)
            kept = f"[{each} for {each} in {before} if {test}]"
            gaps = self._gaps(part, one) if target else None
            if gaps is None:
                self.keep(many, kept)
            else:
                fitting = self.names.single(f"fitting_{many}")
                self.write(f"{fitting} = {kept}")
                self.comment("Boxes only estimate this: nearest first, and all where it fits none.")
                self.keep(many, f"sorted({fitting} or {before}, key=lambda {one}: {gaps})")

    def _gaps(self, condition: Condition, one: str) -> str | None:
        """Return the distance to the other object, for a relation that boxes only estimate."""
        if not isinstance(condition, Related) or len(condition.others) != 1:
            return None
        rule = RULES.get(condition.relation)
        if rule is None or not rule.estimate or not self.can_find(condition.others[0]):
            return None
        if condition.relation == "far_from":
            return None
        if rule.note == "depth" and self.capabilities.serves("depth"):
            return None
        others, other = self.last_others
        return f"min([distance({one}, {other}) for {other} in {others}] or [0])"

    def _exclude(self, pick: Pick, many: str, one: str, noun: str) -> None:
        """Leave out the one that a negated superlative means."""
        key = self._key(pick, one, noun)
        if key is None:
            return
        extreme, before = self.names.single(f"excluded_{one}"), self.read(many)
        self.write(f"{extreme} = min({before}, key=lambda {one}: {key}, default=None)")
        self.keep(many, f"[{one} for {one} in {before} if {one} != {extreme}]")

    def _sort_by_corner(self, picks: list[Pick], many: str, one: str) -> None:
        """Sort by nearness to a corner, each axis as a share of the picture."""
        parts = []
        for pick in picks:
            key = _KEYS[pick.by].format(a=one)
            if pick.by in ("near", "far"):
                key = f"{one}.lower" if pick.by == "near" else f"-{one}.lower"
            upright = pick.by in ("top", "bottom", "near", "far")
            parts.append(f"{key} / image_patch.{'height' if upright else 'width'}")
        self.keep(many, f"sorted({self.read(many)}, key=lambda {one}: {' + '.join(parts)})")

    def _pick(self, pick: Pick, many: str, one: str, noun: str, *, alone: bool) -> None:
        key = self._key(pick, one, noun)
        if key is None:
            if self.capabilities.serves("matcher") and pick.other is None:
                text = f"{condition_text(pick)} {noun}"
                best = self.names.single(f"best_{one}")
                self.write(f"{best} = best_image_match({self.read(many)}, {text!r})")
                self.keep(many, f"[{best}] if {best} else []")
            else:
                self.note(f"{condition_text(pick)!r} of the {noun}: no matcher")
            return
        if pick.rank == -1:
            span = "[-1:]"
        elif pick.rank > 1:
            span = f"[{pick.rank - 1}:{pick.rank}]"
        else:
            span = "[:1]" if alone else ""
        self.keep(many, f"sorted({self.read(many)}, key=lambda {one}: {key}){span}")

    def _key(self, pick: Pick, one: str, noun: str) -> str | None:
        """Return the sort key of a pick, the best first; None if nothing can judge it."""
        if pick.other is not None:
            if not self.can_find(pick.other):
                self.note(
                    f"{condition_text(pick)!r} of the {noun}: cannot detect "
                    f"{thing_text(pick.other)!r}"
                )
                return None
            others, other = self.found(pick.other)
            gaps = f"min([distance({one}, {other}) for {other} in {others}] or [0])"
            return gaps if pick.by == "nearest_to" else f"-{gaps}"
        if pick.by in ("near", "far"):
            if self.capabilities.serves("depth"):
                return f"{'-' if pick.by == 'far' else ''}{one}.compute_depth()"
            self.note(f"{condition_text(pick)!r} judged from the lower edge: no depth model")
        key = _KEYS.get(pick.by)
        return None if key is None else key.format(a=one)
