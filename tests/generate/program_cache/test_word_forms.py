from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.generate.program_cache.word_forms import (
    Form,
    form_of,
    in_form,
    lemma,
    pieces,
    word_class,
)


@pytest.mark.parametrize(
    ("kind_", "words"),
    [
        ("noun", "dog Cat bus person t-shirt"),
        ("noun plural", "dogs cats buses people knives"),
        ("place", "beach kitchen"),
        ("color", "red Blue orange"),
        ("material", "wooden metal"),
        ("size", "big tiny"),
        ("state", "open parked"),
        ("verb -ing", "running holding"),
    ],
)
def test_words_that_may_stand_for_one_another_have_one_kind(kind_, words):
    assert {word_class(word) for word in words.split()} == {kind_}


@pytest.mark.parametrize(
    "word",
    "the left of three 3 second taller tallest animal furniture vegetables color thing who yes 's ? "
    "xyzzy Hund quickly".split(),
)
def test_words_that_decide_what_a_program_does_have_no_kind(word):
    assert word_class(word) is None


def test_a_text_is_cut_into_words_numbers_and_marks():
    texts = [piece.text for piece in pieces("Isn't the dog's bow-tie 2.5 m, red?")]
    assert texts == ["Isn't", "the", "dog", "'s", "bow-tie", "2.5", "m", ",", "red", "?"]


@pytest.mark.parametrize(
    ("written", "word", "form", "other", "expected"),
    [
        ("dogs", "dogs", Form.SAME, "people", "people"),
        ("dog", "dogs", Form.LEMMA, "people", "person"),
        ("dogs", "dog", Form.PLURAL, "man", "men"),
        ("holding", "holding", Form.SAME, "riding", "riding"),
        ("hold", "holding", Form.LEMMA, "riding", "ride"),
        ("red", "Red", Form.SAME, "BLUE", "blue"),
    ],
)
def test_a_new_word_is_written_in_the_form_of_the_old(written, word, form, other, expected):
    assert form_of(written, word) is form
    assert in_form(other, form) == expected


@pytest.mark.parametrize(("written", "word"), [("Dog", "dog"), ("doggish", "dog"), ("red", "dog")])
def test_a_form_that_cannot_be_made_of_another_word_is_none(written, word):
    assert form_of(written, word) is None


@given(st.text(max_size=20))
def test_any_text_has_kinds_forms_and_pieces(text):
    joined = "".join(piece.text for piece in pieces(text))
    assert joined == "".join(text.split())
    for piece in pieces(text):
        assert text[piece.start : piece.end] == piece.text
        assert lemma(piece.text) is not None
        assert word_class(piece.text) is None or form_of(piece.text.casefold(), piece.text)
