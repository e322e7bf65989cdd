"""Every worked example runs in the jail, on a scene for each answer that it may give."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from fakes.scene import Scene, thing
from fakes.scripted_scene import ScriptedScene
from viper.generate import examples
from viper.generate.examples import Example, choose_examples, load_examples
from viper.generate.generator import GenerationRequest
from viper.models.capabilities import Capabilities
from viper.programs.api_spec import load_spec
from viper_sandbox import Jail, PatchRef, Request

API = load_spec().to_wire()


def picture(*attributes):
    return thing("picture", (0, 0, 100, 100), *attributes)


# A box is (x1, y1, x2, y2) with its origin top left, in a picture of 100 by 100 pixels.
L, M, R = (5, 40, 25, 60), (40, 40, 60, 60), (75, 40, 95, 60)
TOP, BOTTOM = (40, 5, 60, 25), (40, 75, 60, 95)


def scene(*things, answers=None, kinds=None):
    return Scene(list(things), answers=answers or {}, kinds=kinds or {})


class Absent(str):
    """The name of what an example says that it did not find."""


class Unsure(str):
    """Why an example says that it cannot tell."""


PORTRAYED = {
    "How many people are wearing a hat?": [
        (scene(thing("person", L, "wearing a hat"), thing("person", M)), 1),
        (scene(), 0),
    ],
    "How many chairs are next to the table?": [
        (
            scene(
                thing("dining table", M),
                thing("chair", (62, 40, 72, 60)),
                thing("chair", (0, 0, 9, 9)),
            ),
            1,
        ),
        (scene(thing("chair", M)), Absent("table")),
    ],
    "How many cups are on the table, not counting the white ones?": [
        (
            scene(
                thing("table", (0, 50, 100, 100)),
                thing("cup", (10, 40, 20, 60), "white"),
                thing("cup", (30, 40, 40, 60)),
                thing("cup", (60, 0, 70, 10)),
            ),
            1,
        ),
        (scene(thing("cup", M)), Absent("table")),
    ],
    "Are there more cups than bowls?": [
        (scene(thing("cup", L), thing("cup", M), thing("bowl", R)), "yes"),
        (scene(thing("bowl", R)), "no"),
    ],
    "Is there a dog to the left of the bicycle?": [
        (scene(thing("dog", L), thing("bicycle", R)), "yes"),
        (scene(thing("dog", R), thing("bicycle", L)), "no"),
        (scene(thing("dog", R)), Absent("bicycle")),
    ],
    "Are there both a cat and a couch in the picture?": [
        (scene(thing("cat", L), thing("couch", R)), "yes"),
        (scene(thing("cat", L)), "no"),
    ],
    "Do you see any trucks or white buses?": [
        (scene(thing("truck", L)), "yes"),
        (scene(thing("bus", L, "white")), "yes"),
        (scene(thing("bus", L, "red")), "no"),
    ],
    "Are there any bags in the photo that are not black?": [
        (scene(thing("bag", L, "black"), thing("bag", R, "red")), "yes"),
        (scene(thing("bag", L, "black")), "no"),
        (scene(), "no"),
    ],
    "Does the shirt of the boy look blue?": [
        (
            scene(
                thing("boy", (50, 0, 100, 100)),
                thing("shirt", R, "blue"),
                thing("shirt", L, "red", score=0.95),
            ),
            "yes",
        ),
        (
            scene(thing("boy", (50, 0, 100, 100)), thing("shirt", L, "blue")),
            Absent("shirt of the boy"),
        ),
        (scene(thing("shirt", L, "blue")), Absent("boy")),
    ],
    "Are the curtains long and white?": [
        (scene(thing("curtain", M, "long", "white")), "yes"),
        (scene(thing("curtain", M, "white")), "no"),
        (scene(), Absent("curtain")),
    ],
    "Are all the chairs white?": [
        (scene(thing("chair", L, "white"), thing("chair", R, "white")), "yes"),
        (scene(thing("chair", L, "white"), thing("chair", R)), "no"),
        (scene(), Absent("chair")),
    ],
    "Is this a wooden bench?": [
        (scene(thing("bench", M, "wooden")), "yes"),
        (scene(thing("bench", M)), "no"),
    ],
    "Are both the shelf and the door made of wood?": [
        (scene(thing("shelf", L, "made of wood"), thing("door", R, "made of wood")), "yes"),
        (scene(thing("shelf", L, "made of wood"), thing("door", R)), "no"),
        (scene(thing("shelf", L, "made of wood")), Absent("door")),
    ],
    "What is the fence behind the horse made of?": [
        (
            scene(thing("fence", R, "metal"), thing("fence", L, "wood"), thing("horse", M)),
            "metal",
        ),
        (scene(thing("fence", M, "metal")), Absent("horse")),
    ],
    "What color is the car on the right?": [
        (scene(thing("car", L, "blue"), thing("car", R, "red")), "red"),
        (scene(picture("red")), Absent("car")),
    ],
    "Is the umbrella open or closed?": [
        (scene(thing("umbrella", M, "closed")), "closed"),
        (scene(picture("open")), Absent("umbrella")),
    ],
    "How tall is the tree near the house?": [
        (scene(thing("tree", L, "tall"), thing("tree", R, "short"), thing("house", M)), "tall"),
        (
            scene(
                thing("tree", L, "tall"),
                thing("tree", R, "short"),
                thing("house", (62, 40, 74, 60)),
            ),
            "short",
        ),
    ],
    "Is the small dog lying or standing?": [
        (scene(thing("dog", L, "standing"), thing("dog", R, "small", "lying")), "lying"),
        (scene(thing("dog", L, "standing")), Absent("small dog")),
        (scene(), Absent("dog")),
    ],
    "Is the bottle on top of the table or under it?": [
        (scene(thing("bottle", TOP), thing("dining table", M)), "on top"),
        (scene(thing("bottle", BOTTOM), thing("dining table", M)), "under"),
        (scene(thing("bottle", BOTTOM)), Absent("table")),
    ],
    "Is the lamp to the left or to the right of the bed?": [
        (scene(thing("lamp", L), thing("bed", M)), "left"),
        (scene(thing("lamp", R), thing("bed", M)), "right"),
        (scene(thing("lamp", R)), Absent("bed")),
    ],
    "On which side of the picture is the woman in red?": [
        (scene(thing("woman", L), thing("woman", R, "dressed in red")), "right"),
        (scene(thing("woman", L, "dressed in red"), thing("woman", R)), "left"),
        (scene(thing("woman", L)), Absent("woman in red")),
    ],
    "Is the bird in the top part of the picture?": [
        (scene(thing("bird", TOP)), "yes"),
        (scene(thing("bird", BOTTOM)), "no"),
        (scene(), Absent("bird")),
    ],
    "Is the chair closer to the camera than the person?": [
        (scene(thing("chair", L, depth=1), thing("person", R, depth=2)), "yes"),
        (scene(thing("chair", L, depth=3), thing("person", R, depth=2)), "no"),
        (scene(thing("chair", L)), Absent("person")),
    ],
    "The cat is sitting on the chair.": [
        (scene(thing("cat", (42, 30, 58, 50), "sitting"), thing("chair", M)), "yes"),
        (scene(thing("cat", L, "sitting"), thing("chair", M)), "no"),
        (scene(thing("cat", (42, 30, 58, 50)), thing("chair", M)), "no"),
        (scene(thing("cat", L, "sitting")), Absent("chair")),
        (scene(thing("chair", M)), Absent("cat")),
    ],
    "Do the hat and the shirt have the same color?": [
        (scene(thing("hat", TOP, "gray"), thing("shirt", M, "gray")), "yes"),
        (scene(thing("hat", TOP, "gray"), thing("shirt", M, "pink")), "no"),
        (scene(thing("hat", TOP, "gray")), Absent("shirt")),
    ],
    "Are the animals of different kinds?": [
        (scene(thing("cow", L), thing("cow", R), kinds={"cow": "animal"}), "no"),
        (
            scene(thing("cow", L), thing("pig", R), kinds={"cow": "animal", "pig": "animal"}),
            "yes",
        ),
        (scene(thing("cow", L), kinds={"cow": "animal"}), Absent("second animal")),
    ],
    "What do the plate and the spoon have in common?": [
        (scene(thing("plate", L, "white"), thing("spoon", R, "white")), "color"),
        (
            scene(thing("plate", L, "white", "metal"), thing("spoon", R, "gray", "metal")),
            "material",
        ),
        (
            scene(thing("plate", L, "white", "paper"), thing("spoon", R, "gray", "metal")),
            Unsure("The plate and the spoon have neither color nor material in common."),
        ),
    ],
    "Which is larger, the bus or the car?": [
        (scene(thing("bus", (0, 0, 50, 50)), thing("car", R)), "bus"),
        (scene(thing("car", R)), Absent("bus")),
    ],
    "Who is holding the umbrella?": [
        (
            scene(
                thing("person", L, "woman", "holding an umbrella"),
                thing("person", R, "man"),
                thing("umbrella", (5, 20, 25, 38)),
            ),
            "woman",
        ),
        (
            scene(thing("person", R, "man"), thing("umbrella", L)),
            Absent("person holding the umbrella"),
        ),
    ],
    "What is the man on the left holding?": [
        (scene(thing("man", L), answers={"What is the man holding?": "racket"}), "racket"),
        (scene(picture(), answers={"What is the man holding?": "racket"}), Absent("man")),
    ],
    "What are the people in front of the bus doing?": [
        (
            scene(
                thing("person", L),
                thing("bus", M),
                answers={"What is the person doing?": "waiting"},
            ),
            "waiting",
        ),
        (scene(thing("person", L)), Absent("bus")),
    ],
    "What kind of animal is standing on the grass?": [
        (
            scene(
                thing("dog", L),
                thing("sheep", R, "standing"),
                kinds={"dog": "animal", "sheep": "animal"},
            ),
            "sheep",
        ),
        (scene(thing("dog", L), kinds={"dog": "animal"}), Absent("standing animal")),
    ],
    "Which piece of furniture is right of the bed, the desk or the chair?": [
        (scene(thing("bed", M), thing("desk", R), thing("chair", L)), "desk"),
        (scene(thing("bed", M), thing("desk", L), thing("chair", R)), "chair"),
        (
            scene(thing("bed", M), thing("desk", L)),
            Unsure("Neither a desk nor a chair was found right of the bed."),
        ),
    ],
    "What is the word on the sign above the door?": [
        (
            scene(
                thing("sign", TOP),
                thing("door", M),
                answers={"What is written on the sign?": "exit"},
            ),
            "exit",
        ),
        (scene(thing("sign", BOTTOM), thing("door", M)), Absent("sign above the door")),
    ],
    "What is the weather like?": [
        (scene(picture(), answers={"What is the weather like?": "sunny"}), "sunny"),
    ],
    "Was this picture taken indoors or outdoors?": [
        (scene(picture("outdoors")), "outdoors"),
        (scene(picture("indoors")), "indoors"),
    ],
    "Is the speed limit on the sign higher than 50?": [
        (scene(answers={"Which speed limit does the sign show?": "60 km/h"}), "yes"),
        (scene(answers={"Which speed limit does the sign show?": "thirty"}), "no"),
    ],
    "In which country was the company that made this truck founded?": [
        (
            scene(
                thing("truck", M),
                answers={
                    "Which brand is this truck?": "volvo",
                    "In which country was the company volvo founded?": "sweden",
                },
            ),
            "sweden",
        ),
        (scene(picture()), Absent("truck")),
    ],
    "the second person from the left": [
        (scene(thing("person", R), thing("person", L), thing("person", M)), M),
        (scene(thing("person", R)), None),
    ],
    "biggest bottle": [
        (scene(thing("bottle", L), thing("bottle", (40, 0, 90, 90))), (40, 0, 90, 90)),
        (scene(), None),
    ],
    "the cup to the right of the laptop": [
        (scene(thing("cup", L), thing("cup", R), thing("laptop", M)), R),
        (scene(thing("cup", L), thing("laptop", M)), None),
        (scene(thing("cup", R)), None),
    ],
    "man in a red jacket": [
        (scene(thing("man", L, "blue jacket"), thing("man", R, "red jacket")), R),
        (scene(), None),
    ],
    "the dog closest to the camera": [
        (scene(thing("dog", L, depth=3), thing("dog", R, depth=2)), R),
        (scene(), None),
    ],
    "the child who is sitting on the bench": [
        (
            scene(
                thing("child", L, "sitting"),
                thing("child", (42, 30, 50, 50)),
                thing("child", (52, 30, 59, 50), "sitting"),
                thing("bench", M),
            ),
            (52, 30, 59, 50),
        ),
        (scene(thing("child", L, "sitting"), thing("bench", M)), None),
    ],
    "guy far right": [
        (scene(thing("man", R), thing("man", L), thing("man", M)), R),
        (scene(), None),
    ],
    "left kid blue shirt": [
        (
            scene(
                thing("child", L),
                thing("child", M, "wearing a blue shirt"),
                thing("child", R, "wearing a blue shirt"),
            ),
            M,
        ),
        (scene(thing("child", L), thing("child", R)), L),
    ],
    "top left donut": [
        (
            scene(thing("donut", R), thing("donut", (5, 5, 25, 25)), thing("donut", BOTTOM)),
            (5, 5, 25, 25),
        ),
        (scene(), None),
    ],
    "zebra in the middle": [
        (scene(thing("zebra", L), thing("zebra", M), thing("zebra", R)), M),
        (scene(), None),
    ],
    "third book from right, lower shelf": [
        (
            scene(
                *(thing("book", (x, 70, x + 9, 90)) for x in (10, 30, 50, 70)),
                *(thing("book", (x, 10, x + 9, 30)) for x in (60, 80)),
            ),
            (30, 70, 39, 90),
        ),
        (scene(thing("book", BOTTOM)), None),
    ],
    "the woman who is not holding an umbrella": [
        (
            scene(thing("woman", L), thing("umbrella", (5, 30, 25, 45)), thing("woman", R)),
            R,
        ),
        (scene(thing("woman", L), thing("umbrella", (5, 30, 25, 45))), None),
    ],
    "white car behind the bus": [
        (
            scene(
                thing("car", L, "white", depth=1),
                thing("car", R, "white", depth=3),
                thing("car", TOP, depth=4),
                thing("bus", M, depth=2),
            ),
            R,
        ),
        (scene(thing("car", L, depth=3), thing("bus", M, depth=2)), None),
        (scene(thing("car", L, "white", depth=3)), None),
    ],
    "person between the two horses": [
        (
            scene(
                thing("horse", R),
                thing("horse", L),
                thing("person", M),
                thing("person", (97, 0, 99, 9), score=0.95),
            ),
            M,
        ),
        (scene(thing("horse", R), thing("horse", L)), None),
        (scene(thing("horse", L), thing("person", R)), None),
    ],
    "bag next to the tallest person": [
        (
            scene(
                thing("person", L),
                thing("person", (60, 10, 80, 90)),
                thing("bag", (82, 80, 90, 90)),
                thing("bag", (27, 50, 30, 60)),
            ),
            (82, 80, 90, 90),
        ),
        (scene(thing("bag", L)), None),
    ],
    "all the sheep that are lying down": [
        (
            scene(
                thing("sheep", L, "lying down"),
                thing("sheep", M),
                thing("sheep", R, "lying down", score=0.8),
            ),
            [L, R],
        ),
        (scene(), []),
    ],
}


ENDS = {"absent": Absent, "unsure": Unsure}


@pytest.fixture(scope="module")
def run():
    """Run a program on a scene, in the jail; boxes stand for patches."""
    with asyncio.Runner() as runner:

        async def opened():
            return Jail()

        jail = runner.run(opened())

        def run(program, shown):
            host = ScriptedScene(shown)
            request = Request(program, API, host.image, (100, 100))
            result = runner.run(jail.run(request, host, least_level="partial"))
            if result.failure is not None and result.failure.kind in ENDS:
                return ENDS[result.failure.kind](result.failure.message)
            assert result.failure is None, result.failure
            return _plain(result.value)

        yield run
        runner.run(jail.close())


def _plain(value):
    if isinstance(value, PatchRef):
        return tuple(round(edge) for edge in value.box_xyxy)
    return [_plain(item) for item in value] if isinstance(value, list) else value


def test_every_example_has_scenes_and_every_scene_an_example():
    assert [example.question for example in load_examples()] == list(PORTRAYED)


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.question)
def test_an_example_gives_the_right_answer(example, run):
    for shown, expected in PORTRAYED[example.question]:
        answer = run(example.program, shown)
        assert answer == expected
        assert type(answer) is type(expected)


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.question)
def test_no_example_asks_the_whole_image_in_place_of_what_it_did_not_find(example):
    assert "else image_patch" not in example.program


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.question)
def test_an_example_is_short_and_reads_well(example):
    lines = example.program.splitlines()
    assert lines[0] == "def execute_command(image):"
    assert len(lines) <= 16
    assert max(map(len, lines)) <= 100


# -- the choice


def chosen(question, task="vqa", most=3, **options):
    request = GenerationRequest(question, task, **options)
    return [example.question for example in choose_examples(request, most)]


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.question)
def test_an_example_is_the_most_similar_one_to_its_own_question(example):
    assert chosen(example.question, example.task)[-1] == example.question


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many sheep are wearing a bell?", "How many people are wearing a hat?"),
        ("Is there any truck that is not green?", "Are there any bags in the photo that are not black?"),
        ("Does the fork have the same color as the knife?", "Do the hat and the shirt have the same color?"),
        ("What colour is the boat on the left?", "What color is the car on the right?"),
        ("Which side of the image is the boat on?", "On which side of the picture is the woman in red?"),
        ("Is the picture indoors?", "Was this picture taken indoors or outdoors?"),
        ("Are these animals of the same species?", "Are the animals of different kinds?"),
        ("Is the window made of wood?", "Are both the shelf and the door made of wood?"),
        ("Are there fewer forks than knives?", "Are there more cups than bowls?"),
        ("Which one is smaller, the cat or the dog?", "Which is larger, the bus or the car?"),
        ("What is the girl doing?", "What are the people in front of the bus doing?"),
    ],
)  # fmt: skip
def test_the_frame_of_a_question_counts_more_than_its_things(question, expected):
    assert chosen(question)[-1] == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("third giraffe from the right", "third book from right, lower shelf"),
        ("smallest boat", "biggest bottle"),
        ("lady not carrying a bag", "the woman who is not holding an umbrella"),
        ("boy who sits on the wall", "the child who is sitting on the bench"),
        ("cow nearest to the camera", "the dog closest to the camera"),
    ],
)
def test_expressions_are_compared_in_the_same_way(expression, expected):
    assert expected in chosen(expression, "grounding")


def test_words_are_compared_by_their_base_forms():
    assert chosen("men in red jackets", "grounding")[-1] == "man in a red jacket"


def test_a_question_unlike_all_others_still_gets_examples():
    assert len(chosen("qwertz uiop", most=6)) == 6
    assert len(chosen("¿?", most=6)) == 6


def test_no_more_are_chosen_than_are_asked_for_or_there_are():
    assert chosen("How many cups are there?", most=0) == []
    known = Capabilities(frozenset({"detector"}), ("cup", "bowl"))
    assert chosen("How many cups?", capabilities=known, most=6) == [
        "Are there more cups than bowls?"
    ]


def test_similarity_is_a_number_from_0_to_1_and_symmetric():
    weights = examples._weights("vqa")
    features = [examples._features(example.question) for example in load_examples()]
    for a, b in pairwise(features):
        similarity = examples._similarity(a, b, weights)
        assert 0 <= similarity < 1
        assert similarity == examples._similarity(b, a, weights)
        assert examples._similarity(a, a, weights) in (0, 1)


def test_examples_without_a_served_role_are_left_out():
    served = Capabilities(frozenset({"detector", "matcher"}))
    request = GenerationRequest("What is the man holding?", capabilities=served)
    found: list[Example] = choose_examples(request, 100)
    assert found
    assert all(example.roles <= served.roles for example in found)


def test_a_matcher_that_knows_colours_only_is_shown_in_no_example():
    limited = Capabilities(frozenset({"detector", "matcher"}), judged=frozenset({"color"}))
    request = GenerationRequest("Is there a person wearing a hat?", "vqa", (), limited)
    for example in choose_examples(request, 99):
        assert "matcher" not in example.roles
