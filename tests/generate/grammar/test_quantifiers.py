"""Of how many objects something is said: "all of the cups", "any of the cups", "left of every cup"."""

from __future__ import annotations

import pytest

from tests.fakes.scene import Scene, thing
from viper.generate.grammar import parse, write_program
from viper.models.capabilities import Capabilities

MEANINGS = {
    "Are all of the cups red?": "every(cup: red)",
    "Are any of the cups red?": "some(cup: red)",
    "Is one of the cups red?": "some(cup: red)",
    "How many of the cups are red?": "count(cup[red])",
    "Is the plate left of all the cups?": "some(plate: left_of(every cup))",
    "How many plates are left of every red cup?": "count(plate[left_of(every cup[red])])",
    "Is the plate left of the cups?": "some(plate: left_of(cup))",
    "Are there exactly two red cups?": "count(cup[red]) == 2",
    "Is there only one cup?": "count(cup) == 1",
}
SHELF = Scene(
    [
        thing("plate", (0, 0, 10, 10)),
        thing("cup", (20, 0, 30, 10), "red"),
        thing("plate", (40, 0, 50, 10)),
        thing("cup", (60, 0, 70, 10), "blue"),
    ]
)


@pytest.mark.parametrize("question", MEANINGS)
def test_a_quantity_has_this_meaning(question: str) -> None:
    assert str(parse(question)) == MEANINGS[question]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many plates are left of a cup?", 2),
        ("How many plates are left of all the cups?", 1),
        ("How many cups are right of every plate?", 1),
        ("Is there a cup left of all the other cups?", "yes"),
        ("Is there a red cup right of all the other cups?", "no"),
        ("Are all of the cups red?", "no"),
        ("Are any of the cups red?", "yes"),
        ("How many of the cups are blue?", 1),
    ],
)
def test_programs_ask_of_one_or_of_all(question: str, expected: object) -> None:
    program = write_program(parse(question), Capabilities.everything(), "grammar")
    assert SHELF.run(program) == expected
