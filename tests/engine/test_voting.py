from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.engine import voting
from viper.engine.trace_builder import ProgramResult
from viper.engine.voting import tally
from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.programs.program import Failure
from viper.trace import Attempt
from viper.usage import Usage

IMAGE = ImageRef("hash", (100, 100))


def outcome(text=None, boxes=(), failure=None):
    attempt = Attempt(
        generator="fake", from_program_cache=False, notes=(), source="", outcome="failed", failure=failure,
        findings=(), call_sites=(), calls=(), printed="", returned=None, unverified=(), usage=Usage(),
        started_ms=0.0, generate_ms=0.0, run_ms=0.0,
    )  # fmt: skip
    patches = tuple(Patch(View(IMAGE, box), "cup", 0.5) for box in boxes)
    return ProgramResult(attempt, text, text, patches)


def failed(kind="runtime"):
    return outcome(failure=Failure(kind, "boom"))


def words(*texts):
    return tally([failed() if text is None else outcome(text) for text in texts], "vqa")


def test_most_programs_decide_and_their_share_is_the_confidence():
    winner, votes = words("2", "3", "3", "2", "3")
    assert winner.text == "3"
    assert votes.to_json() == {"n": 5, "answers": {"3": 3, "2": 2}, "failed": 0}
    assert votes.confidence == 0.6


def test_case_articles_and_punctuation_make_no_other_answer():
    winner, votes = words("The car.", "truck", "a car", "Car")
    assert winner.text == "The car."
    assert votes.answers == {"The car.": 3, "truck": 1}


def test_of_a_tie_the_first_answer_wins():
    assert words("yes", "no", "no", "yes").winner.text == "yes"


@pytest.mark.parametrize(
    ("said", "wins"),
    [
        (["yes", "absent"], "absent"),
        (["yes", "yes", "absent"], "yes"),
        (["yes", "no", "absent", "absent"], "absent"),
        (["yes", "yes", "unsure", "absent", "unsure"], "unsure"),
        (["unsure", "absent"], "absent"),
        (["runtime", "runtime", "unsure"], "unsure"),
        (["model", "runtime"], "model"),
        (["runtime", "check", "yes"], "yes"),
    ],
)
def test_an_answer_needs_more_votes_than_that_there_is_none(said, wins):
    answers = ("yes", "no")
    outcomes = [outcome(one) if one in answers else failed(one) for one in said]
    winner, votes = tally(outcomes, "vqa")
    assert (winner.text or winner.failure.kind) == wins
    assert winner is next(one for one, name in zip(outcomes, said, strict=True) if name == wins)
    assert votes.failed == sum(name not in answers for name in said)


def test_verdicts_win_against_boxes_too():
    boxes = [outcome("cup", [(0, 0, 9, 9)]), failed("absent"), failed("absent")]
    assert tally(boxes, "grounding").winner is boxes[1]


def test_programs_that_failed_have_no_vote_but_count():
    winner, votes = words(None, "yes", None, None)
    assert winner.text == "yes"
    assert (votes.failed, votes.confidence) == (3, 0.25)


def test_when_all_fail_the_first_failure_is_the_answer():
    first, second = failed("check"), failed("runtime")
    winner, votes = tally([first, second], "vqa")
    assert winner is first
    assert (votes.answers, votes.confidence) == ({}, None)


def test_boxes_agree_when_they_overlap_by_half():
    left, nearly, right = (0, 0, 40, 40), (2, 2, 42, 42), (60, 0, 90, 40)
    outcomes = [outcome("cup", [box]) for box in (right, left, nearly)]
    winner, votes = tally(outcomes, "grounding")
    assert winner.patches[0].box_xyxy == left
    assert votes.answers == {"cup at (0, 0, 40, 40)": 2, "cup at (60, 0, 90, 40)": 1}


def test_no_such_object_is_a_vote():
    nothing = [outcome("no such object"), outcome("no such object")]
    winner, votes = tally([outcome("cup", [(0, 0, 9, 9)]), *nothing], "grounding")
    assert winner.patches == ()
    assert votes.answers["no such object"] == 2


ANSWERS = st.lists(st.none() | st.sampled_from(["yes", "no", "a", "?", "", "0.5"]), min_size=1)


@given(ANSWERS)
def test_every_program_is_counted_once(texts):
    winner, votes = words(*texts)
    assert votes.n == sum(votes.answers.values()) + votes.failed == len(texts)
    assert all(votes.answers[winner.text] >= count for count in votes.answers.values())


def test_boxes_that_are_written_alike_have_votes_of_their_own():
    edges = [(12345.015625, 1.0, 12345.03125, 2.0), (12345.03125, 1.0, 12345.046875, 2.0)]
    winner, votes = tally([outcome("cup", [box]) for box in (*edges, edges[1])], "grounding")
    assert sorted(votes.answers.values()) == [1, 2]
    assert winner.patches[0].box_xyxy == edges[1]


# -- the time of a vote

LONG_ANSWERS = {
    "punctuation": "!",
    "articles": "a ",
    "letters that become longer": "ßẞ",
    "blanks": " \t",
    "one word": "a",
    "words": "red, Blue; ",
    "letters outside of the first plane": "𝔸 𝔹-",
}


def vote_s(piece, characters, voters=12):
    """Return the processor time of a vote of answers that differ in their last characters."""
    answers = [piece * (characters // len(piece)) + "." * n for n in range(voters)]
    started_s = time.thread_time()
    _, votes = words(*answers)
    assert votes.n == voters
    return time.thread_time() - started_s


@pytest.mark.parametrize("shape", LONG_ANSWERS)
def test_a_vote_of_long_answers_takes_no_longer_than_reading_them(shape, monkeypatch):
    assert vote_s(LONG_ANSWERS[shape], 900_000) < 0.5
    # The control: without the limit, one pair takes longer than all of them.
    fast_s = vote_s(LONG_ANSWERS[shape], 200_000)
    monkeypatch.setattr(voting, "_MOST_NORMALIZED_CHARACTERS", 1_000_000)
    assert vote_s(LONG_ANSWERS[shape], 200_000, voters=2) > fast_s


def test_long_answers_agree_only_if_they_are_the_same():
    long = "word " * 4_000
    assert sorted(words(long, long + ".", long, "Word").votes.answers.values()) == [1, 1, 2]


@pytest.mark.parametrize("task", ["vqa", "grounding"])
def test_each_answer_is_made_into_a_key_once(task, monkeypatch):
    made = []
    of = voting.key_of
    monkeypatch.setattr(voting, "key_of", lambda *given: made.append(given) or of(*given))
    tally([outcome(str(n), [(n, 0, n + 1, 1)]) for n in range(90)], task)
    assert len(made) == 90


def compared_boxes(voters, monkeypatch):
    """Return how often two boxes are compared in a vote in which all differ."""
    compared = []
    of = voting.iou
    monkeypatch.setattr(voting, "iou", lambda *boxes: compared.append(boxes) or of(*boxes))
    _, votes = tally([outcome("", [(n, 0, n + 1, 1)]) for n in range(voters)], "grounding")
    assert sum(votes.answers.values()) == voters
    monkeypatch.setattr(voting, "iou", of)
    return len(compared)


def test_a_box_is_compared_with_a_bounded_number_of_others(monkeypatch):
    monkeypatch.setattr(voting, "MOST_LEADING_BOXES", 20)
    assert compared_boxes(400, monkeypatch) < 20 * 400
    # The control: without the limit, with all of them.
    monkeypatch.setattr(voting, "MOST_LEADING_BOXES", 400)
    assert compared_boxes(400, monkeypatch) == 400 * 399 // 2


def test_boxes_beyond_the_first_groups_are_equal_if_they_are_the_same(monkeypatch):
    monkeypatch.setattr(voting, "MOST_LEADING_BOXES", 1)
    boxes = [(0, 0, 9, 9), (50, 0, 60, 10), (0, 0, 9, 8), (50, 0, 60, 10), (50, 0, 60, 9)]
    _, votes = tally([outcome("cup", [box]) for box in boxes], "grounding")
    assert sorted(votes.answers.values()) == [1, 2, 2]
