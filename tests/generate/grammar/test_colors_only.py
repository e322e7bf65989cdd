"""Programs where the matcher knows colours only: colours are judged, all else is left out and said."""

from __future__ import annotations

import asyncio

import pytest

from viper import Engine
from viper.generate.generator import GenerationRequest
from viper.generate.grammar.generator import GrammarGenerator
from viper.models.capabilities import Capabilities

CLASSES = ("person", "car", "bus", "handbag", "suitcase")
COLORS_ONLY = Capabilities(frozenset({"detector", "matcher"}), CLASSES, frozenset({"color"}))


def write(question, task="vqa", capabilities=COLORS_ONLY):
    request = GenerationRequest(question, task, (), capabilities)
    (program,) = asyncio.run(GrammarGenerator().generate([request]))
    return program


def test_a_colour_is_asked_of_the_matcher_and_said_to_be_judged_from_pixels():
    program = write("Is the bus red?")
    assert "verify_property('bus', 'red')" in program.source
    assert program.notes == ("red bus: judged from pixels",)
    assert program.doubts == ()


def test_what_is_no_colour_is_left_out():
    program = write("Is there an old car?")
    assert "verify_property" not in program.source
    assert [doubt.condition for doubt in program.doubts] == ["old car"]


@pytest.mark.parametrize("question", ["the solid-colored car", "the multicolored car"])
def test_a_word_of_colour_that_names_none_is_left_out(question):
    program = write(question, "grounding")
    assert "verify_property" not in program.source
    assert "best_image_match" not in program.source


def test_a_colour_is_chosen_among_the_basic_ones():
    assert "best_text_match(['black', 'white'" in write("What color is the bus?").source


def test_in_an_expression_a_colour_prefers_the_candidate_that_has_most_of_it():
    program = write("the white car", "grounding")
    assert "best_image_match(cars, 'car white')" in program.source


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("the person wearing a red top", "person wearing the red top"),
        ("person in blue jeans", "person in the blue jeans"),
        ("the person wearing white", "person wearing white"),
    ],
)
def test_the_colour_of_clothes_that_cannot_be_detected_is_looked_for_on_the_person(question, words):
    program = write(question, "grounding")
    assert f"best_image_match(people, {words!r})" in program.source
    # Anything on the person may have that color.
    assert [doubt.needs for doubt in program.doubts] == ["matcher"]


def test_the_place_decides_between_candidates_of_the_colour():
    source = write("left man in blue jeans", "grounding").source
    assert "verify_property('man', 'in the blue jeans')] or men" in source


def test_an_answerer_is_asked_rather_than_pixels():
    roles = frozenset({"detector", "matcher", "answerer"})
    source = write(
        "Is the bus red?", capabilities=Capabilities(roles, CLASSES, frozenset({"color"}))
    ).source
    assert "simple_query" in source
    assert "verify_property" not in source


def test_an_engine_knows_what_its_matcher_judges():
    with Engine("none", backends={"matcher": "colors"}) as engine:
        assert engine.capabilities().judged == {"color"}
    with Engine("builtin") as engine:
        assert engine.capabilities().judged is None


@pytest.mark.parametrize(
    ("question", "remark"),
    [
        ("What color is the bus?", "color of the bus: judged from pixels"),
        ("Is the bus red or blue?", "bus, red or blue: judged from pixels"),
        ("Is the car the same color as the bus?", "color of the car: judged from pixels"),
    ],
)
def test_every_question_for_a_colour_says_that_it_is_judged_from_pixels(question, remark):
    program = write(question)
    assert program.notes == (remark,)
    assert program.doubts == ()


@pytest.mark.parametrize("question", ["Is the light red?", "What color is the light?"])
def test_a_lamp_that_is_lit_has_few_pixels(question):
    program = write(
        question, capabilities=Capabilities(COLORS_ONLY.roles, ("light",), COLORS_ONLY.judged)
    )
    assert [doubt.needs for doubt in program.doubts] == ["matcher"]


def test_a_matcher_of_any_text_is_trusted_with_colours():
    served = Capabilities(COLORS_ONLY.roles, CLASSES)
    assert write("What color is the bus?", capabilities=served).notes == ()
