"""Voting among several programs for one question: the most frequent answer wins.

Answers in words are equal if they differ only in case, articles and punctuation. Boxes are equal if their
IoU with the first box of the group is at least 0.5. A failed program has no vote, but counts in the total.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from viper.engine.answer import NO_SUCH_OBJECT
from viper.engine.trace_builder import ProgramResult
from viper.images.boxes import iou
from viper.images.values import distinct
from viper.programs.program import Task
from viper.trace import Votes

__all__ = ["Tally", "agree", "label_of", "tally"]

# The usual threshold of referring expression benchmarks.
_SAME_BOX_IOU = 0.5

_ARTICLES = re.compile(r"\b(a|an|the)\b")


class Tally(NamedTuple):
    """The result of a vote."""

    winner: ProgramResult
    """The first program with the winning answer; the first of all if all failed."""
    votes: Votes


def tally(outcomes: Sequence[ProgramResult], task: Task) -> Tally:
    """Count the votes.

    Args:
        outcomes: One or more, in program order. Of several answers with the most votes, the first wins.
        task: The task of the programs.
    """
    groups: list[list[ProgramResult]] = []  # results with equal answers
    succeeded = [outcome for outcome in outcomes if outcome.failure is None]
    for outcome in succeeded:
        for group in groups:
            if agree(group[0], outcome, task):
                group.append(outcome)
                break
        else:
            groups.append([outcome])
    groups.sort(key=len, reverse=True)  # stable: ties keep their order
    # Boxes that differ in the seventh digit have one label.
    labels = distinct([label_of(group[0], task) for group in groups])
    answers = dict(zip(labels, map(len, groups), strict=True))
    winner = groups[0][0] if groups else outcomes[0]
    return Tally(winner, Votes(len(outcomes), answers, len(outcomes) - len(succeeded)))


def agree(one: ProgramResult, other: ProgramResult, task: Task) -> bool:
    """Return whether two programs gave the same answer; neither may have failed."""
    if task != "grounding":
        return _plain(one.text) == _plain(other.text)
    if not one.patches or not other.patches:
        return not one.patches and not other.patches
    return iou(one.patches[0].box_xyxy, other.patches[0].box_xyxy) >= _SAME_BOX_IOU


def _plain(text: str | None) -> str:
    words = re.sub(r"[^\w\s]", " ", (text or "").casefold())
    # An answer that is nothing but punctuation or an article is still an answer of its own.
    return " ".join(_ARTICLES.sub(" ", words).split()) or (text or "")


def label_of(outcome: ProgramResult, task: Task) -> str:
    """Return the label of an answer; a box includes its place, since categories may be equal."""
    if task != "grounding":
        return outcome.text or ""
    if not outcome.patches:
        return NO_SUCH_OBJECT
    best = outcome.patches[0]
    return f"{best.category} at ({', '.join(f'{edge:g}' for edge in best.box_xyxy)})"
