"""Closing lines of choices: which of these holds, or which of these objects is it?

    cats = image_patch.find('cat')
    if not cats:
        absent('cat')
    if any(cat.horizontal_center < image_patch.horizontal_center for cat in cats):
        return 'left'
    …

An option is the answer because it was tested, never because the others do not hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from viper.generate.grammar.description import Attribute, Description, Pick
from viper.generate.grammar.logical_form import ChooseCondition, ChooseObject, Option
from viper.generate.grammar.writing.open_questions import OpenQuestionWriter
from viper.generate.grammar.writing.predicates import NO_MATCHER, any_of
from viper.generate.grammar.writing.saying import listed, name_of, said
from viper.vocabulary.attributes import named_colors

__all__ = ["ChoiceWriter"]


class ChoiceWriter(OpenQuestionWriter):
    """Writes the closing lines of choices."""

    def choose_condition(self, query: ChooseCondition) -> None:
        """Write the choice of the condition that holds."""
        noun = query.subject.head
        texts = [option.text for option in query.options]
        if all(isinstance(option.condition, Attribute) for option in query.options):
            one = self.first_of(query.subject)
            if self.has_matcher or not self.has_answerer:
                if any(map(named_colors, texts)):
                    self.remark_pixels(f"{name_of(query.subject)}, {' or '.join(texts)}", noun)
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

    def choose_object(self, query: ChooseObject) -> None:
        """Write the choice of the object that is there, or that a condition holds for most."""
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
            by_box = self.rank_key(ranked, f"{option}[1]", "object")
            if by_box is None:
                self._choose_by_match(ranked, options, option, texts)
                return
            key = by_box
        best = f"return min({options}, key=lambda {option}: {key})[0]"
        if ranked is not None and not self.best_effort:
            self.write(best)  # all of them are there
            return
        self.write(f"if not {options}:")
        # That none of several objects fulfils a condition is an answer; that none is there is not.
        is_answer = query.condition is not None and not (self.form.choices or self.has_matcher)
        if not is_answer:
            self.write(f"    absent({listed(list(map(name_of, wanted)))!r})")
        fallback = match if self.has_matcher else repr("neither")
        self.write(f"    return {repr(texts[0]) if self.form.choices else fallback}")
        if query.condition is not None:
            self.write(f"if len({{{option}[0] for {option} in {options}}}) > 1:")
            why = f"More than one of them is {said(query.condition)}: {', '.join(texts)}."
            self.give_up(why, f"single one of {listed(texts)}")
        self.write(best)

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
