"""The built-in answerer refuses a question that is longer than any it was trained for."""

import pytest

from viper.builtin import questions

LONG = [
    "what color is the " + "red " * 1_000 + "cube?",
    "how many " + "small " * 500 + "balls are there?",
    "what is the shape of the " + "large " * 300 + "thing?",
    "what kind of " + "metal " * 200 + "thing is it?",
    "what size is the " + "shiny " * 60_000 + "object?",
]


@pytest.mark.parametrize("question", LONG, ids=lambda question: question[:12])
def test_a_long_question_has_no_kind(question, monkeypatch):
    assert questions.kind_of_question(question) is None
    monkeypatch.setattr(questions, "_MOST_CHARACTERS", 10**9)  # the control
    assert questions.kind_of_question(
        question[:2_000].rpartition(" ")[0] + " cube"
    ) is not None or (questions.kind_of_question(question) is not None)


def test_a_question_of_the_training_has_one():
    assert questions.kind_of_question("What color is the small metal cube?") == "color"
