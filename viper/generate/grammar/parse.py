"""From a question to its logical form, or to a refusal that names what was not understood."""

from __future__ import annotations

import re
from collections.abc import Iterable

from viper.errors import GenerationError
from viper.generate.grammar.discourse import DiscourseChart
from viper.generate.grammar.lexicon import (
    COMPARATIVES,
    FUNCTION_WORDS,
    NUMBERS,
    ORDINALS,
    PLACES,
    SUPERLATIVES,
)
from viper.generate.grammar.logical_form import (
    AskName,
    AskPlace,
    CompareCounts,
    Description,
    Exists,
    LogicalForm,
    Query,
    Refer,
    Verify,
    walk,
)
from viper.generate.grammar.options import with_choices
from viper.generate.grammar.phrases import resolved
from viper.generate.grammar.spelling import is_named
from viper.generate.grammar.tokens import Token, tokenise
from viper.generate.grammar.wh_questions import QuestionChart
from viper.generate.grammar.words import gerund, is_known, positive, singular, verb_lemma
from viper.program import Task

__all__ = ["parse"]

_IMPERATIVES = (
    "find me",
    "find",
    "show me",
    "show",
    "locate",
    "point to",
    "point at",
    "point out",
    "select",
    "click on",
    "click",
    "get",
    "give me",
    "mark",
    "detect",
    "ground",
    "the region of",
)
_QUESTION_WORDS = frozenset("is are was were do does did can where which what who".split())
_SKIPPED_SHARE = 0.35
"""Largest share of the words of a referring expression that may stay without a part in it."""
_FRAME_WORDS = frozenset(
    "picture image photo scene see show color material shape size kind type types species sort side "
    "part count number name called doing made make used thing things object objects item items "
    "anything something one ones person people camera half corner edge row same different "
    "gender weather today total many visible present piece pieces article common makes "
    "taken showing pictured shown depicted direction length height width pattern texture called "
    "named".split()
)
"""Words of question forms; that they are no part of the meaning needs no mention."""
_COMPARED_NUMBERS = frozenset("greater larger smaller equal".split())
"""What a number can be than another; the form holds the sign instead."""
_FOREIGN = frozenset(
    "der das ist und ein eine wo wie mit nicht auf le les une est et il y sur dans avec el los las "
    "un una es en con por que del della di che sono het een van op de la personas hund chien perro "
    "gato gatto katze".split()
)


def parse(question: str, task: Task = "vqa", choices: Iterable[str] = ()) -> LogicalForm:
    """Read a question.

    Args:
        question: An English question, statement or (for grounding) referring expression.
        task: `grounding` asks for one object; telegraphic phrases are read there only.
        choices: Answers that the caller allows; empty when any will do.

    Returns:
        The form that uses every word, or nearly all of a referring expression: `unparsed` holds the
        words that are left.

    Raises:
        GenerationError: The question was not understood; the message quotes the part.
    """
    allowed = tuple(choices)
    tokens = tokenise(question)
    _refuse_foreign(tokens, question)
    query = _refer(tokens, question) if task == "grounding" else _ask(tokens, question)
    query = with_choices(query, allowed, question)
    return LogicalForm(query, allowed, _unparsed(query, tokens, allowed), _readings(tokens))


def _ask(tokens: list[Token], question: str) -> Query:
    chart = DiscourseChart(tokens)
    for query, end in chart.frames():
        if end == chart.end:
            _refuse_unknown(query, tokens, question)
            return query
    phrase = QuestionChart(tokens, telegraphic=True)
    named = next((what for what, end in phrase.description(0) if end == phrase.end), None)
    if named is not None:
        _refuse_unknown(named, tokens, question)
        raise GenerationError(
            f"{question[:200]!r} names an object but asks nothing. Ask a question about it, or use "
            f"--task grounding to find it."
        )
    raise _not_understood(chart, question)


def _refer(tokens: list[Token], question: str) -> Refer:
    start = QuestionChart(tokens, telegraphic=True)
    skipped = next((e for e in (start.after(0, p) for p in _IMPERATIVES) if e), 0)
    if skipped < len(tokens):
        tokens = tokens[skipped:]
    chart = QuestionChart(tokens, telegraphic=True)
    if tokens[0].text in _QUESTION_WORDS:
        asked = _asked_for(QuestionChart(tokens))
        if asked is not None:
            return Refer(asked)
    for what, end in chart.description(0):
        if end == chart.end:
            _refuse_unknown(what, tokens, question)
            return Refer(what)
    for conditions, end in chart.tail(0, False, True):
        if end == chart.end and conditions:
            return Refer(resolved(Description(None, conditions)))
    return Refer(_nearly(chart, tokens, question))


def _asked_for(chart: QuestionChart) -> Description | None:
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


def _nearly(chart: QuestionChart, tokens: list[Token], question: str) -> Description:
    """Read a referring expression leaving out words that fit nowhere, if they are few."""
    readings = [(what, end) for what, end in chart.description(0) if what.noun is not None]
    if not readings:
        raise _not_understood(chart, question)
    what, at = readings[0]
    content = sum(_is_content(token) for token in tokens)
    left_out = 0
    first_left_out = at
    while at < chart.end:
        left_out += _is_content(tokens[at])
        at += 1
        tail = chart.tail(at, False, True)
        if tail and tail[0][0]:
            what, at = what.having(*tail[0][0]), tail[0][1]
    if left_out > _SKIPPED_SHARE * content:
        chart.furthest = first_left_out
        raise _not_understood(chart, question)
    _refuse_unknown(what, tokens, question)
    return resolved(what)


def _not_understood(chart: QuestionChart, question: str) -> GenerationError:
    at = min(chart.furthest, chart.end - 1)
    # A word that no dictionary has is the likeliest cause, wherever the rules came to a stop.
    unknown = (i for i, t in enumerate(chart.tokens) if _is_content(t) and not _is_english(t.text))
    at = min(next(unknown, at), at)
    part = chart.source(at, min(at + 4, chart.end))
    return _refusal(part, question)


def _refusal(part: str, question: str) -> GenerationError:
    shown = question if len(question) <= 200 else f"{question[:197]}…"
    return GenerationError(
        f"The grammar did not understand {part!r} in {shown!r}. Rephrase it, or use a language "
        f"model: --generator openai:MODEL"
    )


def _refuse_foreign(tokens: list[Token], question: str) -> None:
    foreign = [token for token in tokens if token.text in _FOREIGN]
    strange = [t for t in foreign if not is_known(t.text) or len(foreign) > 1]
    if len(foreign) >= 2 and len(strange) >= max(1, len(tokens) // 4):
        raise _refusal(strange[0].source, question)


def _refuse_unknown(node: object, tokens: list[Token], question: str) -> None:
    """Refuse what is made of words that no dictionary has: it would be a guess."""
    content = [token for token in tokens if _is_content(token)]
    unknown = [token for token in content if not _is_english(token.text)]
    asked = not isinstance(node, Description)
    # A question has words of its own around one unknown noun; a bare phrase has nothing else.
    if len(unknown) > max(len(content) / 2, 1 if asked else 0):
        raise _refusal(" ".join(token.source for token in unknown[:4]), question)


def _is_english(word: str) -> bool:
    return is_known(word) or is_known(singular(word)) or is_named(word) or word.isdigit()


def _is_content(token: Token) -> bool:
    return token.text[0].isalnum() and token.text not in FUNCTION_WORDS


def _unparsed(query: Query, tokens: list[Token], choices: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of the question that left no trace in the form."""
    used = set(" ".join(choices).lower().split())
    numbers: set[int] = set()
    for node in walk(query):
        if isinstance(node, str):
            used.update(re.split(r"[\s_?,]+", node))
        elif isinstance(node, int):
            numbers.add(node)
    if any(isinstance(node, CompareCounts) for node in walk(query)):
        used |= _COMPARED_NUMBERS
    used |= {by for by, text in (("near", "nearest"), ("far", "farthest")) if text in used}
    return tuple(
        token.source
        for before, token in zip([None, *tokens], tokens, strict=False)
        if _is_content(token)
        and (before is None or before.text != "how")  # "how large" asks for the size
        and token.text not in _FRAME_WORDS
        and not _forms(token.text) & used
        and (ORDINALS | NUMBERS).get(token.text) not in numbers
        and token.text not in map(str, numbers)
    )


def _readings(tokens: list[Token]) -> tuple[str, ...]:
    """Return which words were read as others; two of one source were written as one."""
    read: dict[str, list[str]] = {}
    for token in tokens:
        if token.guessed:
            read.setdefault(token.source, []).append(token.text)
    return tuple(f"{source!r} read as {' '.join(words)!r}" for source, words in read.items())


def _forms(word: str) -> set[str]:
    """Return the ways in which a form may spell a word of the question."""
    forms = {word, singular(word), *word.split("-"), positive(word)}
    lemma = verb_lemma(word)
    if lemma is not None:
        forms |= {lemma, gerund(lemma)}
    for table in (PLACES, SUPERLATIVES, COMPARATIVES):
        forms |= {table[word]} if word in table else set()
    return forms
