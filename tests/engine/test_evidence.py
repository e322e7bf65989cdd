"""What an answer rests on, as the host says it."""

from __future__ import annotations

import pytest

from fakes.backends import FakeDetector, blank_image
from viper.engine.evidence import evidence_of
from viper.images.image import View
from viper.images.region import Patch
from viper.replay.again import replay
from viper.trace.read import read_trace
from viper_sandbox import Jail, PatchRef, Result

IMAGE = blank_image()
CUP = Patch(View(IMAGE, (1.0, 1.0, 9.0, 9.0)), "cup", 0.9)
CAN = Patch(View(IMAGE, (11.0, 1.0, 19.0, 9.0)), "cup", 0.7)
DOG = Patch(View(IMAGE, (20.0, 1.0, 29.0, 9.0)), "dog", 0.8)

PEOPLE = [((10.0 * i, 5.0, 10.0 * i + 8, 40.0), 0.9 - i / 100) for i in range(9)]
BIKES = [((10.0 * i, 30.0, 10.0 * i + 8, 60.0), 0.5) for i in range(5)]
RIDERS = """
def execute_command(image):
    image_patch = ImagePatch(image)
    people = image_patch.find("person")
    bikes = image_patch.find("bicycle")
    riders = [p for p in people if any(distance(p, b) < 0 for b in bikes)]
    return len(riders)
"""


def pairs(evidence):
    return [(one.patch, one.role) for one in evidence]


def test_patches_in_the_value_are_the_answer_whatever_the_child_says():
    evidence = evidence_of([DOG, CUP], [[], [DOG], [CUP, CAN]], [CUP, CAN, DOG])
    assert pairs(evidence) == [(DOG, "answer"), (CUP, "answer"), (CAN, "rejected")]


def test_patches_are_in_the_order_in_which_they_were_found():
    evidence = evidence_of(2, [[DOG, CUP], [], [CAN]], [CUP, CAN, DOG])
    assert pairs(evidence) == [(CUP, "answer"), (DOG, "answer"), (CAN, "rejected")]


def test_where_no_role_is_known_what_was_found_has_none():
    assert pairs(evidence_of("yes", [], [CUP, DOG, CUP])) == [(CUP, None), (DOG, None)]
    assert evidence_of("yes", [[], [], []], []) == ()


@pytest.fixture
def riders(fake_engine, tmp_path):
    engine = fake_engine(detector=FakeDetector({"person": PEOPLE, "bicycle": BIKES}))
    return engine.run_program(RIDERS, blank_image(), question="How many people ride a bike?")


def test_an_answer_names_the_five_riders_of_nine_people(riders):
    assert riders.text == "5"
    assert [patch.box_xyxy for patch in riders.patches] == [box for box, _ in PEOPLE[:5]]
    roles = [(one.role, one.patch.category) for one in riders.evidence]
    assert roles == (
        [("answer", "person")] * 5 + [("reference", "bicycle")] * 5 + [("rejected", "person")] * 4
    )


def test_json_holds_the_patches_of_the_answer_and_all_evidence(riders):
    value = riders.to_json()
    assert [patch["evidence"] for patch in value["patches"]] == ["answer"] * 5
    assert len(value["evidence"]) == 14
    assert value["evidence"] == riders.trace.to_json()["patches"]


def test_a_replay_finds_the_same_evidence(riders, tmp_path):
    path = tmp_path / "run.json"
    riders.save_trace(path)
    again = replay(read_trace(path), sandbox="partial")
    assert again.identical
    assert [(one.role, one.patch.box_xyxy) for one in again.answer.evidence] == [
        (one.role, one.patch.box_xyxy) for one in riders.evidence
    ]


def test_a_grounded_patch_is_the_answer_and_the_others_are_rejected(fake_engine):
    engine = fake_engine(detector=FakeDetector({"person": PEOPLE}))
    body = "return sorted(image_patch.find('person'), key=lambda p: p.left)[-1]"
    answer = engine.run_program(body, blank_image(), task="grounding")
    assert [patch.box_xyxy for patch in answer.patches] == [PEOPLE[8][0]]
    assert [one.role for one in answer.evidence] == ["answer"] + ["rejected"] * 8


def test_no_such_object_has_no_patches_but_shows_what_was_rejected(fake_engine):
    engine = fake_engine(detector=FakeDetector({"person": PEOPLE[:2]}))
    body = "found = [p for p in image_patch.find('person') if p.left > 999]\nreturn found"
    answer = engine.run_program(body, blank_image(), task="grounding")
    assert (answer.text, answer.patches) == ("no such object", ())
    assert [one.role for one in answer.evidence] == ["rejected", "rejected"]


def test_a_child_that_names_boxes_that_nobody_found_is_not_believed(fake_engine, monkeypatch):
    engine = fake_engine(detector=FakeDetector({"person": PEOPLE[:1]}))
    run = Jail.run

    async def lying(*arguments, **options):
        result = await run(*arguments, **options)
        false = PatchRef(0, (3.0, 3.0, 7.0, 7.0), "person", 0.9)
        true = PatchRef(0, PEOPLE[0][0], "person", 1.0)
        return Result(1, None, result.checked, evidence=((false, true), (), ()))

    monkeypatch.setattr(Jail, "run", lying)
    answer = engine.run_program("return len(image_patch.find('person'))", blank_image())
    assert [(p.box_xyxy, p.score) for p in answer.patches] == [PEOPLE[0]]


def test_a_program_that_takes_what_is_not_there_fails_as_absent(fake_engine):
    engine = fake_engine(detector=FakeDetector({}))
    answer = engine.run_program("return image_patch.find('elephant')[0].left", blank_image())
    assert answer.failure is not None
    assert answer.failure.kind == "absent"
    assert answer.failure.message == "No elephant was found, so nothing can be said of it."
