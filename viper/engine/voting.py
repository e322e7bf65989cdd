"""Several programs vote on one question: which answer most of them gave, and how many did.

Answers in words are the same when they differ in case, articles and punctuation only; boxes are the
same when their overlap (IoU) with the first of their group is at least one half. A program that failed
has no vote, but it counts among those that were asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from viper.engine.answer import NO_SUCH_OBJECT
from viper.engine.trace_builder import ProgramResult
from viper.images.boxes import iou
from viper.programs.program import Task
from viper.trace import Votes

__all__ = ["Tally", "tally"]

_SAME_BOX_IOU = 0.5
# Where the benchmarks of referring expressions draw the line between right and wrong.

_ARTICLES = re.compile(r"\b(a|an|the)\b")


class Tally(NamedTuple):
    """The result of a vote."""

    winner: ProgramResult
    """The first program that gave the answer of the majority; the first of all when all failed."""
    votes: Votes


@dataclass(slots=True)
class _Group:
    """Programs that gave the same answer."""

    first: ProgramResult
    others: list[ProgramResult] = field(default_factory=list)

    @property
    def size(self) -> int:
        return 1 + len(self.others)


def tally(outcomes: Sequence[ProgramResult], task: Task) -> Tally:
    """Count the votes.

    Args:
        outcomes: One per program, at least one, in the order in which they were asked for. Of
            answers with the same number of votes the one that was given first wins.
        task: What the programs were to return.
    """
    groups: list[_Group] = []
    for outcome in outcomes:
        if outcome.failure is not None:
            continue
        for group in groups:
            if _agree(group.first, outcome, task):
                group.others.append(outcome)
                break
        else:
            groups.append(_Group(outcome))
    groups.sort(key=lambda group: -group.size)  # stable: the first of equals stays first
    answers = {_name(group.first, task): group.size for group in groups}
    failed = sum(outcome.failure is not None for outcome in outcomes)
    winner = groups[0].first if groups else outcomes[0]
    return Tally(winner, Votes(len(outcomes), answers, failed))


def _agree(one: ProgramResult, other: ProgramResult, task: Task) -> bool:
    if task != "grounding":
        return _plain(one.text) == _plain(other.text)
    if not one.patches or not other.patches:
        return not one.patches and not other.patches
    return iou(one.patches[0].box_xyxy, other.patches[0].box_xyxy) >= _SAME_BOX_IOU


def _plain(text: str | None) -> str:
    words = re.sub(r"[^\w\s]", " ", (text or "").casefold())
    # An answer that is nothing but punctuation or an article is still an answer of its own.
    return " ".join(_ARTICLES.sub(" ", words).split()) or (text or "")


def _name(outcome: ProgramResult, task: Task) -> str:
    """Return how an answer is listed: boxes by their place, for two of them may look alike."""
    if task != "grounding":
        return outcome.text or ""
    if not outcome.patches:
        return NO_SUCH_OBJECT
    best = outcome.patches[0]
    return f"{best.category} at ({', '.join(f'{edge:g}' for edge in best.box_xyxy)})"
