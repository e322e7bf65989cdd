from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.builtin.questions import kind_of_question
from viper.builtin.train.captions import random_object
from viper.builtin.train.language import new_tokenizer, train_language
from viper.builtin.train.texts import MAX_OBJECTS, answer_to, description, question_about
from viper.limber.prompt import prefix_of

CUBE = {"size": "small", "color": "red", "material": "metal", "shape": "cube"}
BALL = {"size": "large", "color": "red", "material": "rubber", "shape": "sphere"}


@given(st.integers(0, 2**32), st.integers(1, MAX_OBJECTS))
def test_every_text_is_in_words_and_forms_that_the_answerer_knows(seed: int, count: int) -> None:
    rng = random.Random(seed)
    objects = [random_object(rng) for _ in range(count)]
    question, answer = question_about(objects, rng)
    assert kind_of_question(question) is not None
    tokenizer = new_tokenizer()
    text = f"{description(objects, rng)} {prefix_of(question)} {answer}"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.unk_token_id not in ids
    assert len(ids) < 160


@pytest.mark.parametrize(
    ("kind", "objects", "conditions", "answer"),
    [
        ("color", [CUBE], None, "red"),
        ("name", [CUBE], None, "small red metal cube"),
        ("name", [CUBE, BALL], None, "2 things"),
        ("count", [CUBE, BALL], {"color": "red"}, "2"),
        ("count", [CUBE, BALL], {"color": "red", "shape": "sphere"}, "1"),
        ("count", [CUBE, BALL], {"color": "blue"}, "0"),
        ("count", [CUBE], {}, "1"),
    ],
)
def test_answers_say_what_is_true(kind, objects, conditions, answer) -> None:
    assert answer_to(kind, objects, conditions) == answer


def test_an_answer_is_read_back_as_it_was_written() -> None:
    tokenizer = new_tokenizer()
    for text in ("small red metal cube", "10", "2 things"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_training_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    seen: list[int] = []
    folder = tmp_path / "language"
    train_language(folder, 1, on_step=lambda step, _: seen.append(step))
    train_language(folder, 2, on_step=lambda step, _: seen.append(step))
    assert seen == [1, 2]
    assert (folder / "model.safetensors").stat().st_size < 2_000_000
    assert (folder / "tokenizer.json").exists()
