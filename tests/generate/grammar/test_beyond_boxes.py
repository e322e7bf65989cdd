"""What boxes cannot show is tested in words or is in doubt; what they only estimate is remarked upon."""

from __future__ import annotations

import pytest

from tests.fakes.scene import Ended, Scene, thing
from viper.generate.grammar import parse, write_program
from viper.generate.grammar.writing.beyond_boxes import boxes_show_too_little
from viper.models.capabilities import Capabilities
from viper.programs.program import Program

CLASSES = ("person", "horse", "car", "bus", "dog", "cat", "cup", "bench", "bird", "elephant")
BOXES = Capabilities(frozenset({"detector"}), CLASSES)
MATCHER = Capabilities(frozenset({"detector", "matcher"}), CLASSES)
ANSWERER = Capabilities(frozenset({"detector", "answerer"}), CLASSES)


def write(question: str, served: Capabilities = BOXES, *, best_effort: bool = False) -> Program:
    return write_program(parse(question), served, "grammar", best_effort=best_effort)


@pytest.mark.parametrize(
    ("relation", "words", "noun", "other", "expected"),
    [
        ("on", "on", "person", "horse", True),
        ("on", "on", "man", "mountain bike", True),
        ("inside", "in", "dog", "car", True),
        ("on", "on", "person", "bench", False),
        ("on", "on", "cup", "car", False),
        ("on", "perched on", "bird", "bench", True),
        ("on", "sitting on", "bird", "bench", True),
        ("on", "sitting on", "cup", "bench", False),
        ("next_to", "parked next to", "car", "bus", True),
        ("covered_by", "covered by", "cat", "blanket", False),
        ("with", "having", "person", "handbag", False),
        ("touching", "touching", "person", "dog", True),
        ("touching", "against", "cup", "bench", False),
    ],
)
def test_boxes_show_no_riding_and_no_doing(
    relation: str, words: str, noun: str, other: str, expected: bool
) -> None:
    assert boxes_show_too_little(relation, words, noun, [other]) is expected


@pytest.mark.parametrize(
    "question",
    ["Is the cat on the bench?", "How many people are in the bench?", "Is the car under the cat?"],
)
def test_whether_somebody_is_on_a_thing_or_before_it_is_in_doubt_from_boxes_alone(
    question: str,
) -> None:
    assert [doubt.needs for doubt in write(question).doubts] == ["matcher"]
    assert write(question, MATCHER).doubts == ()


@pytest.mark.parametrize(
    ("left", "top", "place"),
    [(0, 0, "top left"), (45, 0, "top"), (45, 45, "center"), (90, 45, "right"), (90, 90, "bottom right")],
)  # fmt: skip
def test_a_place_is_a_third_of_the_picture(left: int, top: int, place: str) -> None:
    scene = Scene([thing("cat", (left, top, left + 10, top + 10))])
    assert scene.run(write("Where is the cat?")) == place


QUESTIONS = [
    "How many people are on horses?",
    "Is the dog in the car?",
    "What is the bird perched on?",
    "Is there a person touching the dog?",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_boxes_show_too_little_of_is_in_doubt(question: str) -> None:
    assert [doubt.needs for doubt in write(question).doubts] == ["matcher"]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("served", [MATCHER, ANSWERER], ids=["matcher", "answerer"])
def test_it_is_tested_in_words_where_somebody_can(question: str, served: Capabilities) -> None:
    if served is ANSWERER and question.startswith("What"):
        return  # the answerer is asked what it is
    program = write(question, served)
    assert program.doubts == ()
    assert "verify_property(" in program.source or "simple_query('Is this" in program.source


@pytest.mark.parametrize(
    ("question", "remark"),
    [
        ("Is the cup on the bench?", "on the bench: judged from boxes"),
        ("Is the dog next to the cat?", "next to the cat: judged from boxes"),
        ("Is the cup between the dog and the cat?", "between the dog and the cat: judged from boxes"),
        ("Is the dog bigger than the cat?", "bigger than the cat: judged from boxes"),
        ("Which dog is the biggest?", "the biggest: judged from boxes"),
    ],
)  # fmt: skip
def test_an_estimate_is_remarked_upon(question: str, remark: str) -> None:
    assert write(question).notes == (remark,)


@pytest.mark.parametrize("question", ["Is the dog left of the cat?", "How many dogs are there?"])
def test_what_boxes_define_needs_no_remark(question: str) -> None:
    assert write(question).notes == ()


def test_a_closed_detector_does_not_know_all_things() -> None:
    # It finds the biggest of its own kinds of things, not the biggest thing.
    for question in ("What is the biggest thing?", "How many things are on the bench?"):
        (doubt,) = write(question).doubts
        assert doubt.why == "of all things, the detector knows 10 kinds only"
    assert "10 kinds only" in write("What is left of the dog?").notes[0]


TWO_EACH = Scene(
    [
        thing("person", (0, 20, 10, 60)),
        thing("person", (15, 20, 25, 40)),
        thing("person", (80, 20, 90, 50)),
        thing("dog", (40, 20, 45, 25)),
    ]
)


def test_the_comparison_is_the_predicate_not_part_of_the_subject() -> None:
    form = parse("Is the person on the left taller than the person on the right?")
    assert str(form) == "some(person[at_left]: taller_than(person[at_right]))"
    form = parse("Is the person that is taller than the dog on the left?")
    assert str(form) == "some(person[taller_than(dog)]: at_left)"


def test_one_is_of_the_kind_of_the_subject() -> None:
    form = parse("Is the black dog bigger than the white one?")
    assert str(form) == "some(dog[black]: bigger_than(dog[white]))"


def test_of_several_that_differ_it_matters_who_is_meant() -> None:
    question = "Is the person on the left taller than the person on the right?"
    with pytest.raises(Ended, match="It depends on which person is meant"):
        TWO_EACH.run(write(question))
    assert TWO_EACH.run(write(question, best_effort=True), best_effort=True) == "yes"
    assert TWO_EACH.run(write("Is the person taller than the dog?")) == "yes"  # each of them is


@pytest.mark.parametrize(
    "question", ["Is the dog bigger than a cat?", "Is there a dog bigger than a cat?"]
)
def test_a_comparison_takes_the_other_for_granted_whatever_its_article(question: str) -> None:
    with pytest.raises(Ended, match="cat"):
        TWO_EACH.run(write(question))


HERD = Scene([thing("elephant", (0, 60, 40, 100)), thing("elephant", (80, 0, 90, 10))])


def test_which_one_is_answered_by_its_place() -> None:
    # "elephant" would say nothing.
    assert HERD.run(write("Which elephant is the smallest?")) in ("bottom right", "top right")


def test_several_are_in_several_places() -> None:
    assert " and " in HERD.run(write("Where are the elephants?"))
    with pytest.raises(Ended, match="It depends on which elephant is meant"):
        HERD.run(write("Where is the elephant?"))
    lenient = write("Where is the elephant?", best_effort=True)
    assert " and " not in HERD.run(lenient, best_effort=True)


@pytest.mark.parametrize(
    ("question", "form"),
    [
        ("How many people are in this photo", "count(person)"),
        ("What is in this picture?", "name(object)"),
        ("What objects are in this picture?", "name(object)"),
    ],
)
def test_what_is_in_the_picture_is_understood(question: str, form: str) -> None:
    assert str(parse(question)) == form


@pytest.mark.parametrize("question", ["What is in this picture?", "What animals are there?"])
def test_several_are_named_where_several_are_asked_for(question: str) -> None:
    scene = Scene(
        [thing("dog", (0, 0, 9, 9)), thing("cat", (20, 0, 29, 9)), thing("dog", (40, 0, 49, 9))]
    )
    assert scene.run(write(question)) == "cat, dog"


def test_a_detector_of_any_phrase_is_not_asked_what_an_object_is_called() -> None:
    # It would find an "object", and call it so.
    served = Capabilities(frozenset({"detector"}))
    assert "simple_query" in write("What is left of the dog?", served).source


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Are the people on the left?", None),  # two of three are
        ("Are the two people on the left?", None),  # there are three
        ("Are the people above the dog?", "no"),
        ("Are all the people on the left?", "no"),
    ],
)
def test_what_is_so_of_some_of_them_is_no_answer(question: str, answer: str | None) -> None:
    scene = Scene([*TWO_EACH.things[:3], thing("dog", (40, 0, 45, 5))])
    if answer is None:
        with pytest.raises(Ended):
            scene.run(write(question))
    else:
        assert scene.run(write(question)) == answer


def test_everyone_else_is_each_of_the_others() -> None:
    program = write("How many people are to the right of everyone else?")
    assert TWO_EACH.run(program) == 1
