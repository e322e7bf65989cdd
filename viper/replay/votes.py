"""Counts the votes of a replay, in an order of requests that gives the recorded result if there is one.

The order decides between answers with equally many votes, and after which program a group of equal answers is
named; a trace has the programs in the order in which they ended. No other result is accepted.
"""

from __future__ import annotations

from collections.abc import Sequence

from viper.engine.trace_builder import ProgramResult
from viper.engine.voting import Tally, agree, label_of, tally
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
    for voter in (chosen, *answered):
        leaders.setdefault(label_of(voter, task), voter)
    if not votes.answers.keys() <= leaders.keys():
        return None
    waiting = {name: leaders[name] for name in votes.answers}
    rest = {id(voter): voter for voter in answered}
    for leader in waiting.values():
        rest.pop(id(leader), None)
    joining = {
        name: [voter for voter in rest.values() if agree(leader, voter, task)]
        for name, leader in waiting.items()
    }
    order: list[ProgramResult] = []
    while waiting:
        sizes: set[int] = set()  # of equally large groups, the first that is named began first
        for name in waiting:
            size = votes.answers[name]
            followers = [voter for voter in joining[name] if id(voter) in rest]
            if size not in sizes and len(followers) + 1 == size:
                break
            sizes.add(size)
        else:
            return None
        order += [waiting.pop(name), *followers]
        for voter in followers:
            del rest[id(voter)]
    placed = set(map(id, order))
    others = {id(voter): voter for voter in (chosen, *voters) if id(voter) not in placed}
    return [*order, *others.values()]
