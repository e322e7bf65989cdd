"""Which object a referring expression finds on drawn scenes, and when it says that there is none."""

from __future__ import annotations

import pytest

from tests.fakes.scene import Scene, thing
from viper.generate.generator import GenerationRequest
from viper.generate.grammar import GrammarGenerator
from viper.models.capabilities import Capabilities

CLASSES = ("person", "car", "dog", "cup", "bench")
BOXES = Capabilities(frozenset({"detector"}), CLASSES)
MATCHER = Capabilities(frozenset({"detector", "matcher"}), CLASSES)
OPEN = Capabilities.everything()

# A class photograph: three in front, two behind; boxes are (x1, y1, x2, y2), y downwards.
FRONT = [thing("person", (x, 60, x + 10, 90)) for x in (20, 45, 70)]
BACK = [thing("person", (x, 20, x + 8, 45), "wearing glasses") for x in (35, 60)]
GROUP = Scene([*BACK, *FRONT])
# Cups around a table, at the hours 12, 3, 6 and 9; the last is cut off by the edge.
CUPS = {
    12: (45, 5, 55, 15),
    3: (85, 45, 95, 55),
    6: (45, 80, 55, 90),
    9: (0, 45, 8, 55),
}
TABLE = Scene([thing("cup", box, score=0.9 - hour / 100) for hour, box in CUPS.items()])
CARS = Scene(
    [
        thing("car", (5, 40, 45, 70), "red", "dirty"),
        thing("car", (50, 45, 70, 65), "blue", "open"),
        thing("car", (75, 45, 98, 68), "blue"),
        thing("bench", (76, 46, 98, 68)),
    ]
)


def found(scene: Scene, expression: str, served: Capabilities = BOXES) -> object:
    request = GenerationRequest(expression, "grounding", (), served)
    shown = scene.run(GrammarGenerator().write(request))
    return None if shown is None else shown.box_xyxy  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("expression", "box"),
    [
        ("back row left", BACK[0].box_xyxy),
        ("front row, second from left", FRONT[1].box_xyxy),
        ("person in the second row on the right", BACK[1].box_xyxy),
        ("last person in front row", FRONT[2].box_xyxy),
        ("person in the top right corner", BACK[1].box_xyxy),
        ("bottom left person", FRONT[0].box_xyxy),
        ("person in left third", FRONT[0].box_xyxy),
        ("person in the top half on the right", BACK[1].box_xyxy),
        ("the rightmost of the five people", FRONT[2].box_xyxy),
    ],
)
def test_rows_corners_and_shares_of_the_picture(expression: str, box: object) -> None:
    assert found(GROUP, expression) == box


@pytest.mark.parametrize("hour", CUPS)
def test_the_clock_points(hour: int) -> None:
    assert found(TABLE, f"cup at {hour} o'clock") == CUPS[hour]


@pytest.mark.parametrize(
    ("expression", "hour"),
    [
        ("cup cut off by the edge", 9),
        ("cup closest to the right edge", 3),
        ("cup farthest from the left edge", 3),
        ("topmost cup", 12),
        ("lowest of the four cups", 6),
    ],
)
def test_edges(expression: str, hour: int) -> None:
    assert found(TABLE, expression) == CUPS[hour]


def test_one_of_several_is_chosen_from_the_surest() -> None:
    assert found(TABLE, "the upper of the two cups") == CUPS[3]


@pytest.mark.parametrize("expression", ["green car", "the green car on the left", "red bench"])
def test_nothing_fits_where_a_matcher_can_tell(expression: str) -> None:
    assert found(CARS, expression, MATCHER) is None


@pytest.mark.parametrize("expression", ["dog", "left dog", "dog looking down", "2nd dog from left"])
def test_nothing_fits_where_nothing_is_found(expression: str) -> None:
    assert found(CARS, expression, MATCHER) is None


def test_nothing_fits_where_the_rank_or_the_share_is_empty() -> None:
    assert found(CARS, "fifth car from the left") is None
    assert found(CARS, "car in the top third") is None
    assert found(CARS, "not a car") != CARS.things[0].box_xyxy


@pytest.mark.parametrize(
    ("expression", "box"),
    [
        ("car with the door open", (50, 45, 70, 65)),
        ("dirty car", (5, 40, 45, 70)),
        ("rightmost car parked sideways", (75, 45, 98, 68)),
        ("blue car on the right with its lights on", (75, 45, 98, 68)),
    ],
)
def test_phrases_prefer_and_never_leave_nothing(expression: str, box: object) -> None:
    assert found(CARS, expression, MATCHER) == box


def test_another_kind_of_object_is_left_out_where_both_searches_find_it() -> None:
    assert found(CARS, "blue car not the bench", MATCHER) == (50, 45, 70, 65)
    assert found(CARS, "car on the right, not the bench") == (50, 45, 70, 65)


def test_the_excluded_place_is_one_candidate() -> None:
    assert found(CARS, "not the left one, second from right") != (5, 40, 45, 70)


def test_big_is_bigger_than_the_others() -> None:
    assert found(CARS, "big car") == (5, 40, 45, 70)
    assert found(CARS, "the small car") == (50, 45, 70, 65)


def test_without_a_noun_people_are_looked_for_first() -> None:
    scene = Scene([*CARS.things, thing("person", (40, 30, 44, 60))])
    assert found(scene, "far left", OPEN) == (40, 30, 44, 60)
    assert found(scene, "the one on the far left", OPEN) == (5, 40, 45, 70)
    assert found(CARS, "far left", OPEN) == (5, 40, 45, 70)


def test_clothes_that_a_detector_does_not_know_are_found_on_people() -> None:
    request = GenerationRequest("blue shirt on the left", "grounding", (), BOXES)
    program = GrammarGenerator().write(request)
    assert "find('person')" in program.source
    assert program.doubts[0].condition == "blue shirt at the left"
    assert "does not know 'shirt'" in program.doubts[0].why
    assert found(GROUP, "blue shirt on the left") == FRONT[0].box_xyxy


def test_other_people_are_not_the_person_itself() -> None:
    man = thing("man", (10, 10, 30, 90))
    beside = [thing("person", (x, 10, x + 18, 90)) for x in (32, 52)]
    himself = thing("person", (10, 10, 30, 90))
    request = GenerationRequest("a man next to two other people", "grounding", (), OPEN)
    program = GrammarGenerator().write(request)
    assert "sum(distance(man, person) > -0.5 and" in program.source
    fits = [line for line in program.source.splitlines() if "fitting_men = " in line]
    assert len(fits) == 1
    assert Scene([man, himself, *beside]).run(program) == man
