"""The shipped answerer, on pictures that no part of it was trained on."""

from __future__ import annotations

import pytest

from viper.builtin import answerer
from viper.builtin.graphs import GRAPHS
from viper.builtin.language import LANGUAGE_GRAPH, TOKENIZER
from viper.builtin.loading import SHIPPED
from viper.errors import ConfigError, ModelError
from viper.models.roles import AnswerRequest

WITHOUT_END = (
    '{"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}'
)


@pytest.fixture(scope="module")
def speaks():
    return answerer.load("", {})


def ask(speaks, pairs):
    return [said.text for said in speaks.answer([AnswerRequest(*pair) for pair in pairs])]


@pytest.mark.parametrize(
    ("question", "attribute"),
    [
        ("What color is the object?", "color"),
        ("What shape is it?", "shape"),
        ("What is this made of?", "material"),
        ("How big is the thing?", "size"),
    ],
)
def test_questions_about_a_thing_are_answered_right(speaks, pictures, question, attribute):
    views = [(s.view(n), t[attribute]) for s in pictures for n, t in enumerate(s.objects)]
    said = ask(speaks, [(view, question) for view, _ in views])
    right = sum(answer == value for answer, (_, value) in zip(said, views, strict=True))
    assert right >= 0.9 * len(views)


def test_a_thing_is_called_by_all_that_it_is(speaks, pictures):
    views = [(s.view(n), t) for s in pictures for n, t in enumerate(s.objects)]
    said = ask(speaks, [(view, "What is this?") for view, _ in views])
    names = [f"{t['size']} {t['color']} {t['material']} {t['shape']}" for _, t in views]
    assert sum(map(str.__eq__, said, names)) >= 0.85 * len(names)


def test_things_in_a_whole_picture_are_counted_about_right(speaks, pictures):
    said = ask(speaks, [(s.whole, "How many things are there?") for s in pictures])
    off = [abs(int(text) - len(s.objects)) for text, s in zip(said, pictures, strict=True)]
    assert sum(off) / len(off) <= 1.5


def test_an_answer_does_not_depend_on_the_questions_beside_it(speaks, pictures):
    pairs = [
        (pictures[0].view(0), "What color is it?"),
        (pictures[1].view(0), "What is the small red metal thing made of?"),
        (pictures[1].whole, "How many things are there?"),
    ]
    assert ask(speaks, pairs) == [ask(speaks, [pair])[0] for pair in pairs]
    assert speaks.answer([]) == []


@pytest.mark.parametrize("question", ["What color is the dog?", "Is it red?", "Who is this?"])
def test_what_it_was_not_trained_for_is_an_error_that_says_what_it_can(speaks, pictures, question):
    known = AnswerRequest(pictures[0].view(0), "What color is it?")
    strange, answer = speaks.answer([AnswerRequest(pictures[0].view(0), question), known])
    assert isinstance(strange, ModelError)
    assert "The built-in answerer can be asked: what is this" in str(strange)
    assert "viper models pull small" in str(strange)
    assert not isinstance(answer, ModelError)


def test_a_picture_of_another_kind_is_doubted(speaks, pictures, strange):
    assert speaks.doubt(pictures[0].image) is None
    assert speaks.doubt(strange)


def test_a_folder_without_a_language_model_is_refused(tmp_path):
    for name in GRAPHS:
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    with pytest.raises(ConfigError, match=r"There is no file '.*language\.onnx'"):
        answerer.load(str(tmp_path), {})
    (tmp_path / LANGUAGE_GRAPH).write_bytes((SHIPPED / LANGUAGE_GRAPH).read_bytes())
    for text, complaint in (("{", "no tokenizer:"), (WITHOUT_END, "no tokenizer with '<end>'")):
        (tmp_path / TOKENIZER).write_text(text)
        with pytest.raises(ConfigError, match=complaint):
            answerer.load(str(tmp_path), {})
