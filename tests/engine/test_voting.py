from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

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
