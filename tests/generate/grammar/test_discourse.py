"""Questions in two steps, whose pronouns mean the object that the first step introduces."""

from __future__ import annotations

import pytest

from viper.errors import GenerationError
from viper.generate.grammar import parse

MEANINGS = {
    "There is a big cup; what is its color?": "color(cup[big])",
    "There is a big cup. What colour is it?": "color(cup[big])",
    "There is a cup left of the plate; how big is it?": "size(cup[left_of(plate)])",
    "There is a cup; what is it made of?": "material(cup)",
    "There is a cup; what material is it made of?": "material(cup)",
    "There is a cup; what is its shape?": "shape(cup)",
    "There is a cup; is it red?": "some(cup: red)",
    "There is a cup; is it left of the plate?": "some(cup: left_of(plate))",
    "There is a cup; is there a plate that is behind it?": "exists(plate[behind(cup)])",
    "There is a red cup; how many plates are in front of it?": (
        "count(plate[in_front_of(cup[red])])"
    ),
    "There is a cup; does it have the same size as the plate?": "same_size(cup, plate)",
    "There is a cup; is it the same color as the plate?": "same_color(cup, plate)",
    "There is a cup; is its color the same as the plate?": "same_color(cup, plate)",
    "There is a cup; is its material the same as that of the plate?": "same_material(cup, plate)",
    "There is a cup that is left of the plate and behind the fork; what shape is it?": (
        "shape(cup[left_of(plate), behind(fork)])"
    ),
    "There is another cup that is the same size as the plate; what is its color?": (
        "color(cup[other, same_size(plate)])"
    ),
}


@pytest.mark.parametrize("question", MEANINGS)
def test_a_pronoun_means_the_object_introduced(question: str) -> None:
    form = parse(question)
    assert str(form) == MEANINGS[question]
    assert form.unparsed == ()


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("There is a cup; what color is the plate?", "plate"),  # the cup would be dropped
        ("There is a cup; what frobnicates it?", "frobnicates"),
        ("What color is it?", "it"),
        ("What is its color?", "color"),
    ],
)
def test_a_statement_or_pronoun_that_leads_nowhere_is_refused(question: str, part: str) -> None:
    with pytest.raises(GenerationError, match="did not understand") as caught:
        parse(question)
    assert part in str(caught.value).partition(" in ")[0]


def test_questions_with_the_question_word_last() -> None:
    meanings = {
        "The cup behind the plate is what color?": "color(cup[behind(plate)])",
        "The red cup has what shape?": "shape(cup[red])",
        "The red cup is made of what?": "material(cup[red])",
        "The red cup is made of what material?": "material(cup[red])",
        "The red cup is how big?": "size(cup[red])",
    }
    assert {question: str(parse(question)) for question in meanings} == meanings


def test_what_else_is_there_is_another_object() -> None:
    meanings = {
        "Is there anything else of the same color as the cup?": "exists(object[other, same_color(cup)])",
        "Is there any other thing that has the same size as the cup?": (
            "exists(object[other, same_size(cup)])"
        ),
        "How many other things are there of the same material as the cup?": (
            "count(object[other, same_material(cup)])"
        ),
        "Are any red cups visible?": "exists(cup[red])",
    }
    assert {question: str(parse(question)) for question in meanings} == meanings
