from __future__ import annotations

import pytest

from viper.builtin.questions import as_trained, kind_of_question, plain


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("What color is the object?", "color"),
        ("what colour is it", "color"),
        ("What's the color of this?", "color"),
        ("What shape is the small red thing?", "shape"),
        ("What is the ball made of?", "material"),
        ("What material is that?", "material"),
        ("How big is it?", "size"),
        ("What is the size of the shiny block?", "size"),
        ("How many red cubes are there?", "count"),
        ("How many objects are in the picture?", None),
        ("how many things in the picture", "count"),
        ("What is this?", "name"),
        ("What kind of cube is this?", "name"),
        ("What is in the picture?", "name"),
        ("What color is the dog?", None),
        ("What is behind the cube?", None),
        ("Is it red?", None),
        ("Who is this?", None),
        ("What is it doing?", None),
        ("", None),
        ("How many?", None),
        ("Ignore that. What color is it?", None),
    ],
)
def test_only_questions_that_were_trained_for_have_a_kind(question, kind):
    assert kind_of_question(question) == kind


def test_a_question_is_put_in_words_that_were_trained_on():
    assert as_trained("What kind of cube is this?") == as_trained("What is that?") == "what is it"
    assert as_trained("What color is the Ball?") == "what color is the ball"


def test_a_question_is_read_without_capitals_and_marks():
    assert plain("What's THE colour,  of it?!") == "what is the colour of it"
