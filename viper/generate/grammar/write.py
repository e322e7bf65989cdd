"""From a logical form to a program.

Every kind of query has its few closing lines here; what finds objects is in `selecting`, what tests
conditions in `testing`. The text of a program is the grammar's own except for string literals, which
are written with `repr`.
"""

from __future__ import annotations

from viper.generate.grammar.logical_form import (
    AskAttribute,
    AskName,
    AskPlace,
    AskScene,
    Attribute,
    Both,
    ChooseCondition,
    ChooseObject,
    CompareCounts,
    Count,
    Description,
    Either,
    Exists,
    Inverse,
    Isnt,
    LogicalForm,
    Pick,
    Query,
    Refer,
    Related,
    Same,
    Verify,
)
from viper.generate.grammar.options import is_yes_no
from viper.generate.grammar.selecting import SelectWriter
from viper.generate.grammar.testing import OPTIONS, any_of
from viper.generate.grammar.wording import condition_text, description_text, thing_text
from viper.program import Program
from viper.vision.capabilities import Capabilities

__all__ = ["write_program"]


def write_program(form: LogicalForm, capabilities: Capabilities, generator: str) -> Program:
    """Write the program that answers a question.

    Args:
        form: What the question means.
        capabilities: What is served; conditions outside it are left out and named.
        generator: Name of the generator, for the record.

    Returns:
        A program in the language of the sandbox.
    """
    writer = _ProgramWriter(form, capabilities)
    writer.answer()
    return Program(
        source=writer.source(),
        generator=generator,
        answer_kind=form.answer_kind,
        unparsed=form.unparsed,
        unverified=tuple(writer.notes),
        trusted=True,
    )


class _ProgramWriter(SelectWriter):
    def __init__(self, form: LogicalForm, capabilities: Capabilities) -> None:
        super().__init__(capabilities, form.query)
        self.form = form

    def answer(self) -> None:
        """Write the body."""
        query = self.form.query
        match query:
            case Refer():
                self._refer(query)
            case Count():
                self._count(query)
            case ChooseCondition():
                self._choose_condition(query)
            case ChooseObject():
                self._choose_object(query)
            case AskAttribute():
                self._ask_attribute(query)
            case AskName():
                self._ask_name(query)
            case AskPlace():
                self._ask_place(query)
            case AskScene():
                self._ask_scene(query)
            case _:
                self._return_yes_no(self._truth(query))

    def _return_yes_no(self, truth: str) -> None:
        yes, no = "yes", "no"
        if is_yes_no(self.form.choices):
            yes = next(c for c in self.form.choices if c.strip().lower()[:1] in ("y", "t"))
            no = next(c for c in self.form.choices if c != yes)
        if (yes, no) == ("yes", "no"):
            self.write(f"return bool_to_yesno({truth})")
        else:
            self.write(f"return {yes!r} if {truth} else {no!r}")

    def _truth(self, query: Query) -> str:
        """Write what a yes/no question needs; return the expression of its truth."""
        match query:
            case Exists():
                found = self.select(query.what)
                if query.comparison is None:
                    return f"len({found}) > 0"
                return f"len({found}) {query.comparison} {query.number}"
            case CompareCounts():
                first, second = self.select(query.first), self.select(query.second)
                return f"len({first}) {query.comparison} len({second})"
            case Verify():
                return self._verify(query)
            case Same():
                return self._same(query)
            case Both():
                return " and ".join(self._named(part) for part in query.parts)
            case Either():
                return " or ".join(self._named(part) for part in query.parts)
            case Isnt():
                return f"not {self._named(query.part)}"
            case _:
                raise AssertionError(f"{type(query).__name__} is not answered by yes or no")

    def _named(self, part: Query) -> str:
        """Write a part of a yes/no question; return the variable that holds its truth."""
        if isinstance(part, Isnt):
            return f"not {self._named(part.part)}"
        truth = self._truth(part)
        subject = getattr(part, "what", None) or getattr(part, "subject", None)
        wish = thing_text(subject) if isinstance(subject, Description) else "part"
        name = self.names.single(f"{wish}_found" if isinstance(part, Exists) else f"{wish}_fits")
        self.write(f"{name} = {truth}")
        return name

    def _verify(self, query: Verify) -> str:
        condition = query.condition
        if isinstance(condition, Pick):
            return self._verify_pick(query.subject, condition)
        subjects = self.select(query.subject)
        one = self.one_of(subjects)
        test = self.test(condition, one, thing_text(query.subject))
        if test is None:
            return f"len({subjects}) > 0"
        if query.every:
            return f"len({subjects}) > 0 and all({test} for {one} in {subjects})"
        return any_of(test, one, subjects)

    def _verify_pick(self, subject: Description, pick: Pick) -> str:
        """Compare the object with all of its kind: "is the red car the biggest?"."""
        subjects = self.select(subject)
        winners = self.select(Description(subject.noun, (pick,)))
        one = self.one_of(subjects)
        return f"any({one} in {winners} for {one} in {subjects})"

    def _same(self, query: Same) -> str:
        lists = [self.select(subject) for subject in query.subjects]
        one = self.one_of(lists[0])
        value = self.value_of(query.respect, one)
        if value is None:
            value = f"{one}.best_text_match({list(OPTIONS.get(query.respect, ()))!r})"
        sign = "==" if query.same else "!="
        if len(lists) == 1:
            values = self.names.single("values")
            self.write(f"{values} = [{value} for {one} in {lists[0]}]")
            return f"len(set({values})) {'==' if query.same else '>'} 1"
        two = self.one_of(lists[1])
        second = value.replace(f"{one}.", f"{two}.", 1)
        return f"any({value} {sign} {second} for {one} in {lists[0]} for {two} in {lists[1]})"

    def _refer(self, query: Refer) -> None:
        found = self.select(query.what, target=True)
        if query.what.plural and query.what.number:
            self.write(f"return {found}[:{query.what.number}]")
        else:
            self.write(f"return {found}[0] if {found} else None")

    def _count(self, query: Count) -> None:
        found = self.select(query.what)
        numbers = [c for c in self.form.choices if c.strip().isdigit()]
        if numbers:
            self.comment("The allowed number that is nearest to the count.")
            choice = self.names.single("choice")
            key = f"abs(int({choice}) - len({found}))"
            self.write(f"return min({numbers!r}, key=lambda {choice}: {key})")
        else:
            self.write(f"return len({found})")

    def _first_or_picture(self, found: str) -> str:
        """Write the choice of the best patch, the whole picture where nothing was found."""
        one = self.one_of(found)
        self.write(f"{one} = {found}[0] if {found} else image_patch")
        return one

    def _choose_condition(self, query: ChooseCondition) -> None:
        found = self.select(query.subject)
        noun = thing_text(query.subject)
        texts = [option.text for option in query.options]
        if all(isinstance(option.condition, Attribute) for option in query.options):
            one = self._first_or_picture(found)
            if self.capabilities.serves("matcher") or not self.capabilities.serves("answerer"):
                self.write(f"return {one}.best_text_match({texts!r}, {f'{noun} that is'!r})")
                return
            question = f"Is the {noun} {' or '.join(texts)}?"
            self._answer_among(f"{one}.simple_query({question!r})", texts)
            return
        one = self.one_of(found)
        for option in query.options[:-1]:
            test = self.test(option.condition, one, noun)
            if test is not None:
                self.write(f"if {any_of(test, one, found)}:")
                self.write(f"return {option.text!r}", 1)
        self.write(f"return {texts[-1]!r}")

    def _answer_among(self, answer: str, texts: list[str]) -> None:
        """Write the choice of the option that a free answer names."""
        name = self.names.single("said")
        option = self.names.single("option")
        self.write(f"{name} = {answer}")
        named = f"[{option} for {option} in {texts!r} if {option}.lower() in {name}]"
        self.write(f"return ({named} or [{texts[0]!r}])[0]")

    def _choose_object(self, query: ChooseObject) -> None:
        texts = list(query.texts)
        undetectable = [o for o in query.options if not self.can_find(o)]
        if undetectable and self.capabilities.serves("matcher"):
            self.write(f"return image_patch.best_text_match({texts!r})")
            return
        if undetectable and self.capabilities.serves("answerer"):
            question = f"Is this {' or '.join(texts)}?"
            self._answer_among(f"image_patch.simple_query({question!r})", texts)
            return
        options = self.names.single("options")
        lists = [self.select(option) for option in query.options]
        pairs = " + ".join(
            f"[({text!r}, {self.one_of(found)}) for {self.one_of(found)} in {found}]"
            for text, found in zip(texts, lists, strict=True)
        )
        self.write(f"{options} = {pairs}")
        option = self.names.single("option")
        key = f"-{option}[1].score"
        if isinstance(query.condition, Pick):
            key = self._key(query.condition, f"{option}[1]", "object") or key
        elif query.condition is not None:
            test = self.test(query.condition, f"{option}[1]", "object")
            if test is not None:
                fitting = f"[{option} for {option} in {options} if {test}]"
                self.write(f"{options} = {fitting} or {options}")
        if not self.form.choices:
            self.write(f"if not {options}:")
            if self.capabilities.serves("matcher"):
                self.write(f"return image_patch.best_text_match({texts!r})", 1)
            else:
                self.write("return 'neither'", 1)
            self.write(f"return min({options}, key=lambda {option}: {key})[0]")
            return
        first = self.names.single("nothing_found")
        self.write(f"{first} = ({texts[0]!r}, image_patch)")
        self.write(f"return min({options}, key=lambda {option}: {key}, default={first})[0]")

    def _ask_attribute(self, query: AskAttribute) -> None:
        found = self.select(query.subject)
        one = self._first_or_picture(found)
        options = OPTIONS.get(query.respect)
        if self.capabilities.serves("answerer") or options is None:
            self.write(f"return {one}.simple_query({query.question!r})")
        else:
            prefix = f"{thing_text(query.subject)} that is"
            self.write(f"return {one}.best_text_match({list(options)!r}, {prefix!r})")

    def _ask_name(self, query: AskName) -> None:
        what = query.what
        if self.capabilities.serves("answerer"):
            self._ask_name_in_words(what, query.question)
            return
        if not self.can_find(what):
            self.write(f"return image_patch.simple_query({query.question!r})")
            return
        found = self.select(what)
        nothing = "nobody" if what.noun == "person" else "nothing"
        self.write(f"return {found}[0].category if {found} else {nothing!r}")

    def _ask_name_in_words(self, what: Description, question: str) -> None:
        """Ask the answerer, on the patch that shows what the question is about."""
        related = [c for c in what.conditions if isinstance(c, Related | Inverse)]
        if thing_text(what) in ("object", "person") and len(related) == 1:
            (condition,) = related
            if isinstance(condition, Inverse):
                place = condition.subject
                asked = f"What is the {description_text(place)} {condition.words}?"
            else:
                place = condition.others[0]
                word = "Who" if what.noun == "person" else "What"
                asked = f"{word} is {condition_text(condition)}?"
            one = self._first_or_picture(self.select(place)) if self.can_find(place) else ""
            self.write(f"return {one or 'image_patch'}.simple_query({asked!r})")
            return
        if not what.conditions and thing_text(what) == "object":
            self.write(f"return image_patch.simple_query({question!r})")
            return
        one = self._first_or_picture(self.select(what))
        noun = thing_text(what)
        asked = question if noun in ("object", "person") else f"What kind of {noun} is this?"
        self.write(f"return {one}.simple_query({asked!r})")

    def _ask_place(self, query: AskPlace) -> None:
        found = self.select(query.subject)
        one = self.one_of(found)
        self.write(f"if not {found}:")
        self.write("return None", 1)
        self.write(f"{one} = {found}[0]")
        beside = f"'left' if {one}.horizontal_center < image_patch.horizontal_center else 'right'"
        if query.axis == "horizontal":
            self.write(f"return {beside}")
            return
        upright = f"'bottom' if {one}.vertical_center < image_patch.vertical_center else 'top'"
        column, row = self.names.single("column"), self.names.single("row")
        self.write(f"{column} = {beside}")
        self.write(f"{row} = {upright}")
        self.write(f"return {row} + ' ' + {column}")

    def _ask_scene(self, query: AskScene) -> None:
        options = list(query.options)
        if options and self.capabilities.serves("matcher"):
            self.write(f"return image_patch.best_text_match({options!r})")
        elif options:
            self._answer_among(f"image_patch.simple_query({query.question!r})", options)
        elif query.respect == "yesno":
            self._return_yes_no(f"image_patch.simple_query({query.question!r}).startswith('yes')")
        else:
            self.write(f"return image_patch.simple_query({query.question!r})")
