"""Conditions and objects are named to the user in the user's own words."""

from __future__ import annotations

import pytest

from viper.generate.grammar import parse, write_program
from viper.generate.grammar.logical_form import Count
from viper.generate.grammar.writing.saying import name_of
from viper.models.capabilities import Capabilities
from viper.programs.program import Doubt, Program

CLASSES = ("person", "car", "dog", "cup", "umbrella", "bus", "dining table", "sports ball")
BOXES = Capabilities(frozenset({"detector"}), CLASSES)
MATCHER = Capabilities(frozenset({"detector", "matcher"}), CLASSES)
ANSWERER = Capabilities(frozenset({"detector", "answerer"}), CLASSES)
NO_MATCHER = "no matcher is served"


def write(
    question: str, served: Capabilities = BOXES, task: str = "vqa", *, best_effort: bool = False
) -> Program:
    form = parse(question, task)  # type: ignore[arg-type]
    return write_program(form, served, "grammar", best_effort=best_effort)


@pytest.mark.parametrize(
    "name",
    [
        "red cup",
        "small red cup on the table",
        "person wearing a red hat",
        "person wearing red hats",
        "person holding two umbrellas",
        "cup that is not on the table",
        "cup left of all the plates",
        "second cup from the left",
        "leftmost cup",
        "cup that the man is holding",
        "person next to an umbrella",
        "oldest person",
        "most expensive cup",
    ],
)
def test_a_name_is_said_as_it_was(name: str) -> None:
    query = parse(
        f"How many {name.replace('cup', 'cups', 1).replace('person', 'people', 1)} are there?"
    ).query
    assert isinstance(query, Count)
    assert name_of(query.what) == name


@pytest.mark.parametrize(
    ("question", "condition", "needs"),
    [
        ("Is anyone wearing a hat?", "wearing a hat", "matcher"),
        ("How many people are wearing red shirts?", "wearing red shirts", "matcher"),
        ("Is the person holding the umbrella?", "holding the umbrella", "matcher"),
        ("Are all the cups red?", "red cup", "matcher"),
        ("How many sleeping dogs are there?", "dog sleeping", "matcher"),
        ("Is the dog asleep?", "asleep dog", "matcher"),
        ("Is the car under the bridge?", "under the bridge", "matcher"),
        ("How many men are there?", "man", "matcher"),
        ("Is the dog behind the car?", "behind the car", "depth"),
        ("Which dog is the nearest?", "the nearest", "depth"),
        ("What color is the dog nearest to the tree?", "dog nearest to the tree", "detector"),
        ("What color is the oldest person?", "the oldest person", "matcher"),
        ("Is there a dog in the background?", "in the background", ""),
        ("Is there a ball?", "ball", "detector"),
        ("How many vehicles are there?", "vehicle", "detector"),
        ("Is there a cup of the same color as the tree?", "of the same color as the tree", "detector"),
        ("Is the person facing the car?", "facing the car", "matcher"),
        ("Is the person looking at the dog?", "looking at the dog", "matcher"),
    ],
)  # fmt: skip
def test_what_a_detector_alone_cannot_test_is_a_doubt(
    question: str, condition: str, needs: str
) -> None:
    doubts = [doubt for doubt in write(question).doubts if doubt.condition == condition]
    assert [doubt.needs for doubt in doubts] == [needs], write(question).doubts


@pytest.mark.parametrize(
    "question",
    [
        "How many people are there?",
        "Is there a dog left of the car?",
        "Is the cup on the car?",
        "Is the dog bigger than the cup?",
        "Is the dog near the car?",
        "Is the dog between the car and the cup?",
        "Which is bigger, the dog or the cup?",
        "Which side is the dog on?",
        "What is left of the dog?",
        "What vehicle is left of the dog?",
        "Is there a vehicle?",
        "Who is left of the dog?",
    ],
)
def test_what_boxes_define_is_no_doubt(question: str) -> None:
    assert write(question).doubts == ()


def test_a_remark_says_how_a_word_was_read() -> None:
    program = write("the big car", task="grounding")
    assert program.doubts == ()
    assert program.notes == ("'big' is judged among the candidates",)


@pytest.mark.parametrize("served", [MATCHER, ANSWERER], ids=["matcher", "answerer"])
def test_what_people_do_is_tested_by_boxes_and_in_words(served: Capabilities) -> None:
    program = write("Is the person holding the umbrella?", served)
    assert program.doubts == ()
    assert "gap(person, umbrella) < 0.1" in program.source
    assert "holding the umbrella" in program.source


def test_the_best_effort_leaves_it_to_the_boxes() -> None:
    program = write("Is the person holding the umbrella?", MATCHER, best_effort=True)
    why = "judged from the boxes alone"
    assert program.doubts == (Doubt("holding the umbrella", why, "matcher"),)
    assert "verify_property" not in program.source


def test_the_question_itself_is_written_in_either_mode() -> None:
    for question in ("Is anyone wearing a hat?", "Is the dog near the car?"):
        strict, lenient = write(question), write(question, best_effort=True)
        assert strict.doubts == lenient.doubts
        assert strict.source == lenient.source


@pytest.mark.parametrize("expression", ["all cars", "the cars", "every car", "cars", "each car"])
def test_an_expression_in_the_plural_means_all(expression: str) -> None:
    program = write(expression, task="grounding")
    assert program.source.endswith("return cars\n")
    assert program.doubts == ()


def test_of_several_each_must_fit() -> None:
    strict = write("the cars next to the bus", task="grounding")
    assert "fitting_cars or cars" not in strict.source
    lenient = write("the cars next to the bus", task="grounding", best_effort=True)
    assert "fitting_cars or cars" in lenient.source
    assert "[car for car in cars if car.horizontal_center" in (
        write("the cars on the left", task="grounding").source
    )
