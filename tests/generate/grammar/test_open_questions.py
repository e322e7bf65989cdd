"""Open questions end in one small question, and it is asked of the right patch."""

from __future__ import annotations

import pytest

from tests.fakes.scene import Ended, Patch, Scene, thing
from viper.generate.grammar import parse, write_program
from viper.models.capabilities import Capabilities

EVERYTHING = Capabilities.everything()
ATTIC = Scene(
    [
        thing("goat", (10, 40, 30, 70), "white", "small", "standing", score=0.8, depth=2),
        thing("goat", (70, 40, 95, 70), "brown", "large", "lying", score=0.7, depth=4),
        thing("bench", (5, 65, 40, 90), "wood", "brown", depth=3),
        thing("clown", (45, 30, 60, 90), "male", "old", depth=1),
        thing("lamp", (42, 0, 62, 20), "metal", "round", "brown", depth=5),
        thing("kettle", (50, 50, 58, 60), "metal", "round", "red", depth=1),
    ],
    kinds={"goat": "animal", "bench": "furniture", "clown": "person"},
)


def program(question: str, served: Capabilities = EVERYTHING, *choices: str) -> str:
    return write_program(parse(question, "vqa", choices), served, "grammar").source


def asked(question: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, object]:
    """Run a question's program; return what it asks the answerer at the end, and of which thing."""
    calls: list[tuple[str, object]] = []

    def simple_query(self: Patch, question: str = "What is this?") -> str:
        calls.append((question, self.thing.name if self.thing else self.edges))
        return "something"

    monkeypatch.setattr(Patch, "simple_query", simple_query)
    answer = ATTIC.run(write_program(parse(question), EVERYTHING, "grammar"))
    assert answer == "something"
    return calls[-1]


@pytest.mark.parametrize(
    ("question", "words", "of"),
    [
        ("What color is the kettle?", "What color is the kettle?", "kettle"),
        ("What is the clown holding?", "What is the clown holding?", "clown"),
        ("What is the goat on the bench doing?", "What is the goat doing?", "goat"),
        ("What animal is on the bench?", "What kind of animal is this?", "goat"),
        ("What piece of furniture is the goat on?", "What kind of furniture is this?", "bench"),
        ("What is to the right of the clown?", "What is this?", "goat"),
        ("What is the kettle made of?", "What is the kettle made of?", "kettle"),
        ("Who is old?", "Who is this?", "clown"),
        ("What is the large animal?", "What kind of animal is this?", "goat"),
    ],
)
def test_the_last_question_is_asked_of_the_patch_of_what_is_asked_about(
    question: str, words: str, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(question, monkeypatch) == (words, of)


def test_the_nearest_of_those_that_stand_in_the_relation_is_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Bench and first goat are both left of the clown; the bench is nearer to him.
    assert asked("What is to the left of the clown?", monkeypatch) == ("What is this?", "bench")


def test_where_something_is_is_asked_of_its_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    words, edges = asked("Where is the kettle?", monkeypatch)
    assert words == "Where is the kettle?"
    assert edges == (42, 30, 66, 60)  # left, lower, right, upper: as much again on each side


def test_the_surroundings_of_the_other_object_are_asked_where_nothing_was_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words, edges = asked("What animal is under the clown?", monkeypatch)
    assert words == "What animal is under the clown?"
    assert edges == (30, 0, 75, 100)  # the clown's patch, and as much again on each side


def test_the_picture_is_not_asked_in_place_of_what_was_not_found() -> None:
    program = write_program(parse("What animal is purple?"), EVERYTHING, "grammar")
    with pytest.raises(Ended) as ended:
        ATTIC.run(program)
    assert (ended.value.kind, ended.value.said) == ("absent", "purple animal")


def test_the_best_effort_asks_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, object]] = []
    monkeypatch.setattr(
        Patch, "simple_query", lambda self, words: calls.append((words, self.edges))
    )
    form = parse("What animal is purple?")
    program = write_program(form, EVERYTHING, "grammar", best_effort=True)
    ATTIC.run(program, best_effort=True)
    assert calls == [("What kind of animal is this?", (0, 0, 100, 100))]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How big is the brown goat?", "large"),
        ("How big is the white goat?", "small"),
        ("What do the clown and the kettle have in common?", "shape"),
        ("What do the bench and the lamp have in common?", "color"),
        ("What is common to the lamp and the kettle?", "material"),
        ("Which is older, the goat or the clown?", "clown"),
        ("Which is less old, the goat or the clown?", "goat"),
        ("Which animal is brown, the goat or the kettle?", "goat"),
        ("What kind of furniture is the goat on, a bench or a lamp?", "bench"),
        ("Which item is not red, the kettle or the bench?", "bench"),
        ("Is the goat behind or in front of the lamp?", "in front of"),
    ],
)
def test_answers_without_an_answerer_come_from_boxes_and_matches(
    question: str, answer: str
) -> None:
    scene = Scene([*ATTIC.things, thing("harp", (90, 90, 99, 99), "gold")])
    assert scene.run(write_program(parse(question), EVERYTHING, "grammar")) == answer


def test_whoever_is_asked_about_is_not_the_other_of_the_relation() -> None:
    source = program("Who is the woman following?")
    assert "woman != person" in source


def test_lists_have_names_that_one_would_write() -> None:
    for question, name in {
        "Are there knives?": "knives",
        "Are there geese?": "geese",
        "Are there buses?": "buses",
        "Is there furniture?": "furniture_patches",
        "Are the scissors open?": "scissors_patches",
    }.items():
        assert f"{name} = image_patch.find(" in program(question)


def test_choices_are_spelled_as_the_caller_does() -> None:
    source = program(
        "What do the lamp and the kettle have in common?", EVERYTHING, "The Color", "Material"
    )
    assert "return 'The Color'" in source
    assert "'color'" not in source


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Is the goat on the lamp or brown?", "brown"),
        ("Is a goat near a goat?", "no"),
        ("Are the goat and the goat the same color?", "no"),
        ("Are the clown and the goat near the lamp or red?", "no"),
        ("Are the clown and the kettle near the lamp or red?", "yes"),
    ],
)
def test_objects_are_tested_one_by_one_and_against_others_of_their_kind(
    question: str, answer: str
) -> None:
    assert ATTIC.run(write_program(parse(question), EVERYTHING, "grammar")) == answer
