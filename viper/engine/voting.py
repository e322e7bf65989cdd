"""Voting among several programs for one question: the most frequent answer wins.

Programs also vote for there being no answer: what the question takes for granted was not found (`absent`), or
nothing settles it (`unsure`). An answer needs more votes than each of these verdicts.

Answers in words are equal if they differ only in case, articles and punctuation. Boxes are equal if their
IoU with the first box of the group is at least 0.5. A program that failed otherwise has no vote, but counts
in the total.

Programs of a stranger vote as well, so the time of a vote grows with its answers and not with their square:
each answer is made into a key once, long ones are equal only if they are the same text, and a box is compared
with a bounded number of others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from viper.engine.answer import NO_SUCH_OBJECT
from viper.engine.trace_builder import ProgramResult
from viper.errors import FailureKind
from viper.images.boxes import Box, iou
from viper.images.values import distinct
from viper.programs.program import Task
from viper.trace import Votes

__all__ = ["MOST_LEADING_BOXES", "VERDICTS", "AnswerKey", "Tally", "agree", "has_verdict", "key_of"]
__all__ += ["label_of", "tally"]

# The usual threshold of referring expression benchmarks.
_SAME_BOX_IOU = 0.5

_ARTICLES = re.compile(r"\b(a|an|the)\b")

# An answer is some words; taking punctuation from the longest result of a program would take a second.
_MOST_NORMALIZED_CHARACTERS = 10_000

MOST_LEADING_BOXES = 200
"""Groups of boxes that a box may join by overlap, the first ones; a vote has some ten programs."""

VERDICTS: tuple[FailureKind, ...] = ("absent", "unsure")
"""Failures that a program has found out, and which have a vote."""

AnswerKey: TypeAlias = str | Box | None
"""What is compared of an answer: a text, or the edges of a box, None for no box."""


class Tally(NamedTuple):
    """The result of a vote."""

    winner: ProgramResult
    """The first program with the winning answer or verdict; the first of all if all failed otherwise."""
    votes: Votes


def tally(outcomes: Sequence[ProgramResult], task: Task) -> Tally:
    """Count the votes, in time proportional to their number and length.

    Args:
        outcomes: One or more, in program order. Of several answers with the most votes, the first wins; a
            verdict wins against answers with as many votes, and `absent` against `unsure`.
        task: The task of the programs.
    """
    groups: list[list[ProgramResult]] = []  # results with equal answers
    leaders: list[tuple[AnswerKey, list[ProgramResult]]] = []  # groups that others may be near to
    group_of: dict[AnswerKey, list[ProgramResult]] = {}
    succeeded = [outcome for outcome in outcomes if outcome.failure is None]
    for outcome in succeeded:
        key = key_of(outcome, task)
        group = group_of.get(key)
        if group is None and isinstance(key, tuple):
            group = next((near for leader, near in leaders if agree(leader, key)), None)
        if group is None:
            groups.append(group := [])
            if isinstance(key, tuple) and len(leaders) < MOST_LEADING_BOXES:
                leaders.append((key, group))
        group.append(outcome)
        group_of[key] = group
    groups.sort(key=len, reverse=True)  # stable: ties keep their order
    # Boxes that differ in the seventh digit have one label.
    labels = distinct([label_of(group[0], task) for group in groups])
    answers = dict(zip(labels, map(len, groups), strict=True))
    votes = Votes(len(outcomes), answers, len(outcomes) - len(succeeded))
    verdicts = [[one for one in outcomes if _verdict(one) == kind] for kind in VERDICTS]
    best = max([*verdicts, *groups], key=len)  # the first of the largest
    return Tally(best[0] if best else outcomes[0], votes)


def has_verdict(outcome: ProgramResult) -> bool:
    """Return whether a program has a vote: it gave an answer, or found out that there is none."""
    return outcome.failure is None or _verdict(outcome) is not None


def _verdict(outcome: ProgramResult) -> FailureKind | None:
    failure = outcome.failure
    return failure.kind if failure is not None and failure.kind in VERDICTS else None


def key_of(outcome: ProgramResult, task: Task) -> AnswerKey:
    """Return what is compared of the answer of a program that did not fail."""
    if task != "grounding":
        return _plain(outcome.text or "")
    return outcome.patches[0].box_xyxy if outcome.patches else None


def agree(one: AnswerKey, other: AnswerKey) -> bool:
    """Return whether two keys of one task stand for the same answer."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return iou(one, other) >= _SAME_BOX_IOU
    return one == other


def _plain(text: str) -> str:
    if len(text) > _MOST_NORMALIZED_CHARACTERS:
        return text
    words = re.sub(r"[^\w\s]", " ", text.casefold())
    # An answer that is nothing but punctuation or an article is still an answer of its own.
    return " ".join(_ARTICLES.sub(" ", words).split()) or text


def label_of(outcome: ProgramResult, task: Task) -> str:
    """Return the label of an answer; a box includes its place, since categories may be equal."""
    if task != "grounding":
        return outcome.text or ""
    if not outcome.patches:
        return NO_SUCH_OBJECT
    best = outcome.patches[0]
    return f"{best.category} at ({', '.join(f'{edge:g}' for edge in best.box_xyxy)})"
