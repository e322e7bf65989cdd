"""Parse a referring expression into the description of its object, or refuse it.

The rules of `elliptical` read the expression as a whole if they can; otherwise they read a part of it,
and the remaining words become free-text conditions (see `unparsed_words`). Expressions with too many
unparsed words or with words that are in no dictionary are refused, and so are instructions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from viper.generate.grammar.description import Description
from viper.generate.grammar.logical_form import AskName, AskPlace, Exists, Refer, Verify
from viper.generate.grammar.reading.elliptical import EllipticalChart, same_kind
from viper.generate.grammar.reading.phrases import resolved
from viper.generate.grammar.reading.refusing import not_understood, refusal, refuse_unknown
from viper.generate.grammar.reading.unparsed_words import (
    is_meaningful,
    unparsed_positions,
    with_unparsed_words,
)
from viper.generate.grammar.reading.wh_questions import QuestionChart
from viper.generate.grammar.vocabulary.lexicon import POSTURES
from viper.generate.grammar.vocabulary.tokens import Token
from viper.generate.grammar.vocabulary.words import is_gerund, kinds, verb_lemma

__all__ = ["refer"]

_IMPERATIVES = (
    "find me|find|show me|show|locate|point to|point at|point out|select|click on|"
    "click|get|give me|mark|detect|ground|the region of"
)
_ADDRESSES = "you are|you must|you should|you will|i am|i want|i think|let us"
_QUESTION_WORDS = frozenset("is are was were do does did can where which what who".split())
_QUANTIFIERS = frozenset("all every each both".split())
_UNPARSED_SHARE = 0.5
"""Largest share of an expression's words, from its noun on, that may stay unparsed."""
_MOST_WORDS = 24
"""Longest expression, in words, that may be parsed in part; longer ones are prose."""


def refer(tokens: list[Token], question: str) -> Refer:
    """Read a referring expression.

    Raises:
        GenerationError: It was not understood; the message quotes the part.
    """
    _refuse_orders(tokens, question)
    start = EllipticalChart(tokens)
    skipped = start.after(0, _IMPERATIVES) or 0
    if skipped < len(tokens):
        tokens = tokens[skipped:]
    chart = EllipticalChart(tokens)
    first = len(tokens)
    if tokens[0].text in _QUESTION_WORDS:
        what = chart.whole_clause() or _question_object(QuestionChart(tokens))
    else:
        what = next(_whole(chart), None)
        if what is None:
            what, first = _part(chart)
    if what is None:
        raise not_understood(chart, question)
    what = same_kind(what)
    if what.noun is None and any(token.text in ("one", "ones") for token in tokens):
        what = replace(
            what, noun="object"
        )  # without a noun a person is meant; "one" stands for an object
    if tokens[0].text in _QUANTIFIERS and what.is_presupposed:
        what = replace(what, plural=True)  # "every car" means as many as "all cars"
    refuse_unknown(what, tokens, question)
    missing = unparsed_positions(what, tokens)
    # In a partial parse, unparsed words after the noun are dubious; those before it are usually
    # adjectives.
    if sum(at >= first for at in missing) > _UNPARSED_SHARE * sum(map(is_meaningful, tokens)):
        raise refusal(chart.source(missing[0], missing[-1] + 1), question)
    return Refer(with_unparsed_words(what, tokens, missing))


def _whole(chart: EllipticalChart) -> Iterator[Description]:
    """Yield the parses that use every word."""
    phrases = [what for what, end in chart.description(0) if end == chart.end]
    tails = [
        resolved(Description(None, conditions))
        for conditions, end in chart.tail(0, False, True)
        if end == chart.end and conditions
    ]
    first = chart.text(0)
    doing = is_gerund(first, chart.text(1)) and first not in POSTURES
    yield from (*tails, *phrases) if doing else (*phrases, *tails)


def _part(chart: EllipticalChart) -> tuple[Description | None, int]:
    """Return a parse that skips words, and its start position."""
    if chart.end > _MOST_WORDS:
        return None, 0
    for start in range(chart.end):
        readings = [(what, end) for what, end in chart.description(start) if what.noun is not None]
        if not readings:
            continue
        what, at = readings[0]
        while at < chart.end:
            at += 1
            tail = chart.tail(at, False, True)
            if tail and tail[0][0]:
                what, at = what.having(*tail[0][0]), tail[0][1]
        return resolved(what), start
    return None, 0


def _question_object(chart: QuestionChart) -> Description | None:
    """Return the object that a question is about: "where is the dog?", "which dog is left?"."""
    for query, end in chart.frames():
        if end != chart.end:
            continue
        match query:
            case AskName(what=what) | Exists(what=what, comparison=None):
                return what
            case AskPlace(subject=subject):
                return subject
            case Verify(subject=subject, condition=condition):
                return subject.having(condition)
            case _:
                pass
    return None


def _refuse_orders(tokens: list[Token], question: str) -> None:
    """Refuse instructions other than to find an object."""
    chart = EllipticalChart(tokens)
    if chart.after(0, _ADDRESSES):
        raise refusal(chart.source(0, 4), question)
    for at, token in enumerate(tokens):
        begins = at == 0 or tokens[at - 1].text in (".", ",", "and", "then")
        plain = kinds(token.text) == {"VERB"} and verb_lemma(token.text) == token.text
        if begins and plain and not chart.after(at, _IMPERATIVES):
            raise refusal(chart.source(at, at + 4), question)
