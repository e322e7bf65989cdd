"""Programs of the grammar are run on drawn scenes, so that answers are checked and not texts only."""

from __future__ import annotations

import ast
import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.scene import Ended, Scene, thing
from viper.generate.generator import GenerationRequest
from viper.generate.grammar import GrammarGenerator
from viper.models.capabilities import Capabilities
from viper.programs.program import Doubt, Program

COCO = [
    *(
        "person car dog cat couch chair bowl cup banana apple orange umbrella suitcase book bus "
        "refrigerator knife cake handbag bench"
    ).split(),
    "dining table",
    "teddy bear",
]
DETECTOR = Capabilities(frozenset({"detector"}), tuple(COCO))
MATCHER = Capabilities(frozenset({"detector", "matcher"}), tuple(COCO))
EVERYTHING = Capabilities.everything()

# A street, seen from the front; boxes are (x1, y1, x2, y2), y downwards.
STREET = Scene(
    [
        thing("car", (10, 50, 50, 80), "red", "car", depth=5),
        thing("car", (60, 55, 95, 85), "white", depth=3),
        thing("cat", (20, 35, 35, 52), "black", "sleeping", depth=5),
        thing("dog", (70, 80, 80, 98), "brown", depth=2),
        thing("person", (2, 40, 12, 90), "tall", score=0.95, depth=2),
        thing("person", (52, 45, 58, 80), "wearing jeans", score=0.8, depth=4),
        thing("person", (84, 30, 92, 60), score=0.7, depth=6),
        thing("umbrella", (82, 20, 95, 40), "green", depth=6),
    ]
)


def write(
    question: str,
    served: Capabilities = DETECTOR,
    task: str = "vqa",
    *choices: str,
    best_effort: bool = False,
) -> Program:
    request = GenerationRequest(question, task, choices, served, best_effort=best_effort)  # type: ignore[arg-type]
    (program,) = asyncio.run(GrammarGenerator().generate([request]))
    ast.parse(program.source)
    return program


def answer(
    question: str, served: Capabilities = DETECTOR, *choices: str, scene: Scene = STREET
) -> object:
    return scene.run(write(question, served, "vqa", *choices))


def referred(expression: str, served: Capabilities = DETECTOR, scene: Scene = STREET) -> Any:
    found = scene.run(write(expression, served, "grounding"))
    return None if found is None else found.box_xyxy  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Is there a dog?", "yes"),
        ("Is there a bus?", "no"),
        ("Is there a dog and a bus?", "no"),
        ("Is there a dog or a bus?", "yes"),
        ("Is there a dog but no bus?", "yes"),
        ("Is there neither a bus nor a couch?", "yes"),
        ("Are there no cars?", "no"),
        ("Are there two cars?", "yes"),
        ("Are there at least three cars?", "no"),
        ("How many people are there?", 3),
        ("How many people are left of the dog?", 2),
        ("How many people are right of the cat?", 2),
        ("Are there more people than cars?", "yes"),
        ("Are there fewer cats than dogs?", "no"),
        ("Are there as many cats as dogs?", "yes"),
        ("Is the cat on the car?", "yes"),
        ("Is the car on the cat?", "no"),
        ("Is the dog on the car?", "no"),
        ("Is the cat above the car?", "yes"),
        ("Is the car under the cat?", "yes"),
        ("Is the cat left of the dog?", "yes"),
        ("Is the cat to the right of the dog?", "no"),
        ("Is the dog in front of the cat?", "yes"),
        ("Is the dog behind the cat?", "no"),
        ("Is the cat touching the car?", "no"),
        ("Is the cat near the car?", "yes"),
        ("Is the cat far from the dog?", "yes"),
        ("Is the person holding the umbrella?", "yes"),
        ("Is the dog not on the car?", "yes"),
        ("Is the dog between the car and the person?", "yes"),
        ("Is the dog on the right side of the picture?", "yes"),
        ("Which side is the cat on?", "left"),
        ("Where is the dog?", "bottom right"),
        ("Is it a cat or a bus?", "cat"),
        ("Is the cat to the left or to the right of the dog?", "left"),
        ("Is the cat on the left or on the right?", "left"),
        ("Which is bigger, the dog or the umbrella?", "umbrella"),
        ("Which is closer to the camera, the cat or the dog?", "dog"),
        ("What is on the car?", "cat"),
        ("What animal is on the car?", "cat"),
        ("Is the dog the lowest?", "yes"),
    ],
)
def test_boxes_alone_answer(question: str, expected: object) -> None:
    if question.startswith("What animal"):
        served = Capabilities(frozenset({"detector"}), tuple(COCO))
    else:
        served = DETECTOR
    assert answer(question, served) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Is the car red?", "yes"),
        ("Is the car blue?", "no"),
        ("Are all the cars red?", "no"),
        ("Is there a black cat?", "yes"),
        ("Is the cat black and sleeping?", "yes"),
        ("Is the red car left of the white car?", "yes"),
        ("Is the white car left of the red car?", "no"),
        ("How many white cars are there?", 1),
        ("Is the cat black or white?", "black"),
        ("What color is the dog?", "brown"),
        ("Do the dog and the cat have the same color?", "no"),
        ("Is the car that is under the cat red?", "yes"),
    ],
)
def test_a_matcher_tests_attributes(question: str, expected: object) -> None:
    assert answer(question, MATCHER) == expected


@pytest.mark.parametrize(
    ("expression", "box"),
    [
        ("dog", (70, 80, 80, 98)),
        ("left car", (10, 50, 50, 80)),
        ("car on the right", (60, 55, 95, 85)),
        ("second person from the left", (52, 45, 58, 80)),
        ("second person from the right", (52, 45, 58, 80)),
        ("the third person from the left", (84, 30, 92, 60)),
        ("rightmost person", (84, 30, 92, 60)),
        ("the biggest car", (10, 50, 50, 80)),
        ("the tallest person", (2, 40, 12, 90)),
        ("smaller car", (60, 55, 95, 85)),
        ("lady w/ umbrella", (84, 30, 92, 60)),
        ("the person nearest to the dog", (52, 45, 58, 80)),
        ("the car under the cat", (10, 50, 50, 80)),
        ("the car not under the cat", (60, 55, 95, 85)),
        ("the person not the closest to the dog", (2, 40, 12, 90)),
        ("bus", None),
        ("person left of the bus", None),
    ],
)
def test_boxes_alone_find_what_is_referred_to(expression: str, box: object) -> None:
    scene = Scene(STREET.things, kinds={"lady": "person"})
    assert referred(expression, scene=scene) == box


@pytest.mark.parametrize(
    ("expression", "box"),
    [
        ("white car", (60, 55, 95, 85)),
        ("the car that is not red", (60, 55, 95, 85)),
        ("the blue car", None),
        ("the person near the white car", (84, 30, 92, 60)),
    ],
)
def test_a_matcher_finds_by_attribute(expression: str, box: object) -> None:
    assert referred(expression, MATCHER) == box


def test_an_estimate_that_fits_none_ranks_by_distance() -> None:
    scene = Scene(
        [thing("cup", (0, 0, 5, 5)), thing("cup", (30, 0, 35, 5)), thing("book", (90, 0, 99, 9))]
    )
    assert referred("the cup next to the book", scene=scene) == (30, 0, 35, 5)


def test_depth_is_used_where_it_is_served() -> None:
    served = Capabilities(frozenset({"detector", "depth"}), tuple(COCO))
    program = write("Is the dog behind the cat?", served)
    assert "compute_depth" in program.source
    assert program.doubts == ()
    assert STREET.run(program) == "no"
    assert referred("the person closest to the camera", served) == (2, 40, 12, 90)


def test_geometry_in_place_of_depth_is_a_doubt() -> None:
    why = "judged from the boxes, since no depth model is served"
    assert write("Is the dog behind the cat?").doubts == (Doubt("behind the cat", why, "depth"),)
    closest = write("the person closest to the camera", task="grounding")
    assert closest.doubts == (Doubt("the nearest", why, "depth"),)


def test_conditions_that_nobody_can_test_are_left_out_and_doubts() -> None:
    program = write("the white car under the bridge", task="grounding")
    assert "white" not in program.source
    assert "bridge" not in program.source
    assert program.doubts == (
        Doubt("white car", "no matcher is served", "matcher"),
        Doubt(
            "under the bridge",
            "the detector does not know 'bridge', and no matcher is served",
            "matcher",
        ),
    )


def test_a_matcher_tests_in_words_what_cannot_be_detected() -> None:
    program = write("the white car under the bridge", MATCHER, "grounding")
    assert "verify_property('car', 'under the bridge')" in program.source
    assert program.doubts == ()


def test_an_undetectable_object_is_asked_for_all_the_same() -> None:
    assert "find('violin')" in write("Is there a violin?").source


def test_a_narrower_word_is_a_doubt_or_verified() -> None:
    why = "the detector knows person, but not woman"
    assert write("Is there a woman?").doubts == (Doubt("woman", why, "matcher"),)
    verified = write("Is there a woman?", MATCHER)
    assert verified.doubts == ()
    assert verified.notes == (why,)
    assert "find('person')" in verified.source
    assert "best_text_match(['woman', 'man']) == 'woman'" in verified.source


def test_an_answerer_verifies_a_narrower_word_where_there_is_no_matcher() -> None:
    served = Capabilities(frozenset({"detector", "answerer"}), tuple(COCO))
    program = write("How many women are there?", served)
    assert "simple_query('Is this person a woman?')" in program.source
    assert program.doubts == ()


def test_the_distance_is_to_the_object_itself_not_to_one_that_describes_it() -> None:
    program = write("the person next to the car near the dog", task="grounding")
    assert "distance(person, car) for car in cars" in program.source


def test_kinds_are_told_by_the_detector_where_it_knows_them() -> None:
    assert answer("Is the animal a cat?") == "yes"
    assert (
        answer("Is the animal a horse?", Capabilities(frozenset({"detector"}), (*COCO, "horse")))
        == "no"
    )


def test_wide_words_are_looked_for_by_their_members() -> None:
    program = write("Is there fruit?")
    assert "for name in ['banana', 'apple', 'orange']" in program.source
    assert Scene([thing("apple", (0, 0, 9, 9))]).run(program) == "yes"
    assert "find('fruit')" in write("Is there fruit?", EVERYTHING).source


def test_no_member_that_the_detector_knows_is_not_none_at_all() -> None:
    with pytest.raises(Ended, match=r"unsure.*knows banana, apple and orange only"):
        answer("Is there fruit?")
    (doubt,) = write("How many fruits are there?").doubts
    assert doubt == Doubt(
        "fruit", "of fruits, the detector knows banana, apple and orange only", "detector"
    )
    assert write("What is the biggest fruit?").doubts


@pytest.mark.parametrize("noun", ["ball", "table", "sign", "phone", "racket", "plant"])
def test_a_class_with_a_longer_name_is_not_what_its_last_word_names(noun: str) -> None:
    longer = ("sports ball", "dining table", "stop sign", "cell phone", "tennis racket")
    served = Capabilities(frozenset({"detector"}), (*longer, "potted plant"))
    for question in (f"Is there a {noun}?", f"How many {noun}s are there?"):
        program = write(question, served)
        assert [doubt.condition for doubt in program.doubts] == [noun]
        assert program.doubts[0].needs == "detector"


def test_words_that_add_something_unknown_are_a_doubt() -> None:
    program = write("Is she seen through a lamp?", EVERYTHING)
    assert program.unparsed == ("seen",)
    assert [doubt.condition for doubt in program.doubts] == ["seen"]


def test_answers_are_spelled_like_the_choices() -> None:
    assert answer("Is there a dog?", DETECTOR, "Yes", "No") == "Yes"
    assert answer("Is there a bus?", DETECTOR, "true", "false") == "false"
    assert answer("How many people are there?", DETECTOR, "1", "3") == "3"
    assert answer("Is it a cat or a bus?", DETECTOR, "Bus", "Cat") == "Cat"
    assert answer("What color is the dog?", MATCHER, "black", "brown") == "brown"
    assert answer("Which side is the cat on?", DETECTOR, "Right", "Left") == "Left"
    assert answer("Is it a couch or a car?", DETECTOR, "couch", "car") == "car"
    program = write("Is it a couch or a bus?", DETECTOR, "vqa", "couch", "bus", best_effort=True)
    assert STREET.run(program, best_effort=True) == "couch"


def test_a_number_that_is_no_choice_is_nobodys_answer_but_the_best_effort_is_near() -> None:
    with pytest.raises(Ended, match=r"unsure.*none of these: 1, 4"):
        answer("How many people are there?", DETECTOR, "1", "4")
    program = write("How many people are there?", DETECTOR, "vqa", "1", "4", best_effort=True)
    assert STREET.run(program, best_effort=True) == "4"


def test_the_answerer_is_asked_about_the_right_patch() -> None:
    scene = Scene(STREET.things, answers={"What is the person holding?": "an umbrella"})
    served = Capabilities(frozenset({"detector", "answerer"}))
    program = write("What is the person holding?", served)
    assert scene.run(program) == "an umbrella"
    assert "image_patch.find('person')" in program.source


def test_a_program_reads_like_one_written_by_hand() -> None:
    assert write("How many people are near the car?").source.splitlines()[-7:] == [
        "    image_patch = ImagePatch(image)",
        "    people = image_patch.find('person')",
        "    cars = image_patch.find('car')",
        "    if not cars:",
        "        absent('car')",
        "    people = [person for person in people if any(is_near(person, car) for car in cars)]",
        "    return len(people)",
    ]


def test_foreign_text_is_in_string_literals_only() -> None:
    program = write("Is there a traffic cone?", EVERYTHING)
    names = {node.id for node in ast.walk(ast.parse(program.source)) if isinstance(node, ast.Name)}
    assert names == {"ImagePatch", "image", "image_patch", "traffic_cones", "bool_to_yesno", "len"}


def test_programs_are_trusted_and_carry_their_generator() -> None:
    program = write("Is there a dog?")
    assert program.trusted
    assert (program.generator, program.answer_kind, program.unparsed) == ("grammar", "yesno", ())


@pytest.mark.photos
@pytest.mark.parametrize("name", ["blink_spatial_dev", "vsr_dev", "refcocos_dev"])
@pytest.mark.parametrize(
    "served", [DETECTOR, MATCHER, EVERYTHING], ids=["detector", "matcher", "all"]
)
def test_every_question_of_the_dev_sets_gives_a_program(
    photos: Path, name: str, served: Capabilities
) -> None:
    rows = [json.loads(line) for line in (photos / f"{name}.jsonl").read_text().splitlines()]
    for row in rows:
        write(row["query"], served, row["task"], *row.get("choices", ()))


def test_a_side_of_the_picture_is_not_a_side_of_what_the_other_option_is_on() -> None:
    assert "left_of" not in write("Is the cat on the left or on the car?").source
    assert "left_of" in write("Is the cat to the left or to the right of the car?").source
