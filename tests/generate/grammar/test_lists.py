"""Things in a row: words before the first noun and conditions behind the last may belong to all."""

from __future__ import annotations

import pytest

from tests.fakes.scene import Scene, thing
from viper.generate.grammar import parse, write_program
from viper.models.capabilities import Capabilities

MEANINGS = {
    "Is there a purple lamp or vase?": "(exists(lamp[purple])) or (exists(vase[purple]))",
    "Are there tiny spoons or forks?": "(exists(spoon[tiny])) or (exists(fork[tiny]))",
    "Are there any cloth hats, bags or tents?": (
        "(exists(hat[cloth])) or (exists(bag[cloth])) or (exists(tent[cloth]))"
    ),
    "Is there a purple lamp or a vase?": "(exists(lamp[purple])) or (exists(vase))",
    "Do you see a purple lamp or a wooden vase?": (
        "(exists(lamp[purple])) or (exists(vase[wooden]))"
    ),
    "Is there a stool or a shelf that is made of metal?": (
        "(exists(stool[metal])) or (exists(shelf[metal]))"
    ),
    "Are there either ducks or geese that are not white?": (
        "(exists(duck[not white])) or (exists(goose[not white]))"
    ),
    "Is there a duck on the boat or a goose on the lawn?": (
        "(exists(duck[on(boat)])) or (exists(goose[on(lawn)]))"
    ),
    "Is there a duck that is white but no goose?": (
        "(exists(duck[white])) and (not (exists(goose)))"
    ),
    "Are there both paper kites and drums?": "(exists(kite[paper])) and (exists(drum))",
    "Do you see both kites and drums?": "(exists(kite)) and (exists(drum))",
    "Is it a hockey or soccer match?": "choose_object(hockey match | soccer match)",
    "Is it a duck or a rubber boot?": "choose_object(duck | boot[rubber])",
}


@pytest.mark.parametrize("question", MEANINGS)
def test_what_a_list_says_of_all_goes_to_each(question: str) -> None:
    assert str(parse(question)) == MEANINGS[question]


def test_things_that_share_a_head_are_named_by_what_stands_before_it() -> None:
    program = write_program(
        parse("Is she a hockey or soccer player?"), Capabilities.everything(), "grammar"
    )
    scene = Scene([thing("soccer player", (0, 0, 10, 10))])
    assert scene.run(program) == "soccer"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Is there a purple lamp or vase?", "no"),
        ("Is there a green lamp or vase?", "yes"),
        ("Is there a purple lamp or a vase?", "yes"),
        ("Are there lamps or vases that are green?", "yes"),
        ("Are there lamps or vases that are purple?", "no"),
    ],
)
def test_each_thing_of_a_list_is_tested(question: str, answer: str) -> None:
    scene = Scene([thing("vase", (0, 0, 10, 10), "green"), thing("lamp", (20, 0, 30, 10), "white")])
    program = write_program(parse(question), Capabilities.everything(), "grammar")
    assert scene.run(program) == answer
