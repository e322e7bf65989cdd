"""Closing lines of open questions: the program asks one patch for its color, name or place.

    men = image_patch.find('man')
    man = men[0] if men else absent('man')
    return man.simple_query('What is the man holding?')

The program finds the requested object first and asks about that patch alone; without one it says so.
Only what a person does with an object is asked about the patch of that person; relations such as "left of
the cup" are decided from boxes.
"""

from __future__ import annotations

from viper.generate.grammar.description import Attribute, Description, Inverse, Pick, Related
from viper.generate.grammar.logical_form import (
    AskAttribute,
    AskCommon,
    AskName,
    AskPlace,
    AskScene,
    LogicalForm,
)
from viper.generate.grammar.reading.options import is_yes_no, plain_choice
from viper.generate.grammar.vocabulary.lexicon import RESPECTS
from viper.generate.grammar.vocabulary.scales import ENDS
from viper.generate.grammar.writing.predicates import NO_MATCHER, OPTIONS
from viper.generate.grammar.writing.premises import PremiseWriter
from viper.generate.grammar.writing.saying import listed, name_of, said
from viper.generate.grammar.writing.wording import (
    condition_text,
    description_text,
    relation_text,
)
from viper.models.capabilities import Capabilities

__all__ = ["OpenQuestionWriter"]

_SEEN_ON_OTHER = frozenset(
    "holding wearing riding acting_on with part_of has_part inside covered_by covering around".split()
)
"""Relations whose other end is visible on the patch of the named object."""
_SEEN_AROUND = frozenset("facing facing_away towards far_from".split())
"""Relations whose other end is somewhere around the named object."""
_COMMON_RESPECTS = ["color", "material", "shape"]
"""What two objects may have in common, the likeliest first."""


class OpenQuestionWriter(PremiseWriter):
    """Writes the closing lines of open questions."""

    def __init__(
        self, form: LogicalForm, capabilities: Capabilities, *, best_effort: bool = False
    ) -> None:
        super().__init__(capabilities, form.query, best_effort=best_effort)
        self.form = form

    def return_yes_no(self, expression: str) -> None:
        """Return yes or no in the spelling of the choices."""
        yes, no = "yes", "no"
        if is_yes_no(self.form.choices):
            yes = next(c for c in self.form.choices if c.strip().lower()[:1] in ("y", "t"))
            no = next(c for c in self.form.choices if c != yes)
        if (yes, no) == ("yes", "no"):
            self.write(f"return bool_to_yesno({expression})")
        else:
            self.write(f"return {yes!r} if {expression} else {no!r}")

    def answer_among(self, answer: str, texts: list[str]) -> None:
        """Write the choice of the option that a free-text answer contains."""
        said, option = self.names.single("said"), self.names.single("option")
        named = self.names.single("named")
        choice = f"[{option} for {option} in {texts!r} if {option}.lower() in {said}]"
        self.write(f"{said} = {answer}", f"{named} = {choice}", f"if not {named}:")
        why = f"The answerer named none of these: {', '.join(texts)}."
        self.give_up(why, f"answer {listed(texts)}")
        self.write(f"return ({named} or [{texts[0]!r}])[0]")

    def ask_attribute(self, query: AskAttribute) -> None:
        """Write the query for an attribute: options for a matcher, or a question."""
        one = self.first_of(query.subject)
        ends = ENDS.get(query.respect)
        options = OPTIONS.get(query.respect)
        if ends is not None and self.has_matcher:
            options = ends
        elif self.has_answerer or options is None:
            self.write(f"return {one}.simple_query({query.question!r})")
            return
        prefix = f"{query.subject.head} that is"
        if query.respect == "color":
            noun = query.subject.head
            self.remark_pixels(f"color of the {noun}", noun)
        self.write(f"return {one}.best_text_match({list(options)!r}, {prefix!r})")

    def ask_common(self, query: AskCommon) -> None:
        """Write a comparison of two objects, one attribute after the other."""
        first, second = map(self.first_of, query.subjects)
        choices = self.form.choices
        respects = [RESPECTS[plain_choice(choice)] for choice in choices] or _COMMON_RESPECTS
        texts = list(choices) or respects
        for respect, text in zip(respects, texts, strict=True):
            value, other = self.value_of(respect, first), self.value_of(respect, second)
            if value is None:
                self.doubt(f"the same {respect}", NO_MATCHER, "matcher")
            else:
                self.write(f"if {value} == {other}:", f"    return {text!r}")
        self.write(f"absent({f'common {listed(texts)}'!r})", f"return {texts[-1]!r}")

    def ask_name(self, query: AskName) -> None:
        """Write the query for a name: to the requested object's patch, or to that of a related object."""
        what = query.what
        if not self.has_answerer:
            self._name_by_category(what, query.question)
            return
        related = [c for c in what.conditions if isinstance(c, Related | Inverse)]
        unnamed = what.head == "object"
        if unnamed and len(what.conditions) == 1 and related:
            (condition,) = related
            if condition.relation in _SEEN_ON_OTHER | _SEEN_AROUND:
                self._ask_on_other(what, condition)
                return
        if unnamed and not what.conditions:
            self.write(f"return image_patch.simple_query({query.question!r})")
            return
        found = self.gather(what, to_name=True, any_will_do=True)
        one = self.one_of(found)
        others, other = self.last_others if len(related) == 1 else ("", "")
        if others:
            gaps = f"min(distance({one}, {other}) for {other} in {others})"
            self.write(f"{found} = sorted({found}, key=lambda {one}: {gaps})")
        noun = what.head
        question = (
            query.question if noun in ("object", "person") else f"What kind of {noun} is this?"
        )
        if unnamed and self.capabilities.vocabulary is not None:
            answer = f"{found}[0].category"
        else:
            answer = f"{found}[0].simple_query({question!r})"
        if not what.conditions:
            one = self.first_of(what)
            self.write(f"return {one}.simple_query({question!r})")
            return
        self.write(f"if {found}:", f"    return {answer}")
        if others:
            around = f"surroundings(image_patch, {others}[0])"
            question_around = f"{around}.simple_query({_question_around(what)!r})"
            self.write(f"if {others}:", f"    return {question_around}")
        self.write(f"return absent({self.absent_name(what)}).simple_query({question!r})")

    def _ask_on_other(self, what: Description, condition: Related | Inverse) -> None:
        """Write the question to the patch of the related object."""
        other = condition.others[0]
        question = _question_around(what)
        if not self.can_find(other):
            self.doubt(name_of(other), self.cannot_detect(other), "detector")
            self.write(f"return image_patch.simple_query({question!r})")
            return
        one = self.first_of(other)
        if condition.relation in _SEEN_AROUND:
            self.write(f"return surroundings(image_patch, {one}).simple_query({question!r})")
        else:
            self.write(f"return {one}.simple_query({question!r})")

    def _name_by_category(self, what: Description, question: str) -> None:
        """Write the name of a detected class, without an answerer."""
        vocabulary = self.capabilities.vocabulary
        if not self.can_find(what) or (vocabulary is None and what.head == "object"):
            # A detector of any phrase, asked for "object", would call everything an object.
            self.write(f"return image_patch.simple_query({question!r})")
            return
        is_class = self.capabilities.match(what.head) is not None
        is_ranked = any(isinstance(condition, Pick) for condition in what.conditions)
        if what.conditions and is_class and (is_ranked or what.noun != "person"):
            self.ask_place(AskPlace(what, "both", question))  # that a dog is a dog says nothing
            return
        found = self.gather(what, any_will_do=True)
        named = f"{found}[0].category"
        if what.plural and not what.conditions:
            one = self.one_of(found)
            named = f"', '.join(sorted({{{one}.category for {one} in {found}}}))"
        if vocabulary is not None and not self.capabilities.detects(what.head):
            conditions = " and ".join(map(said, what.conditions))
            why = (
                f"None of the {len(vocabulary)} kinds of objects that the detector knows was found"
            )
            self.write(f"if not {found}:")
            self.give_up(f"{why} {conditions}".strip() + ".", name_of(what))
            if not self.best_effort:
                self.write(f"return {named}")
                return
        nothing = "nobody" if what.noun == "person" else "nothing"
        self.write(f"return {named} if {found} else {nothing!r}")

    def ask_place(self, query: AskPlace) -> None:
        """Write the query for a place: a part of the image, or a question about the surroundings."""
        if query.axis == "around" and self.has_answerer:
            one = self.first_of(query.subject)
            self.write(f"return surroundings(image_patch, {one}).simple_query({query.question!r})")
            return
        found = self.require(query.subject)
        one = self.one_of(found)
        if self.best_effort:  # no place of the whole image is an answer
            self.write(f"if not {found}:", "    return None")
        place = f"place_in(image_patch, {one})"
        if query.axis == "horizontal":
            place = f"'left' if decide_half(image_patch, 'left', {one}) else 'right'"
        places = self.names.single("places")
        self.write(f"{places} = [{place} for {one} in {found}]")
        if query.subject.plural:
            self.write(f"return ' and '.join(sorted(set({places})))")
            return
        self.write(f"if len(set({places})) > 1:")
        noun = query.subject.head
        self.give_up(f"It depends on which {noun} is meant: they lie apart.", f"single {noun}")
        self.write(f"return {places}[0]")

    def ask_scene(self, query: AskScene) -> None:
        """Write the question to the whole image."""
        options = list(query.options)
        if options and self.has_matcher:
            self.write(f"return image_patch.best_text_match({options!r})")
        elif options:
            self.answer_among(f"image_patch.simple_query({query.question!r})", options)
        elif query.respect == "yesno":
            self.return_yes_no(f"image_patch.simple_query({query.question!r}).startswith('yes')")
        else:
            self.write(f"return image_patch.simple_query({query.question!r})")


def _question_around(what: Description) -> str:
    """Return the question for a name, in words that suit the patch of a related object."""
    noun = what.head
    lead = {"object": "What", "person": "Who"}.get(noun, f"What {noun}")
    tests = [c for c in what.conditions if not isinstance(c, Inverse)]
    gaps = [c for c in what.conditions if isinstance(c, Inverse)]
    question = f"{lead} is"
    if gaps:
        question += f" the {description_text(gaps[0].subject)} {relation_text(gaps[0].words)}"
    said = [c.value if isinstance(c, Attribute) else condition_text(c) for c in tests]
    return f"{' '.join([question, *said])}?"
