"""Counts the votes of a replay, in an order of requests that gives the recorded result if there is one.

The order decides between answers with equally many votes, and after which program a group of equal answers is
named; a trace has the programs in the order in which they ended. No other result is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from viper.engine.trace_builder import ProgramResult
from viper.engine.voting import (
    MOST_LEADING_BOXES,
    AnswerKey,
    Tally,
    agree,
    key_of,
    label_of,
    tally,
)
from viper.programs.program import Task
from viper.trace import Votes

__all__ = ["counted_again"]


def counted_again(
    votes: Votes, chosen: ProgramResult, voters: Sequence[ProgramResult], task: Task
) -> Tally:
    """Return the recorded result of a vote if these programs can give it, else the one that they give now.

    Args:
        votes: As recorded.
        chosen: The program that won according to the record.
        voters: The programs, run again; one or more.
        task: Their task.
    """
    order = _order(votes, chosen, voters, task)
    if order is not None:
        found = tally(order, task)
        same_order = list(found.votes.answers) == list(votes.answers)
        if found.winner is chosen and found.votes == votes and same_order:
            return found
    return tally(voters, task)


def _order(
    votes: Votes, chosen: ProgramResult, voters: Sequence[ProgramResult], task: Task
) -> list[ProgramResult] | None:
    """Return an order of requests in which the recorded result comes out; None if there is none.

    The first program of a group leads it: it names the group, and all who agree with it join, unless they
    agree with an earlier leader. So a group is next when just as many agree with its leader as it needs.
    """
    if not any(voter is chosen for voter in voters):
        return None
    answered = [voter for voter in voters if voter.failure is None]
    leaders: dict[str, ProgramResult] = {}
    for voter in (*([chosen] if chosen.failure is None else []), *answered):
        leaders.setdefault(label_of(voter, task), voter)
    if not votes.answers.keys() <= leaders.keys():
        return None
    waiting = {name: leaders[name] for name in votes.answers}
    if task == "grounding" and len(waiting) > MOST_LEADING_BOXES:
        return None  # no box joins the later groups by its place, so their order cannot be told
    followers = _Followers(waiting, answered, task)
    order: list[ProgramResult] = []
    while waiting:
        sizes: set[int] = set()  # of equally large groups, the first that is named began first
        for name in waiting:
            size = votes.answers[name]
            if size not in sizes and followers.count[name] + 1 == size:
                break
            sizes.add(size)
        else:
            return None
        order += [waiting.pop(name), *followers.take(name)]
    placed = set(map(id, order))
    others = {id(voter): voter for voter in (chosen, *voters) if id(voter) not in placed}
    return [*order, *others.values()]


class _Followers:
    """The programs that lead no group, by what they answered: each joins the first leader that takes it.

    Args:
        leaders: Label of each group → the program that leads it.
        answered: All programs with an answer.
        task: Their task.
    """

    def __init__(
        self, leaders: Mapping[str, ProgramResult], answered: Sequence[ProgramResult], task: Task
    ) -> None:
        leading = set(map(id, leaders.values()))
        self._waiting: dict[
            AnswerKey, list[ProgramResult]
        ] = {}  # those with equal keys stay together
        for voter in answered:
            if id(voter) not in leading:
                self._waiting.setdefault(key_of(voter, task), []).append(voter)
        keys = {name: key_of(leader, task) for name, leader in leaders.items()}
        same: dict[AnswerKey, list[str]] = {}
        for name, key in keys.items():
            same.setdefault(key, []).append(name)
        self._names = {
            key: [name for name in keys if agree(keys[name], key)]
            if isinstance(key, tuple)
            else same.get(key, [])
            for key in self._waiting
        }
        self._joining: dict[str, list[AnswerKey]] = {name: [] for name in leaders}
        self.count = dict.fromkeys(leaders, 0)
        """Label of each group → the programs that would join it now."""
        for key, names in self._names.items():
            for name in names:
                self._joining[name].append(key)
                self.count[name] += len(self._waiting[key])

    def take(self, name: str) -> list[ProgramResult]:
        """Let those who agree with a leader join it, and return them."""
        joined: list[ProgramResult] = []
        for key in self._joining[name]:
            voters = self._waiting.pop(key, [])
            for other in self._names[key] if voters else ():
                self.count[other] -= len(voters)
            joined += voters
        return joined
