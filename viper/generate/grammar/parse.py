"""Parse a question into its logical form, or refuse it and quote what was not understood."""

from __future__ import annotations

import re
from collections.abc import Iterable

from viper.errors import GenerationError
from viper.generate.grammar.logical_form import CompareCounts, LogicalForm, Query, walk
from viper.generate.grammar.reading.discourse import DiscourseChart
from viper.generate.grammar.reading.options import with_choices
from viper.generate.grammar.reading.referring import refer
from viper.generate.grammar.reading.refusing import (
    is_content,
    not_understood,
    refuse_foreign,
    refuse_unknown,
)
from viper.generate.grammar.reading.unparsed_words import word_forms
from viper.generate.grammar.reading.wh_questions import QuestionChart
from viper.generate.grammar.vocabulary.lexicon import NUMBERS, ORDINALS
from viper.generate.grammar.vocabulary.tokens import Token, tokenize
from viper.programs.program import Task
from viper.texts.places import quoted

__all__ = ["parse"]

_FRAME_WORDS = frozenset(
    "picture image photo scene see show color material shape size kind type types species sort side "
    "part count number name called doing made make used thing things object objects item items "
    "anything something one ones person people camera half corner edge row same different "
    "gender weather today total many visible present piece pieces article common makes "
    "taken showing pictured shown depicted direction length height width pattern texture called "
    "named like ethnic group race located situated positioned placed displayed presented found anyone "
    "anybody someone somebody everyone everybody".split()
)
"""Words of question frames: they need not appear in the form, nor be reported as unparsed."""
_SEEN = frozenset("seen noticed".split())
"""Words that add nothing at the end of a question: "how many pillows are seen?"."""
_COMPARED_NUMBERS = frozenset("greater larger smaller equal".split())
"""Comparatives of numbers; the form holds a comparison sign instead."""


def parse(question: str, task: Task = "vqa", choices: Iterable[str] = ()) -> LogicalForm:
    """Read a question.

    Args:
        question: An English question, statement or (for grounding) referring expression.
        task: `grounding` asks for one object, and allows elliptical phrases.
        choices: Answers that the caller allows; empty when any will do.

    Returns:
        The form. Words of a question that it does not use are in `unparsed`; those of a referring
        expression become free-text conditions.

    Raises:
        GenerationError: The question was not understood; the message quotes the part.
    """
    allowed = tuple(choices)
    tokens = tokenize(question)
    refuse_foreign(tokens, question)
    query = refer(tokens, question) if task == "grounding" else _ask(tokens, question)
    query = with_choices(query, allowed, question)
    unparsed = () if task == "grounding" else _unparsed(query, tokens, allowed)
    return LogicalForm(query, allowed, unparsed, _spelling_notes(tokens))


def _ask(tokens: list[Token], question: str) -> Query:
    chart = DiscourseChart(tokens)
    for query, end in chart.frames():
        if end == chart.end:
            refuse_unknown(query, tokens, question)
            return query
    phrase = QuestionChart(tokens, telegraphic=True)
    named = next((what for what, end in phrase.description(0) if end == phrase.end), None)
    if named is not None:
        refuse_unknown(named, tokens, question)
        raise GenerationError(
            f"{quoted(question)} names an object but asks nothing. Ask a question about it, or use "
            f"--task grounding to find it."
        )
    raise not_understood(chart, question)


def _unparsed(query: Query, tokens: list[Token], choices: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of the question that the form does not use."""
    used = set(" ".join(choices).lower().split())
    numbers: set[int] = set()
    for node in walk(query):
        if isinstance(node, str):
            used.update(re.split(r"[\s_?,]+", node))
        elif isinstance(node, int) and not isinstance(node, bool):
            numbers.add(node)
    if any(isinstance(node, CompareCounts) for node in walk(query)):
        used |= _COMPARED_NUMBERS
    used |= {by for by, text in (("near", "nearest"), ("far", "farthest")) if text in used}
    return tuple(
        token.source
        for before, token in zip([None, *tokens], tokens, strict=False)
        if is_content(token)
        and (before is None or before.text != "how")  # "how large" asks for the size
        and token.text not in _FRAME_WORDS
        and not (token is tokens[-1] and token.text in _SEEN)
        and used.isdisjoint(word_forms(token.text))
        and (ORDINALS | NUMBERS).get(token.text) not in numbers
        and token.text not in map(str, numbers)
    )


def _spelling_notes(tokens: list[Token]) -> tuple[str, ...]:
    """Return the spelling corrections; one misspelt word may be corrected to two."""
    read: dict[str, list[str]] = {}
    for token in tokens:
        if token.corrected:
            read.setdefault(token.source, []).append(token.text)
    return tuple(f"{source!r} read as {' '.join(words)!r}" for source, words in read.items())
