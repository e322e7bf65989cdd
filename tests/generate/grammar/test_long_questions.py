"""The work of parsing a question of the greatest length is bounded, however its words repeat."""

import contextlib

import pytest

from viper.errors import GenerationError
from viper.generate.grammar.parse import parse
from viper.generate.grammar.reading import chart, phrases
from viper.generate.grammar.reading.units import UnitChart
from viper.generate.grammar.vocabulary.tokens import MAX_CHARACTERS


def steps(question, monkeypatch):
    """Return how many words were looked at as the beginning of a compound."""
    count = 0
    original = UnitChart.compound

    def counted(self, at):
        nonlocal count
        count += 1
        return original(self, at)

    with monkeypatch.context() as patch:
        patch.setattr(UnitChart, "compound", counted)
        with contextlib.suppress(GenerationError, RecursionError):
            parse(question)
    return count


REPEATED = {
    "colors": "How many {} cubes are there?",
    "a statement": "There is a {} cube.",
    "a color": "What color is the {} cube?",
    "two nouns": "Is the {} cube left of the ball?",
    "a comparison": "Are there more {} cubes than balls?",
}


@pytest.mark.parametrize("question", REPEATED.values(), ids=REPEATED)
def test_the_steps_do_not_grow_with_the_square_of_the_adjectives(question, monkeypatch):
    few, many = (steps(question.format("red " * n), monkeypatch) for n in (34, 68))
    assert many < 2.8 * few
    monkeypatch.setattr(phrases, "_MOST_MODIFIERS", 10**9)  # the control
    monkeypatch.setattr(chart, "_MOST_STEPS", 10**9)
    few, many = (steps(question.format("red " * n), monkeypatch) for n in (34, 68))
    assert many > 3.2 * few


@pytest.mark.parametrize("question", ["x" * 1_001, "why " * 1_000, "red " * 300, "?" * 2_000])
def test_a_question_beyond_the_limits_of_the_grammar_is_refused_at_once(question, monkeypatch):
    assert steps(question, monkeypatch) == 0
    with pytest.raises(GenerationError) as refused:
        parse(question)
    assert len(str(refused.value)) < 500
    assert len(question) > MAX_CHARACTERS


def test_many_modifiers_are_read():
    many = "big old shiny round striped wooden red clean open ripe wet"
    assert parse(f"How many {many} cubes are there?").query
