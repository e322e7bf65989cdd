"""What a question takes for granted and is not there ends its program, by name; what it asks for does not."""

from __future__ import annotations

import pytest

from tests.fakes.scene import Ended, Scene, thing
from viper.generate.grammar import parse, write_program
from viper.models.capabilities import Capabilities

EVERYTHING = Capabilities.everything()
CLASSES = (
    "person",
    "car",
    "dog",
    "cup",
    "knife",
    "apple",
    "banana",
    "umbrella",
    "couch",
    "elephant",
)
BOXES = Capabilities(frozenset({"detector"}), CLASSES)

# A blue car, a dog on its right, a cup and a person; no second thing of a kind.
YARD = Scene(
    [
        thing("car", (0, 40, 40, 80), "blue"),
        thing("dog", (60, 60, 75, 80), "brown"),
        thing("cup", (80, 10, 85, 20), "red"),
        thing("person", (45, 20, 55, 80)),
    ],
    answers={},
)


def ended(question: str, served: Capabilities = EVERYTHING, *choices: str) -> tuple[str, str]:
    """Return how the program of a question ends without an answer."""
    program = write_program(parse(question, "vqa", choices), served, "grammar")
    with pytest.raises(Ended) as end:
        YARD.run(program)
    return end.value.kind, end.value.said


def answered(
    question: str, served: Capabilities = EVERYTHING, *, best_effort: bool = False
) -> object:
    program = write_program(parse(question), served, "grammar", best_effort=best_effort)
    return YARD.run(program, best_effort=best_effort)


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What color is the elephant?", "elephant"),
        ("How big is the elephant?", "elephant"),
        ("What is the elephant doing?", "elephant"),
        ("What color is the tallest elephant?", "elephant"),
        ("Which elephant is the biggest?", "elephant"),
        ("Where is the elephant?", "elephant"),
        ("Which side is the elephant on?", "elephant"),
        ("Is the knife below the cup?", "knife"),
        ("Is the cup above the knife?", "knife"),
        ("The cup is above the knife.", "knife"),
        ("Is his knife sharp?", "knife"),
        ("Is the knife not sharp?", "knife"),
        ("Is the knife sharp or blunt?", "knife"),
        ("Is the cup left or right of the knife?", "knife"),
        ("Is the knife on the left or on the car?", "knife"),
        ("Is the knife the biggest?", "knife"),
        ("Is the red car the biggest?", "red car"),
        ("Is the red knife the biggest?", "knife"),
        ("What color is the red car?", "red car"),
        ("What color is the big blue car left of the red cup?", "big blue car left of the red cup"),
        ("What color is the second car from the left?", "second car from the left"),
        ("What is left of the elephant?", "elephant"),
        ("What is the elephant holding?", "elephant"),
        ("Who is holding the umbrella?", "umbrella"),
        ("What is the color of the thing that is left of the knife?", "knife"),
        ("What color is the dog that is left of the car?", "dog left of the car"),
        ("Do the cup and the plate have the same color?", "plate"),
        ("Is the cup the same color as the plate?", "plate"),
        ("What do the cup and the plate have in common?", "plate"),
        ("Are the dogs the same color?", "second dog"),
        ("Are all the knives red?", "knife"),
        ("Are all of the knives red?", "knife"),
        ("Are any of the knives red?", "knife"),
        ("Is every knife red?", "knife"),
        ("Is the cup left of all the knives?", "knife"),
        ("Which is bigger, the apple or the banana?", "apple"),
        ("Which is bigger, the cup or the banana?", "banana"),
        ("Which is closer to the camera, the dog or the banana?", "banana"),
        ("Which is older, the person or the elephant?", "elephant"),
        ("Which is on the car, the cup or the knife?", "knife"),
        ("Is it a knife or a banana?", "knife or banana"),
        ("How many cups are on the couch?", "couch"),
        ("Is there a cup on the couch?", "couch"),
        ("Is there a cup that is not on the couch?", "couch"),
        ("Is a dog on the couch?", "couch"),
        ("Are there more cups on the couch than dogs?", "couch"),
        ("There is a knife; what color is it?", "knife"),
        ("Are both the knife and the cup red?", "knife"),
    ],
)  # fmt: skip
def test_what_is_taken_for_granted_is_named_where_it_is_not_there(question: str, name: str) -> None:
    assert ended(question) == ("absent", name)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Is there an elephant?", "no"),
        ("Is there a red car?", "no"),
        ("Are there no elephants?", "yes"),
        ("How many elephants are there?", 0),
        ("How many red cars are there?", 0),
        ("How many of the cups are blue?", 0),
        ("Are there more elephants than dogs?", "no"),
        ("Is the elephant in the picture?", "no"),
        ("Is an elephant near the car?", "no"),
        ("Is anyone holding an umbrella?", "no"),
        ("Is there a dog on a couch?", "no"),
        ("Is it an elephant?", "no"),
        ("Is there a knife or a dog?", "yes"),
        ("Is it a knife or a dog?", "dog"),
        ("Is the dog right of the car?", "yes"),
    ],
)
def test_existence_and_number_take_nothing_for_granted(question: str, answer: object) -> None:
    assert answered(question) == answer


def test_the_last_option_is_not_the_answer_because_the_others_do_not_hold() -> None:
    question = "Is the dog left of the car or on the couch?"
    assert ended(question) == ("absent", "dog left or on the couch")
    assert answered(question, best_effort=True) == "on the couch"


def test_the_name_is_the_users_own_word() -> None:
    served = Capabilities(frozenset({"detector", "matcher"}), CLASSES)
    assert ended("Is the kitten black?", Capabilities(served.roles, ("cat",))) == (
        "absent",
        "kitten",
    )
    assert ended("Is the pachyderm gray?") == ("absent", "pachyderm")


def test_a_closed_vocabulary_cannot_say_that_nothing_is_there() -> None:
    kind, said = ended("What is right of the dog?", Capabilities(BOXES.roles, ("dog", "car")))
    assert (kind, said) == (
        "unsure",
        "None of the 2 kinds of objects that the detector knows was found right of the dog.",
    )
    # People are what it knows, so that nobody is there is something that it has seen.
    assert answered("Who is right of the dog?", BOXES) == "nobody"


def test_an_answer_that_names_no_option_is_no_answer() -> None:
    served = Capabilities(frozenset({"detector", "answerer"}))
    assert ended("Is the dog black or white?", served)[0] == "unsure"
    assert ended("Is it sunny or cloudy?", served)[0] == "unsure"
    assert answered("Is the dog black or white?", served, best_effort=True) == "black"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Is the knife below the cup?", "no"),
        ("Are all the knives red?", "no"),
        ("Which is bigger, the cup or the banana?", "cup"),
        ("What is right of the cup?", "nothing"),
        ("How many cups are on the couch?", 0),
        ("Do the cup and the plate have the same color?", "no"),
    ],
)
def test_the_best_effort_goes_on(question: str, answer: object) -> None:
    served = Capabilities(
        frozenset({"detector", "matcher"}), ("dog", "knife", "cup", "couch", "banana")
    )
    assert answered(question, served, best_effort=True) == answer


def test_each_thing_is_missed_once() -> None:
    form = parse("Are the cup and the dog near the knife?")
    source = write_program(form, EVERYTHING, "grammar").source
    assert source.count("absent('knife')") == 1


@pytest.mark.parametrize(
    "expression", ["the cup next to the elephant", "person left of the bus", "dog near elephant"]
)
def test_an_expression_about_what_is_not_there_fits_nothing(expression: str) -> None:
    form = parse(expression, "grounding")
    assert YARD.run(write_program(form, EVERYTHING, "grammar")) is None


def test_the_best_effort_finds_something_all_the_same() -> None:
    form = parse("the cup next to the elephant", "grounding")
    program = write_program(form, EVERYTHING, "grammar", best_effort=True)
    assert YARD.run(program, best_effort=True) == YARD.things[2]


def test_an_expression_may_deny_what_is_not_there() -> None:
    form = parse("the person without an umbrella", "grounding")
    assert YARD.run(write_program(form, EVERYTHING, "grammar")) == YARD.things[3]


@pytest.mark.parametrize(("left", "found"), [(44, True), (30, False)])
def test_an_object_taken_for_granted_may_be_slightly_off_its_side(left: int, found: bool) -> None:
    scene = Scene([thing("car", (40, 0, 60, 20)), thing("cup", (left, 30, left + 10, 40), "red")])
    form = parse("Is the cup right of the car red?")
    program = write_program(form, EVERYTHING, "grammar")
    if found:
        assert scene.run(program) == "yes"
        # With best effort it is the same object, and no doubt: `absent` is not called.
        program = write_program(form, EVERYTHING, "grammar", best_effort=True)
        assert scene.run(program) == "yes"
    else:
        with pytest.raises(Ended, match="cup right of the car"):
            scene.run(program)
    counted = write_program(parse("How many cups are right of the car?"), EVERYTHING, "grammar")
    assert scene.run(counted) == 0


@pytest.mark.parametrize(
    ("question", "doubted"),
    [
        ("What is the person cooking with?", True),
        ("What is the person jumping over?", True),
        ("What is the car parked next to?", True),
        ("What is the person near?", False),
        ("What is left of the dog?", False),
    ],
)
def test_boxes_do_not_show_what_somebody_does_with_a_thing(question: str, doubted: bool) -> None:
    program = write_program(parse(question), BOXES, "grammar")
    assert bool(program.doubts) is doubted
    assert all(doubt.needs == "matcher" for doubt in program.doubts)
