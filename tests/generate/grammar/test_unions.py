"""Unions: "either red cubes or small balls"."""

from __future__ import annotations

import pytest

from tests.fakes.scene import Scene, thing
from viper.generate.grammar import parse, write_program
from viper.models.capabilities import Capabilities

MEANINGS = {
    "How many things are red cubes or small balls?": (
        "count(object[one_of(cube[red] | ball[small])])"
    ),
    "How many shiny things are either cubes or large balls?": (
        "count(object[shiny, one_of(cube | ball[large])])"
    ),
    "How many things are balls that are behind the cube or big things left of the cone?": (
        "count(object[one_of(ball[behind(cube)] | object[big, left_of(cone)])])"
    ),
    "How many things are cubes, balls or red cones?": (
        "count(object[one_of(cube | ball | cone[red])])"
    ),
    "Are there any things that are either red cubes or small balls?": (
        "exists(object[one_of(cube[red] | ball[small])])"
    ),
    "How many cups are red or blue?": "count(cup[(red or blue)])",
}


@pytest.mark.parametrize("question", MEANINGS)
def test_a_union_has_this_meaning(question: str) -> None:
    assert str(parse(question)) == MEANINGS[question]


ROOM = Scene(
    [
        thing("cup", (0, 0, 10, 10), "red", "big", "cup"),
        thing("cup", (20, 0, 30, 10), "blue", "big", "cup"),
        thing("plate", (40, 0, 50, 10), "red", "plate"),
        thing("plate", (60, 0, 70, 10), "blue", "plate"),
        thing("fork", (80, 0, 90, 10), "silver"),
    ]
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many things are cups or forks?", 3),
        ("How many things are red cups or blue plates?", 2),
        ("How many red things are cups or plates?", 2),
        ("How many cups are red things or big things?", 2),
        ("How many things are cups, red cups or big cups?", 2),
        ("How many plates are cups or red plates?", 1),
        ("How many things are cups left of the fork or plates right of the fork?", 2),
        ("Are there any red things that are either forks or plates?", "yes"),
        ("Are there any red things that are either forks or spoons?", "no"),
    ],
)
def test_objects_of_a_union_count_once(question: str, expected: object) -> None:
    program = write_program(parse(question), Capabilities.everything(), "grammar")
    assert ROOM.run(program) == expected


def test_an_alternative_is_looked_for_under_the_conditions_of_the_head() -> None:
    program = write_program(
        parse("How many red things are cups or big plates?"), Capabilities.everything(), "grammar"
    )
    assert program.source.splitlines()[2:] == [
        "    cups = image_patch.find('cup')",
        "    cups = [cup for cup in cups if cup.verify_property('cup', 'red')]",
        "    plates = image_patch.find('plate')",
        "    plates = [plate for plate in plates if plate.verify_property('plate', 'red')]",
        "    plates = [plate for plate in plates if plate.verify_property('plate', 'big')]",
        "    matching_things = cups + [plate for plate in plates if plate not in cups]",
        "    return len(matching_things)",
    ]


def test_what_is_excepted_is_left_out() -> None:
    assert str(parse("How many things other than the red cup are red?")) == (
        "count(object[not one_of(cup[red]), red])"
    )
    program = write_program(
        parse("How many things other than the red cup are red?"),
        Capabilities.everything(),
        "grammar",
    )
    assert ROOM.run(program) == 1
