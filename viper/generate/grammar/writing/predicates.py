"""Predicates: the Python expression that tests a condition on one patch.

The expression depends on the models that are served: a relation is decided from the boxes of both
objects if both can be detected, otherwise by the matcher or the answerer in words; what people do and which
way they face, by both. A condition that cannot be tested gives None, and a doubt reports it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from viper.generate.grammar.description import (
    AllOf,
    Among,
    AnyOf,
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
    SameAs,
)
from viper.generate.grammar.vocabulary.categories import CONTRASTS, HYPERNYMS
from viper.generate.grammar.vocabulary.lexicon import ANIMATES, COLORS
from viper.generate.grammar.writing.beyond_boxes import (
    boxes_cannot_tell_alone,
    boxes_show_too_little,
)
from viper.generate.grammar.writing.detectable import search_for
from viper.generate.grammar.writing.geometry import RULES, Rule, clear
from viper.generate.grammar.writing.program_builder import ProgramBuilder
from viper.generate.grammar.writing.ranking import clock_key
from viper.generate.grammar.writing.saying import attribute_said, said
from viper.generate.grammar.writing.wording import condition_text
from viper.models.capabilities import Capabilities
from viper.vocabulary.attributes import named_colors

__all__ = ["NO_DEPTH", "NO_MATCHER", "OPTIONS", "SAME_OBJECT", "PredicateWriter", "any_of"]

OPTIONS = {
    "color": COLORS,
    "material": tuple(
        "wood metal plastic glass leather stone brick paper cloth rubber ceramic".split()
    ),
    "size": ("small", "large"),
    "shape": tuple("round square rectangular triangular cube sphere cylinder cone".split()),
    "pattern": ("plain", "striped", "checkered", "dotted", "floral"),
    "gender": ("male", "female"),
}
"""A matcher's options where the question names none."""

_PLACE_TESTS = {
    "left": "{a}.horizontal_center < image_patch.horizontal_center",
    "right": "{a}.horizontal_center > image_patch.horizontal_center",
    "top": "{a}.vertical_center > image_patch.vertical_center",
    "bottom": "{a}.vertical_center < image_patch.vertical_center",
    "middle": "abs({a}.horizontal_center - image_patch.horizontal_center) < image_patch.width / 5",
    "front": "{a}.lower < image_patch.height / 3",
    "back": "{a}.lower > image_patch.height / 3",
}
_HALVES = frozenset({"left", "right", "top", "bottom"})
_LAMPS = frozenset("light lamp signal stoplight headlight taillight bulb".split())
_SOLIDS = frozenset("cube block sphere ball cylinder object".split())
NO_MATCHER = "no matcher is served"
NO_DEPTH = "judged from the boxes, since no depth model is served"
_GROUNDS = {"front": "in the foreground", "back": "in the background"}
SAME_OBJECT = 0.5
"""Boxes of two searches that overlap by more (IoU) show the same object."""
_DEPTH_TESTS = {
    "in_front_of": "{a}.compute_depth() < {b}.compute_depth()",
    "behind": "{a}.compute_depth() > {b}.compute_depth()",
}
_PEOPLE = ANIMATES.difference(HYPERNYMS["animal"], ("animal", "pony", "puppy", "kitten", "lamb"))
_NEVER_TO_ITSELF = frozenset(
    "left_of right_of in_front_of behind bigger_than smaller_than taller_than shorter_than "
    "wider_than narrower_than".split()
)
"""Relations that no object has to itself, so that the program need not exclude it."""


class PredicateWriter(ProgramBuilder, ABC):
    """Writes predicates of conditions; `select` of the subclass finds the other objects."""

    refers = False
    """Whether the question is a referring expression: its object is taken to be there."""
    last_others = ("", "")
    """The other objects of the last relation: the list and the element variable."""

    def __init__(self, capabilities: Capabilities, *, best_effort: bool = False) -> None:
        super().__init__(capabilities, best_effort=best_effort)
        self._options: dict[str, str] = {}
        """Respect → the variable of the options for it."""

    def predicate(self, condition: Condition, item: str, noun: str) -> str | None:
        """Return the expression that tests a condition, None if no served model can.

        Args:
            condition: The condition.
            item: Variable that holds the patch.
            noun: The noun of the patch's object.
        """
        match condition:
            case Attribute():
                return self._attribute(condition, item, noun)
            case Place():
                return self._place(condition, item)
            case Related():
                return self._related(condition, item, noun)
            case Inverse():
                return self._inverse(condition, item, noun)
            case SameAs():
                return self._same_as(condition, item)
            case Pick() | Row() | Among():
                self.doubt(f"{noun} {said(condition)}", "a rank is not tested here")
                return None
            case OneOf():
                lists = [self.select(kind) for kind in condition.kinds]
                return " or ".join(f"{item} in {many}" for many in lists)
            case Not(condition=OneOf(kinds=kinds)):
                lists = [self.select(kind) for kind in kinds]
                return " and ".join(f"{item} not in {many}" for many in lists)
            case Not(condition=inner):
                positive = self.predicate(inner, item, noun)
                return None if positive is None else f"not {_grouped(positive)}"
            case AnyOf() | AllOf():
                predicates = [self.predicate(part, item, noun) for part in condition.conditions]
                testable = [_grouped(predicate) for predicate in predicates if predicate]
                if isinstance(condition, AllOf):
                    return " and ".join(testable) or None
                return " or ".join(testable) if len(testable) == len(predicates) else None

    @abstractmethod
    def select(self, description: Description) -> str:
        """Write the lines that find objects; return the variable."""

    @abstractmethod
    def require(self, description: Description) -> str:
        """Write the lines that find objects without which there is no answer; return the variable."""

    def _attribute(self, attribute: Attribute, item: str, noun: str) -> str | None:
        value = attribute.value
        if attribute.kind == "kind" and value != noun and self._is_class(value):
            return f"{item} in {self.select(Description(value))}"
        if self.has_matcher:
            if value == noun and value in CONTRASTS:
                return f"{item}.best_text_match({[value, CONTRASTS[value]]!r}) == {value!r}"
            return f"{item}.verify_property({noun!r}, {value!r})"
        if self.capabilities.judges("color") and attribute.kind == "color" and named_colors(value):
            self.remark_pixels(attribute_said(attribute, noun), noun)
            return f"{item}.verify_property({noun!r}, {value!r})"
        if self.has_answerer:
            article = "a " if attribute.kind == "kind" else ""
            search = search_for(noun, self.capabilities) if value == noun else None
            called = search.narrower if search is not None and search.narrower else noun
            question = f"Is this {called} {article}{value}?"
            return f"{item}.simple_query({question!r}).startswith('yes')"
        self.doubt(attribute_said(attribute, noun), NO_MATCHER, "matcher")
        return None

    def _is_class(self, noun: str) -> bool:
        """Return whether a closed vocabulary has a class with exactly this meaning."""
        match = self.capabilities.match(noun)
        closed = self.capabilities.vocabulary is not None
        return closed and match is not None and match.means_the_same

    def _place(self, place: Place, item: str) -> str:
        if place.part == "clock":
            return f"{clock_key(int(place.names[0]), item)} < 0"
        for name in place.names:
            if name in _GROUNDS:
                self.doubt(_GROUNDS[name], "only the lower edge of its box hints at that")
        return " and ".join(self._place_test(name, item) for name in place.names)

    def _place_test(self, name: str, item: str) -> str:
        if name in _HALVES and not self.refers:
            return f"decide_half(image_patch, {name!r}, {item})"
        return _PLACE_TESTS[name].format(a=item)

    def rule_for(self, condition: Related | Inverse) -> Rule | None:
        """Return the rule that decides a relation from boxes, or from depth if that is served."""
        if condition.relation in _DEPTH_TESTS and self.capabilities.serves("depth"):
            return Rule(_DEPTH_TESTS[condition.relation], estimate=False)
        rule = RULES.get(condition.relation)
        if rule is not None and rule.note == "depth":
            self.doubt(said(condition), NO_DEPTH, "depth")
        return rule

    def _test(self, rule: Rule, noun: str, other: Description) -> str:
        """Return the predicate of a rule, which says where boxes leave it open.

        Not where the object is taken to be there, or among drawn solids: in CLEVR's scenes, left of a cube
        is what has its centre left of the cube's.
        """
        is_lenient = self.refers or {noun, other.head} <= _SOLIDS
        return rule.predicate if is_lenient else rule.decided or rule.predicate

    def also_in_words(
        self, predicate: str, rule: Rule, condition: Related | Inverse, item: str, noun: str
    ) -> str:
        """Return the test from boxes, joined by one in words where boxes show too little.

        Under best effort boxes decide alone: an answer with a doubt is better than none.
        """
        others = [other.head for other in condition.others]
        if rule.note not in ("action", "direction") and not boxes_show_too_little(
            condition.relation, condition.words, noun, others
        ):
            is_alone = not (self.has_matcher or self.has_answerer)
            if is_alone and boxes_cannot_tell_alone(condition.relation, noun, others):
                self.doubt(said(condition), "judged from the boxes alone", "matcher")
            elif rule.estimate and not rule.note:
                self.remark(f"{said(condition)}: judged from boxes")
            return predicate
        if self.best_effort:
            self.doubt(said(condition), "judged from the boxes alone", "matcher")
            return predicate
        in_words = self._in_words(condition, item, noun)
        return predicate if in_words is None else f"{predicate} and {in_words}"

    def _related(self, condition: Related, item: str, noun: str) -> str | None:
        if any(not self.can_find(other) for other in condition.others):
            return self._in_words(condition, item, noun)
        if condition.relation == "between":
            return self._between(condition, item, noun)
        rule = self.rule_for(condition)
        if rule is None:
            return self._in_words(condition, item, noun)
        (other,) = condition.others
        # "Is the dog bigger than a cat?" takes a cat for granted, whatever its article.
        if condition.words.endswith(" than"):
            self.require(other)
        others, one = self.found(other, item)
        self.last_others = (others, one)
        predicate = self._test(rule, noun, other).format(a=item, b=one)
        if condition.every:
            but_itself = f" if {one} != {item}" if _may_be_one(noun, other) else ""
            tested = f"all({predicate} for {one} in {others}{but_itself})"
            return self.also_in_words(tested, rule, condition, item, noun)
        if other.other:
            # "two other people" beside a man: not the man himself, whom both searches may find.
            predicate = f"distance({item}, {one}) > -{SAME_OBJECT} and {predicate}"
        elif _may_be_one(noun, other) and _may_be_to_itself(condition, predicate):
            predicate = f"{one} != {item} and {predicate}"
        if other.number is not None:
            least = "==" if other.number == 1 else ">="  # "one foot on the couch" is not both
            tested = f"sum({predicate} for {one} in {others}) {least} {other.number}"
        else:
            tested = f"any({predicate} for {one} in {others})"
        return self.also_in_words(tested, rule, condition, item, noun)

    def _between(self, condition: Related, item: str, noun: str) -> str:
        self.remark(f"{said(condition)}: judged from boxes")
        first, one = self.found(condition.others[0], item)
        if len(condition.others) == 2:
            others, two = self.found(condition.others[1], item)
        else:
            two = self.names.single(f"second_{one}")
            others = f"{first} if {one} != {two}"
        rule = Rule("is_between", decided="decide_between")
        between = self._test(rule, noun, condition.others[0])
        return f"any({between}({item}, {one}, {two}) for {one} in {first} for {two} in {others})"

    def _inverse(self, condition: Inverse, item: str, noun: str) -> str | None:
        rule = RULES.get(condition.relation)
        if rule is None or not self.can_find(condition.subject):
            return self._in_words(condition, item, noun)
        rule = self.rule_for(condition) or rule
        subjects, one = self.found(condition.subject, item)
        predicate = self._test(rule, noun, condition.subject).format(a=one, b=item)
        if _may_be_one(noun, condition.subject) and _may_be_to_itself(condition, predicate):
            predicate = f"{one} != {item} and {predicate}"
        # Whether a man wears this hat is seen on the man, not on the hat.
        seen = Related(condition.relation, (Description(noun, article="the"),), condition.words)
        predicate = self.also_in_words(predicate, rule, seen, one, condition.subject.head)
        return f"any({predicate} for {one} in {subjects})"

    def _same_as(self, condition: SameAs, item: str) -> str | None:
        if not self.can_find(condition.other):
            self.doubt(said(condition), self.cannot_detect(condition.other), "detector")
            return None
        noun = condition.other.head
        value = self.value_of(condition.respect, item, noun)
        if value is None:
            self.doubt(said(condition), NO_MATCHER, "matcher")
            return None
        others, one = self.found(condition.other, item)
        values = self.names.single(f"{one}_{condition.respect}s")
        other_value = self.value_of(condition.respect, one, noun)
        self.write(f"{values} = [{other_value} for {one} in {others}]")
        alike = "in" if condition.same else "not in"
        return f"{item} not in {others} and {value} {alike} {values}"

    def value_of(self, respect: str, item: str, noun: str = "object") -> str | None:
        """Return an expression for a property of a patch, such as its color; None if unserved."""
        by_color = respect == "color" and self.capabilities.judges("color")
        if by_color or (self.has_matcher and respect in OPTIONS):
            if by_color:
                self.remark_pixels(f"color of the {noun}", noun)
            return f"{item}.best_text_match({self.options_of(respect)})"
        if self.has_answerer:
            lead = f"What kind of {noun}" if respect == "kind" else f"What {respect}"
            return f"{item}.simple_query({f'{lead} is this?'!r})"
        return f"{item}.category" if respect == "kind" else None

    def remark_pixels(self, what: str, noun: str) -> None:
        """Add the remark that the color of a noun's objects is judged from pixels, without a matcher."""
        if not self.capabilities.judges("color") or self.has_matcher:
            return
        if noun.split()[-1] in _LAMPS:
            self.doubt(what, "a lamp that is lit covers few of the pixels", "matcher")
        else:
            self.remark(f"{what}: judged from pixels")

    def options_of(self, respect: str) -> str:
        """Write the list of a matcher's options once; return its variable."""
        if respect not in self._options:
            self._options[respect] = self.names.single(f"{respect}s")
            self.write(f"{self._options[respect]} = {list(OPTIONS[respect])!r}")
        return self._options[respect]

    def _in_words(self, condition: Related | Inverse, item: str, noun: str) -> str | None:
        """Return the expression that tests a relation to an undetectable object in words."""
        text = condition_text(condition)
        if self.has_matcher:
            return f"{item}.verify_property({noun!r}, {text!r})"
        if self.has_answerer:
            return f"{item}.simple_query({f'Is this {noun} {text}?'!r}).startswith('yes')"
        missing = [other for other in condition.others if not self.can_find(other)]
        if missing:
            self.doubt(
                said(condition), f"{self.cannot_detect(missing[0])}, and {NO_MATCHER}", "matcher"
            )
        else:
            self.doubt(said(condition), f"judged from the boxes, since {NO_MATCHER}", "matcher")
        return None

    def cannot_detect(self, description: Description) -> str:
        """Return why the objects of a description are not detectable."""
        if not self.capabilities.serves("detector"):
            return "no detector is served"
        return f"the detector does not know {description.head!r}"

    def can_find(self, description: Description) -> bool:
        """Return whether the objects of a description are detectable."""
        return search_for(description.head, self.capabilities) is not None

    def found(self, description: Description, item: str = "") -> tuple[str, str]:
        """Write the lines that find other objects.

        Args:
            description: The others.
            item: The variable that they are compared with; they get another one.

        Returns:
            The variable of their list and one for each of them.
        """
        others = self.select(description)
        one = self.one_of(others)
        # "Is a dog near a dog?" looks for dogs once and compares each with each.
        return others, self.names.single(f"other_{one}") if one == item else one

    @abstractmethod
    def one_of(self, many: str) -> str:
        """Return the variable for one object of a list."""


def _may_be_one(noun: str, other: Description) -> bool:
    """Return whether two nouns may denote the same object: a person and a man."""
    pair = (noun, other.head)
    if pair[0] == pair[1] or "object" in pair:
        return True
    return any(
        narrow in (_PEOPLE if wide == "person" else HYPERNYMS.get(wide, ()))
        for wide, narrow in (pair, pair[::-1])
    )


def _may_be_to_itself(condition: Related | Inverse, predicate: str) -> bool:
    """Return whether the program must exclude that an object is compared with itself."""
    return condition.relation not in _NEVER_TO_ITSELF or clear(predicate) is not None


def _grouped(predicate: str) -> str:
    """Put parentheses around an expression whose operators "not" or "and" would regroup."""
    operators = any(sign in predicate for sign in (" and ", " or ", " < ", " > "))
    simple = _is_search(predicate) or (predicate.endswith(")") and not operators)
    return predicate if simple else f"({predicate})"


def _is_search(predicate: str) -> bool:
    """Return whether an expression is a single "any(…)"."""
    if not predicate.startswith("any(") or predicate.count("any(") != 1:
        return False
    depth = 0
    for at, letter in enumerate(predicate):
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and not depth:
            return at == len(predicate) - 1
    return False


def any_of(predicate: str, one: str, many: str) -> str:
    """Return an expression that is true if a predicate holds for any patch in a list.

    A predicate that is itself an "any(…)" over other objects becomes one "any(…)" over pairs.
    """
    if _is_search(predicate):
        inner, _, others = predicate[4:-1].rpartition(" for ")
        if " for " not in inner:
            return f"any({inner} for {one} in {many} for {others})"
    return f"any({predicate} for {one} in {many})"
