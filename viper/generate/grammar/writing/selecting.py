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
    Among,
    Attribute,
    Condition,
    Description,
    Not,
    OneOf,
    Pick,
    Place,
    Row,
    flat,
)
from viper.generate.grammar.logical_form import Query, Refer
from viper.generate.grammar.writing.detectable import search_for
from viper.generate.grammar.writing.finding import FindWriter, narrowed
from viper.generate.grammar.writing.geometry import clear, with_tolerance
from viper.generate.grammar.writing.predicates import NO_DEPTH, NO_MATCHER
from viper.generate.grammar.writing.ranking import KEYS, SIZES
from viper.generate.grammar.writing.saying import name_of, said
from viper.generate.grammar.writing.wording import condition_text
from viper.models.capabilities import Capabilities

__all__ = ["Key", "SelectWriter", "key_of"]


Key = tuple[str | None, tuple[Condition, ...]]


class SelectWriter(FindWriter):
    """Writes the search for objects."""

    def __init__(
        self, capabilities: Capabilities, query: Query, *, best_effort: bool = False
    ) -> None:
        super().__init__(capabilities, query, best_effort=best_effort)
        self.refers = isinstance(query, Refer)
        self._selected: dict[Key, str] = {}
        """Description → the variable of its objects."""
        self._names: dict[Key, str] = {}
        """Description → an expression for the name of what was not found."""

    def gather(
        self, description: Description, *, to_name: bool = False, any_will_do: bool = False
    ) -> str:
        """Write the lines that find objects which may be absent, as those that are counted.

        Args:
            description: The objects.
            to_name: Whether the program will name what it did not find; see `absent_name`.
            any_will_do: Whether it matters only what is found, not whether all are.
        """
        key = key_of(description)
        if key not in self._selected:
            union = next((c for c in description.conditions if isinstance(c, OneOf)), None)
            self._selected[key] = (
                self._select_union(description, union)
                if union
                else self._select(description, to_name=to_name, any_will_do=any_will_do)
            )
        return self._selected[key]

    def absent_name(self, description: Description) -> str:
        """Return an expression for the name of what was not found: `'red car' if cars else 'car'`."""
        # Where there is no bird at all, it is not the highest one that is missing.
        may_exclude = tuple(filter(_may_exclude_all, description.conditions))
        whole = name_of(replace(description, conditions=may_exclude))
        return self._names.get(key_of(description), repr(whole))

    def _select_union(self, description: Description, union: OneOf) -> str:
        """Write the lists of the alternatives and join them, each object once."""
        picks = [c for c in description.conditions if isinstance(c, Pick)]
        others = tuple(c for c in description.conditions if c is not union and c not in picks)
        head = replace(description, conditions=others)
        first, *rest = [self.gather(narrowed(kind, head)) for kind in union.kinds]
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

    def _select(self, description: Description, *, to_name: bool, any_will_do: bool) -> str:
        noun = self._unnamed(description) if description.noun is None else description.head
        many = self.find(noun, description)
        one = self.one_of(many)
        picks: list[Pick] = []
        conditions = self._conditions(description, noun, any_will_do=any_will_do)
        # Without best effort, an expression of nothing returns None, and names nothing.
        says_none = self.refers and not self.best_effort
        if to_name and not says_none and any(map(_may_exclude_all, conditions)):
            self._name_absent(description, many)
        for condition in conditions:
            if isinstance(condition, Pick):
                picks.append(condition)
            elif isinstance(condition, Not) and isinstance(condition.condition, Pick):
                self._exclude(condition.condition, many, one, noun)
            else:
                self._filter(
                    condition, many, one, noun, is_granted=to_name, any_will_do=any_will_do
                )
        for pick in picks:
            if description.plural and description.number is None and not self.refers:
                self.doubt(name_of(description), "how many of them are meant is not said")
            self._pick(pick, many, one, noun, number=description.number or 1)
        return self.read(many)

    def _name_absent(self, description: Description, many: str) -> None:
        """Write how to name what was not found: by its noun alone, if there is none of that noun."""
        whole, noun, found = name_of(description), description.head, self.read(many)
        if whole == noun:
            return
        name = f"{whole!r} if {found} else {noun!r}"
        if found == many:  # the conditions will filter this very list
            variable = self.names.single("missing")
            self.write(f"{variable} = {name}")
            name = variable
        self._names[key_of(description)] = name

    def _unnamed(self, description: Description) -> str:
        """Return the noun to search for where the question names none."""
        if self.capabilities.vocabulary is None or not self.capabilities.match("person"):
            return "object"
        name = name_of(description)
        self.doubt(name, "no object is named, so a person is taken to be meant")
        return "person"

    def _conditions(
        self, description: Description, noun: str, *, any_will_do: bool
    ) -> list[Condition]:
        """Return the conditions, with one more where the detector's class is wider than the noun."""
        conditions = list(description.conditions)
        search = search_for(noun, self.capabilities)
        if search is None or not search.why:
            return conditions
        asks = self.has_answerer and not self.best_effort
        is_verified = bool(search.narrower) and (self.has_matcher or asks)
        if is_verified:
            conditions.insert(0, Attribute(noun, "kind"))
        ranks = Pick | Row | Among
        if self.refers:  # "the left cup" is the leftmost; in a question, it is one in the left half
            ranks |= Place
        is_ranked = any(isinstance(c, ranks) for c in conditions)
        any_will_do = any_will_do and search.is_sound and not is_ranked
        if any_will_do or (is_verified and not search.is_incomplete):
            self.remark(search.why)
        else:
            self.doubt(noun, search.why, "detector" if search.is_incomplete else "matcher")
        return conditions

    def _filter(
        self,
        condition: Condition,
        many: str,
        one: str,
        noun: str,
        *,
        is_granted: bool,
        any_will_do: bool,
    ) -> None:
        for part in flat(condition):
            each = self.plain(many) if isinstance(part, Attribute | Place) else one
            predicate = self.predicate(part, each, noun)
            if predicate is not None:
                if is_granted or any_will_do:
                    self._keep_any(predicate, many, each, is_granted=is_granted)
                else:
                    self.keep(many, f"[{each} for {each} in {self.read(many)} if {predicate}]")

    def _keep_any(self, predicate: str, many: str, each: str, *, is_granted: bool) -> None:
        """Write a filter that keeps what fits beyond doubt, where that is enough."""
        beyond_doubt, roughly = clear(predicate), with_tolerance(predicate)
        loop = f"{each} for {each} in {self.read(many)}"
        if is_granted and roughly != predicate:
            fitting = self.names.single(f"fitting_{many}")
            self.write(f"{fitting} = [{loop} if {beyond_doubt or predicate}]")
            self.comment("One is taken to be there: boxes may be off by a part of their width.")
            self.keep(many, f"{fitting} or [{loop} if {roughly}]")
        elif beyond_doubt:
            self.comment("Those beyond doubt are enough.")
            self.keep(many, f"[{loop} if {beyond_doubt}] or [{loop} if {predicate}]")
        else:
            self.keep(many, f"[{loop} if {predicate}]")

    def _exclude(self, pick: Pick, many: str, one: str, noun: str) -> None:
        """Write the exclusion of the object that a negated superlative denotes."""
        key = self.rank_key(pick, one, noun)
        if key is None:
            return
        extreme, before = self.names.single(f"excluded_{one}"), self.read(many)
        self.write(f"{extreme} = min({before}, key=lambda {one}: {key}, default=None)")
        self.keep(many, f"[{one} for {one} in {before} if {one} != {extreme}]")

    def _pick(self, pick: Pick, many: str, one: str, noun: str, *, number: int = 1) -> None:
        key = self.rank_key(pick, one, noun)
        if key is None:
            if self.has_matcher and pick.other is None:
                text = f"{condition_text(pick)} {noun}"
                best = self.names.single(f"best_{one}")
                self.write(f"{best} = best_image_match({self.read(many)}, {text!r})")
                self.keep(many, f"[{best}] if {best} else []")
            else:
                self.doubt(f"{said(pick)} {noun}", NO_MATCHER, "matcher")
            return
        spans = {-1: f"[-{number}:]", 1: f"[:{number}]"}
        span = spans.get(pick.rank, f"[{pick.rank - 1}:{pick.rank}]")
        self.keep(many, f"sorted({self.read(many)}, key=lambda {one}: {key}){span}")

    def rank_key(self, pick: Pick, one: str, noun: str) -> str | None:
        """Return the sort key of a rank, None if no served model gives one."""
        if pick.other is not None:
            if not self.can_find(pick.other):
                self.doubt(f"{noun} {said(pick)}", self.cannot_detect(pick.other), "detector")
                return None
            others, other = self.found(pick.other, one)
            gaps = f"min([distance({one}, {other}) for {other} in {others}] or [0])"
            return gaps if pick.by == "nearest_to" else f"-{gaps}"
        if pick.by in ("near", "far"):
            if self.capabilities.serves("depth"):
                return f"{'-' if pick.by == 'far' else ''}{one}.compute_depth()"
            self.doubt(said(pick), NO_DEPTH, "depth")
        key = KEYS.get(pick.by)
        if pick.by in SIZES.values() and not self.refers:
            self.remark(f"{said(pick)}: judged from boxes")
        return None if key is None else key.format(a=one)


def key_of(description: Description) -> Key:
    """Return what descriptions of the same objects have in common."""
    return description.noun, description.conditions


def _may_exclude_all(condition: Condition) -> bool:
    """Return whether a condition may hold for none of several objects; one of them is always the first."""
    return not (isinstance(condition, Pick) and condition.rank in (1, -1))
