"""Write the program of a logical form.

This module writes the few closing lines of each kind of query; `selecting` writes the searches for
objects, and `predicates` the tests of conditions. The text of a program is the grammar's own except for
string literals, which are written with `repr`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from viper.generate.grammar.description import Attribute, Description, Pick
from viper.generate.grammar.logical_form import (
    AskAttribute,
    AskCommon,
    AskName,
    AskPlace,
    AskScene,
    Both,
    ChooseCondition,
    ChooseObject,
    CompareCounts,
    Count,
    Either,
    Exists,
    Isnt,
    LogicalForm,
    Option,
    Query,
    Refer,
    Same,
    Verify,
)
from viper.generate.grammar.writing.open_questions import OpenQuestionWriter
from viper.generate.grammar.writing.detectable import search_for
from viper.generate.grammar.writing.predicates import NO_MATCHER, OPTIONS, any_of
from viper.generate.grammar.writing.referents import ReferentWriter
from viper.generate.grammar.writing.saying import listed, name_of, said
from viper.models.capabilities import Capabilities
from viper.programs.program import Program

__all__ = ["write_program"]


def write_program(
    form: LogicalForm, capabilities: Capabilities, generator: str, *, best_effort: bool = False
) -> Program:
    """Write the program that answers a question.

    Args:
        form: The meaning of the question.
        capabilities: The served models; conditions that none of them can test are doubts.
        generator: Name of the generator, for the record.
        best_effort: Whether the user wants an answer even where it is in doubt.

    Returns:
        A program in the language of the sandbox.
    """
    writer = _ProgramWriter(form, capabilities, best_effort=best_effort)
    writer.answer()
    if form.unparsed:
        writer.doubt(" … ".join(form.unparsed), "the grammar does not understand what this adds")
    return Program(
        source=writer.source(),
        generator=generator,
        answer_kind=form.answer_kind,
        unparsed=form.unparsed,
        notes=(*form.notes, *writer.remarks),
        doubts=tuple(writer.doubts),
        trusted=True,
    )


class _ProgramWriter(ReferentWriter, OpenQuestionWriter):
    """Writes the closing lines of yes/no questions, counts and choices."""

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
                self.ask_attribute(query)
            case AskCommon():
                self.ask_common(query)
            case AskName():
                self.ask_name(query)
            case AskPlace():
                self.ask_place(query)
            case AskScene():
                self.ask_scene(query)
            case _:
                self.return_yes_no(self._yes_no_expression(query))

    def _yes_no_expression(self, query: Query) -> str:
        """Write the lines that a yes/no question needs; return the expression of its answer."""
        match query:
            case Exists(comparison=None):
                return self._exists(query.what)
            case Exists():
                return f"len({self.gather(query.what)}) {query.comparison} {query.number}"
            case CompareCounts():
                first, second = self.gather(query.first), self.gather(query.second)
                return f"len({first}) {query.comparison} len({second})"
            case Verify():
                return self._verify(query)
            case Same():
                return self._same(query)
            case Both():
                return " and ".join(map(self._named, query.parts))
            case Either():
                return " or ".join(map(self._named, query.parts))
            case Isnt():
                return f"not {self._named(query.part)}"
            case _:
                raise AssertionError(f"{type(query).__name__} is not answered by yes or no")

    def _named(self, part: Query) -> str:
        """Write one part of a yes/no question; return the variable of its answer."""
        if isinstance(part, Isnt):
            return f"not {self._named(part.part)}"
        expression = self._yes_no_expression(part)
        subject = getattr(part, "what", None) or getattr(part, "subject", None)
        base = subject.head if isinstance(subject, Description) else "part"
        name = self.names.single(f"{base}_found" if isinstance(part, Exists) else f"{base}_fits")
        self.write(f"{name} = {expression}")
        return name

    def _exists(self, what: Description) -> str:
        found = self.gather(what, any_will_do=True)
        search = search_for(what.head, self.capabilities)
        if search is not None and search.is_incomplete and search.is_sound:
            name = name_of(what)
            self.write(f"if not {found}:")
            self.give_up(f"No {name} was found, but {search.why}.", name)
        return f"len({found}) > 0"

    def _verify(self, query: Verify) -> str:
        condition = query.condition
        if isinstance(condition, Pick):
            return self._verify_pick(query.subject, condition)
        subjects = self.require(query.subject) if query.every else self.select(query.subject)
        one = self.one_of(subjects)
        predicate = self.predicate(condition, one, query.subject.head)
        if predicate is None:
            return f"len({subjects}) > 0"
        if query.every:
            return f"len({subjects}) > 0 and all({predicate} for {one} in {subjects})"
        return any_of(predicate, one, subjects)

    def _verify_pick(self, subject: Description, pick: Pick) -> str:
        """Return the comparison of an object with all of its kind: "is the red car the biggest?"."""
        subjects = self.require(subject)
        winners = self.gather(Description(subject.noun, (pick,)))
        one = self.one_of(subjects)
        return f"any({one} in {winners} for {one} in {subjects})"

    def _same(self, query: Same) -> str:
        lists = list(dict.fromkeys(map(self.require, query.subjects)))
        one = self.one_of(lists[0])
        subject = query.subjects[0]
        if len(lists) == 1:
            second = f"second {name_of(subject)}"
            self.write(f"if len({lists[0]}) == 1:", f"    absent({second!r})")
        value = self.value_of(query.respect, one, subject.head)
        if value is None:
            value = f"{one}.best_text_match({list(OPTIONS.get(query.respect, ()))!r})"
        sign = "==" if query.same else "!="
        if len(lists) == 1:
            values = self.names.single("values")
            self.write(f"{values} = [{value} for {one} in {lists[0]}]")
            return f"len(set({values})) {'==' if query.same else '>'} 1"
        two = self.one_of(lists[1])
        other = value.replace(f"{one}.", f"{two}.", 1)
        return f"any({value} {sign} {other} for {one} in {lists[0]} for {two} in {lists[1]})"

    def _refer(self, query: Refer) -> None:
        found = self.find_referent(query.what)
        if query.what.plural and query.what.number:
            self.write(f"return {found}[:{query.what.number}]")
        elif query.what.plural:
            self.write(f"return {found}")
        else:
            self.write(f"return {found}[0] if {found} else None")

    def _count(self, query: Count) -> None:
        found = self.gather(query.what)
        numbers = [choice for choice in self.form.choices if choice.strip().isdigit()]
        if numbers:
            self.write(f"if str(len({found})) not in {numbers!r}:")
            why = f"The number that was found is none of these: {', '.join(numbers)}."
            self.give_up(why, f"count {listed(numbers)}")
            self.comment("The allowed number that is nearest to the count.")
            choice = self.names.single("choice")
            key = f"abs(int({choice}) - len({found}))"
            self.write(f"return min({numbers!r}, key=lambda {choice}: {key})")
        else:
            self.write(f"return len({found})")

    def _choose_condition(self, query: ChooseCondition) -> None:
        noun = query.subject.head
        texts = [option.text for option in query.options]
        if all(isinstance(option.condition, Attribute) for option in query.options):
            one = self.first_of(query.subject)
            if self.has_matcher or not self.has_answerer:
                self.write(f"return {one}.best_text_match({texts!r}, {f'{noun} that is'!r})")
                return
            question = f"Is the {noun} {' or '.join(texts)}?"
            self.answer_among(f"{one}.simple_query({question!r})", texts)
            return
        found = self.require(query.subject)
        one = self.one_of(found)
        for other in _common_others(query.options):
            self.select(other)
        with self.supposing("nothing"):
            for option in query.options:
                predicate = self.predicate(option.condition, one, noun)
                if predicate is not None:
                    test = any_of(predicate, one, found)
                    self.write(f"if {test}:", f"    return {option.text!r}")
        chosen = f"{name_of(query.subject)} {listed(texts)}"
        self.write(f"absent({chosen!r})", f"return {texts[-1]!r}")

    def _choose_object(self, query: ChooseObject) -> None:
        texts = list(query.texts)
        match = f"image_patch.best_text_match({texts!r})"
        unknown = [option for option in query.options if not self.can_find(option)]
        if unknown and (self.has_matcher or self.has_answerer):
            if query.condition is not None:
                self.doubt(said(query.condition), self.cannot_detect(unknown[0]), "detector")
            if self.has_matcher:
                self.write(f"return {match}")
                return
            question = f"Is this {' or '.join(texts)}?"
            self.answer_among(f"image_patch.simple_query({question!r})", texts)
            return
        options = self.names.single("options")
        ranked = query.condition if isinstance(query.condition, Pick) else None
        required = () if ranked or query.condition is None else (query.condition,)
        wanted = [option.having(*required) for option in query.options]
        lists = list(map(self.require if ranked else self._gather_named, wanted))
        pairs = " + ".join(
            f"[({text!r}, {self.one_of(found)}) for {self.one_of(found)} in {found}]"
            for text, found in zip(texts, lists, strict=True)
        )
        self.write(f"{options} = {pairs}")
        option = self.names.single("option")
        key = f"-{option}[1].score"
        if ranked is not None:
            by_box = self._key(ranked, f"{option}[1]", "object")
            if by_box is None:
                self._choose_by_match(ranked, options, option, texts)
                return
            key = by_box
        best = f"return min({options}, key=lambda {option}: {key})[0]"
        if ranked is not None and not self.best_effort:
            self.write(best)  # all of them are there
            return
        if self.form.choices:
            otherwise = repr(texts[0])
        else:
            otherwise = match if self.has_matcher else repr("neither")
        self.write(f"if not {options}:")
        if otherwise != repr("neither") or query.condition is None:
            self.write(f"    absent({listed(list(map(name_of, wanted)))!r})")
        self.write(f"    return {otherwise}", best)

    def _gather_named(self, option: Description) -> str:
        """Write the search for an option that need not be there, unless the question says "the"."""
        if option.is_presupposed:
            self.require(replace(option, conditions=()))
        return self.gather(option, any_will_do=True)

    def _choose_by_match(self, pick: Pick, options: str, option: str, texts: list[str]) -> None:
        """Write the choice of the object that a phrase fits best (or worst)."""
        if not self.has_matcher:
            self.doubt(said(pick), NO_MATCHER, "matcher")
            self.write(f"return {options}[0][0] if {options} else {texts[0]!r}")
            return
        best, patches = self.names.single("best"), self.names.single("patches")
        self.write(
            f"if not {options}:",
            f"    return image_patch.best_text_match({texts!r})",
            f"{patches} = [{option}[1] for {option} in {options}]",
            f"{best} = best_image_match({patches}, {pick.by!r}, return_index=True)",
        )
        if pick.rank == -1:
            self.comment("The least is the one that is left.")
            self.write(
                f"{options} = {options}[:{best}] + {options}[{best} + 1:] or {options}",
                f"return {options}[0][0]",
            )
        else:
            self.write(f"return {options}[{best}][0]")


def _common_others(options: Iterable[Option]) -> Iterable[Description]:
    """Return the objects that all options are about: "left or right of the chair"."""
    first, *rest = [getattr(option.condition, "others", ()) for option in options]
    return [other for other in first if all(other in others for others in rest)]
