"""A vote is counted again: nothing but a result that these programs can give is "identical"."""

from __future__ import annotations

import copy
import itertools
import random
import threading
import time
from dataclasses import replace
from functools import partial

import pytest

from fakes import runs
from viper.engine import voting
from viper.engine.trace_builder import ProgramResult
from viper.engine.voting import label_of, tally
from viper.errors import TimeoutExceededError
from viper.images.image import ImageRef
from viper.images.region import Patch, View
from viper.programs.program import Failure
from viper.replay import again, replay
from viper.replay import votes as votes_of_replay
from viper.replay.votes import counted_again
from viper.trace import Votes
from viper.trace.read import trace_of


def source(answer):
    return f"def execute_command(image):\n    return {answer!r}\n"


@pytest.fixture
def elected(fake_engine):
    """A trace of which red won with two votes of three."""
    value = runs.run_of(fake_engine, source("red")).trace.to_json()
    turn = value["turns"][0]
    answers = ("red", "red", "blue")
    value["turns"] = [{**copy.deepcopy(turn), "source": source(a), "returned": a} for a in answers]
    value["votes"] = {"n": 3, "answers": {"red": 2, "blue": 1}, "failed": 0}
    value["chosen"] = 0
    assert replay(trace_of(copy.deepcopy(value))).identical
    return value


FORGED = {
    "counts swapped": {"answers": {"blue": 2, "red": 1}, "chosen": 2, "answer": "blue"},
    "winner swapped": {"chosen": 2, "answer": "blue"},
    "names in another order": {"answers": {"blue": 1, "red": 2}},
    "a tie": {"answers": {"blue": 1, "red": 1}, "chosen": 2, "answer": "blue"},
    "an answer that nobody gave": {"answers": {"green": 2, "blue": 1}},
    "an answer that differs in case": {"answers": {"RED": 2, "blue": 1}},
    "one voter": {"n": 1, "answers": {"blue": 1}},
    "one voter, and another program": {"n": 1, "answers": {"blue": 1}, "chosen": 0},
    "a program outside the voters": {"n": 2, "answers": {"red": 2}},
    "more voters": {"n": 4, "failed": 1},
    "fewer failures": {"n": 4, "failed": 0},
    "a failure of nobody": {"failed": 1},
    "more votes": {"answers": {"red": 3, "blue": 1}},
    "votes of one answer alone": {"answers": {"red": 2}},
    "no votes": {"answers": {}, "failed": 3},
}


def forge(value, changes):
    """Change votes, and what follows from the winner."""
    for key, item in changes.items():
        (value if key in ("chosen", "answer") else value["votes"])[key] = item
    return trace_of(value)


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_vote_is_not_identical(elected, name, monkeypatch):
    replayed = replay(forge(elected, FORGED[name]))
    assert not replayed.identical
    if name == "counts swapped":
        assert replayed.answer.text == "red"
        assert {d.path for d in replayed.differences} >= {"chosen", "votes.answers.blue", "answer"}

        # The control: a replay that accepts the record's vote says "identical".
        def believed(votes, chosen, voters, task):
            return tally(voters, task)._replace(winner=chosen, votes=votes)

        monkeypatch.setattr(again, "counted_again", believed)
        assert replay(forge(elected, FORGED[name])).identical


OTHERS = {
    "no vote": {"votes": None, "chosen": 2, "answer": "blue"},
    "no vote, and the first": {"votes": None},
    "a vote of one": {"votes": {"n": 1, "answers": {"blue": 1}, "failed": 0}, "chosen": 2, "answer": "blue"},
    "a vote that leaves out the others": {"votes": {"n": 2, "answers": {"red": 1, "blue": 1}, "failed": 0}},
    "a vote of more": {"votes": {"n": 4, "answers": {"red": 2, "blue": 1}, "failed": 1}},
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_no_program_that_answered_is_kept_out_of_the_vote(elected, name):
    elected.update(OTHERS[name])
    replayed = replay(trace_of(elected))
    assert "votes" in "".join(difference.path for difference in replayed.differences)
    assert replayed.answer.text == "red"
    assert replayed.answer.trace.votes == Votes(3, {"red": 2, "blue": 1}, 0)


def test_a_run_of_one_program_has_no_vote(elected):
    del elected["turns"][1:]
    elected["votes"] = {"n": 1, "answers": {"red": 1}, "failed": 0}
    assert "votes" in {difference.path for difference in replay(trace_of(elected)).differences}


def test_a_tie_that_the_order_of_requests_decides_is_listed(elected):
    elected["turns"].pop(0)
    forged = {"n": 2, "answers": {"blue": 1, "red": 1}, "chosen": 1, "answer": "blue"}
    replayed = replay(forge(elected, forged))
    assert replayed.identical
    assert any("order in which the programs were requested" in why for why in replayed.from_record)


def test_votes_without_a_program_are_not_identical(elected):
    elected.update(turns=[], chosen=None, answer=None)
    assert "votes" in {d.path for d in replay(trace_of(elected)).differences}


# -- without a sandbox: any programs, in any order of requests


def results(fake_engine, answers, task):
    """Programs that gave these answers; None is a failure. An answer of a grounding is a box."""
    attempt = runs.run_of(fake_engine, "return 1").trace.turns[0]
    image = ImageRef("", (100, 80))
    made = []
    for answer in answers:
        if answer is None:
            made.append(ProgramResult(replace(attempt, failure=Failure("runtime", "It broke."))))
        elif task == "grounding":
            made.append(
                ProgramResult(attempt, None, "cup", (Patch(View(image, answer), "cup", 0.9),))
            )
        else:
            made.append(ProgramResult(attempt, answer, answer))
    return made


WORDS = ["red", "Red", "the red", "blue", "blue.", "green", None]
BOXES = [(x, 0.0, x + 30.0, 20.0) for x in (0.0, 8.0, 16.0, 24.0, 50.0)] + [None]


@pytest.mark.parametrize("task", ["vqa", "grounding"])
def test_every_result_of_some_order_of_requests_is_accepted_and_no_other(fake_engine, task):
    dice = random.Random(task)
    program = results(fake_engine, BOXES if task == "grounding" else WORDS, task)
    for _ in range(40):
        ended = [copy.copy(dice.choice(program)) for _ in range(dice.randrange(1, 6))]
        possible = [tally(order, task) for order in itertools.permutations(ended)]
        for found in possible[:: max(1, len(possible) // 12)]:
            accepted = counted_again(found.votes, found.winner, ended, task)
            assert (accepted.winner is found.winner, accepted.votes) == (True, found.votes)
        legal = [(id(one.winner), list(one.votes.answers.items())) for one in possible]
        counts = [dice.randrange(1, 4) for _ in found.votes.answers]
        forged = Votes(
            len(ended), dict(zip(found.votes.answers, counts, strict=True)), found.votes.failed
        )
        for chosen in ended:
            for votes in (found.votes, forged):
                accepted = counted_again(votes, chosen, ended, task)
                names = list(accepted.votes.answers)
                as_recorded = accepted.winner is chosen and accepted.votes == votes
                as_recorded = as_recorded and names == list(votes.answers)
                is_legal = (id(chosen), list(votes.answers.items())) in legal
                assert as_recorded == is_legal


# -- a file of some kilobytes, and the time limit

SLOW_PARTS = ["tally", "differences", "answer_of", "outcome_fields"]


@pytest.fixture
def unwritten(elected):
    """A trace of programs that could not be written, which need no sandbox."""
    failed = {"kind": "generator", "message": "There was no program.", "line": None}
    turns = [{**turn, "source": "", "outcome": "failed", "failure": failed, "returned": None,
              "calls": [], "call_sites": []} for turn in elected["turns"]]  # fmt: skip
    elected.update(turns=turns, votes={"n": 3, "answers": {}, "failed": 3}, outcome="no_answer")
    return trace_of({**elected, "answer": None, "failure": failed, "patches": []})


@pytest.mark.parametrize("part", SLOW_PARTS)
def test_all_that_follows_the_programs_is_under_the_time_limit(unwritten, part, monkeypatch):
    of, release = getattr(again, part), threading.Event()
    monkeypatch.setattr(again, part, lambda *given: release.wait(60) and of(*given))
    try:
        with pytest.raises(TimeoutExceededError, match=r"longer than 0\.2 s"):
            replay(unwritten, timeout_s=0.2)
    finally:
        release.set()
    # The control: with the time that it takes, it comes to its end.
    assert replay(unwritten, timeout_s=60).answer.failure is not None


CROWDS = {
    "one answer in many spellings": ("vqa", lambda n: "red" + "." * n),
    "answers that all differ": ("vqa", lambda n: f"answer {n}"),
    "two of each": ("vqa", lambda n: f"answer {n // 2}"),
    "boxes that all overlap": ("grounding", lambda n: (n / 1000, 0.0, 50.0, 50.0)),
    "boxes apart": ("grounding", lambda n: (n / 50, 0.0, n / 50 + 0.01, 1.0)),
}


def comparisons(monkeypatch, program, votes, task):
    """Return how often two answers are compared, or made into a key, when a vote is counted again."""
    count = []
    with monkeypatch.context() as patched:
        for module in (voting, votes_of_replay):
            for name in ("agree", "key_of"):
                of = getattr(module, name)
                counted = lambda *given, of=of: count.append(1) or of(*given)  # noqa: E731
                patched.setattr(module, name, counted)
        counted_again(votes, program[0], program, task)
    return len(count)


@pytest.mark.parametrize("name", CROWDS)
def test_a_vote_of_a_crowd_is_counted_in_linear_time(fake_engine, name, monkeypatch):
    task, answer = CROWDS[name]
    monkeypatch.setattr(voting, "MOST_LEADING_BOXES", 25)
    monkeypatch.setattr(votes_of_replay, "MOST_LEADING_BOXES", 25)
    program = results(fake_engine, [answer(n) for n in range(600)], task)
    few = program[:150]
    # As forged: every label is the name of a group, so that each program might lead.
    forged = [
        Votes(len(some), dict.fromkeys(map(partial(label_of, task=task), some[:25]), 6), 0)
        for some in (few, program)
    ]
    at_few = comparisons(monkeypatch, few, forged[0], task)
    assert comparisons(monkeypatch, program, forged[1], task) < 5 * at_few
    if name == "boxes apart":
        # The control: without the limit, four times the voters are sixteen times the work.
        monkeypatch.setattr(voting, "MOST_LEADING_BOXES", 600)
        at_few = comparisons(monkeypatch, few, forged[0], task)
        assert comparisons(monkeypatch, program, forged[1], task) > 10 * at_few


def test_a_thousand_names_of_one_answer_are_told_apart_soon(fake_engine):
    program = results(fake_engine, ["red" + "." * n for n in range(1_500)], "vqa")
    forged = Votes(1_500, {label_of(one, "vqa"): 1 for one in reversed(program[:999])}, 0)
    started_s = time.thread_time()
    accepted = counted_again(forged, program[0], program, "vqa")
    assert time.thread_time() - started_s < 5.0
    assert accepted.votes.answers == {"red": 1_500}
