"""Write the program of a logical form.

This module writes the few closing lines of each kind of query; `selecting` writes the searches for
objects, and `predicates` the tests of conditions. The text of a program is the grammar's own except for
string literals, which are written with `repr`.
"""

from __future__ import annotations

from viper.generate.grammar.description import Description, Pick, Related
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
    Query,
    Refer,
    Same,
    Verify,
)
from viper.generate.grammar.writing.choosing import ChoiceWriter
from viper.generate.grammar.writing.detectable import search_for
from viper.generate.grammar.writing.geometry import clear, opposite
from viper.generate.grammar.writing.predicates import OPTIONS, any_of
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


class _ProgramWriter(ReferentWriter, ChoiceWriter):
    """Writes the closing lines of yes/no questions and counts."""

    def answer(self) -> None:
        """Write the body."""
        query = self.form.query
        match query:
            case Refer():
                self._refer(query)
            case Count():
                self._count(query)
            case ChooseCondition():
                self.choose_condition(query)
            case ChooseObject():
                self.choose_object(query)
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
                if query.comparison == "==":
                    self.remark(f"{query.number} is read as exactly {query.number}")
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
        holds = any_of(predicate, one, subjects)
        noun = query.subject.head
        if isinstance(condition, Related) and condition.words.endswith(" than"):
            compared = said(condition)
            why = f"It depends on which {noun} is meant: one is {compared}, another is not."
            return self._of_all_or_none(holds.removeprefix("any(")[:-1], why)
        if query.subject.plural and query.subject.is_presupposed:
            why = "It is so of some of them, and not of others."
            return self._of_all_or_none(f"{predicate} for {one} in {subjects}", why)
        beyond_doubt = clear(predicate)
        if beyond_doubt is None:
            return holds
        is_clear = self.names.single("is_clear")
        self.write(f"{is_clear} = {any_of(beyond_doubt, one, subjects)}")
        opposed = opposite(beyond_doubt)
        if query.subject.is_presupposed and opposed is not None:
            contradicted = any_of(opposed, one, subjects)
            self.write(f"if {is_clear} and {contradicted}:")
            why = f"It depends on which {noun} is meant: the opposite is true of another."
            self.give_up(why, f"single {noun}")
        return f"{is_clear} or {holds}"

    def _of_all_or_none(self, tests: str, why: str) -> str:
        """Write the end of a program whose answer stands only if it is the same for all.

        Args:
            tests: A generator expression: the test of each object, or of each pair.
            why: Why there is no answer where it is not.
        """
        verdicts = self.names.single("verdicts")
        self.write(
            f"{verdicts} = [{tests}]",
            f"if True in {verdicts} and False in {verdicts}:",
        )
        self.give_up(why, "answer that is the same for all")
        return f"True in {verdicts}"

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
