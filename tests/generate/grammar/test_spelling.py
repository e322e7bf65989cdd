"""Misspelt words are read as the nearest word of the visual vocabulary, visibly; others stay."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.errors import GenerationError
from viper.generate.grammar import parse
from viper.generate.grammar.vocabulary.spelling import correction, slips, split, vocabulary
from viper.generate.grammar.vocabulary.words import in_dictionary

WORDS = st.text(string.ascii_lowercase, max_size=9)


@pytest.mark.parametrize(
    ("slip", "word"),
    [
        ("gril", "girl"),
        ("umbrela", "umbrella"),
        ("elephent", "elephant"),
        ("standign", "standing"),
        ("pruple", "purple"),
        ("bicylce", "bicycle"),
        ("refridgerator", "refrigerator"),
        ("motorcyle", "motorcycle"),
        ("womam", "woman"),
        ("truk", "truck"),
        ("hatt", "hat"),
    ],
)
def test_a_slip_is_read_as_the_word_that_is_meant(slip: str, word: str) -> None:
    assert correction(slip) == word


@pytest.mark.parametrize(
    "word", ["boad", "moter", "zorble", "asdf", "mon", "voiture", "x", "", "9lephant"]
)
def test_what_is_far_or_near_to_several_stays_as_it_is(word: str) -> None:
    assert correction(word) is None


def test_words_written_as_one_are_two() -> None:
    assert split("onleft") == ("on", "left")
    assert split("inback") == ("in", "back")
    assert split("onion") == ()


@given(WORDS, WORDS, WORDS)
def test_slips_are_a_symmetric_count_that_is_zero_for_the_same_spelling(
    one: str, other: str, third: str
) -> None:
    number = slips(one, other)
    assert number == slips(other, one)
    assert (number == 0) == (one == other)
    assert abs(len(one) - len(other)) <= number <= max(len(one), len(other))
    assert slips(third + one, third + other) <= number


@given(st.data())
def test_a_word_with_its_neighbours_exchanged_is_one_slip_away(data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(sorted(vocabulary())).filter(lambda w: len(w) > 1))
    at = data.draw(st.integers(0, len(word) - 2))
    exchanged = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert slips(exchanged, word) == (exchanged != word)


@given(st.data())
def test_a_correction_is_a_word_of_the_vocabulary_within_two_slips(data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(sorted(vocabulary())))
    at = data.draw(st.integers(0, len(word) - 1))
    slip = word[:at] + data.draw(st.sampled_from(string.ascii_lowercase)) + word[at + 1 :]
    found = correction(slip)
    if found is not None:
        assert found in vocabulary()
        assert slips(slip, found) <= 2


def test_a_correction_is_visible() -> None:
    form = parse("gril with an umbrela", "grounding")
    assert str(form) == "refer(girl[with(umbrella)])"
    assert form.notes == ("'gril' read as 'girl'", "'umbrela' read as 'umbrella'")
    assert form.explain().splitlines()[-1] == "'umbrela' read as 'umbrella'"


def test_questions_are_corrected_too() -> None:
    form = parse("Is the elephent standign?")
    assert str(form) == "some(elephant: standing)"
    assert form.notes == ("'elephent' read as 'elephant'", "'standign' read as 'standing'")


def test_known_words_names_and_labels_are_never_corrected() -> None:
    for expression in ("closet on the left", "bowel on the left", "the samsung phone"):
        assert parse(expression, "grounding").notes == ()
    assert parse("the bottle of Gren", "grounding").notes == ()
    assert parse("the gren bottle", "grounding").notes == ("'gren' read as 'green'",)


def test_another_language_is_not_bent_into_english() -> None:
    assert correction("gato") == "gate"
    with pytest.raises(GenerationError, match="did not understand"):
        parse("gato rojo", "grounding")


def test_all_words_of_the_vocabulary_are_lower_case_letters() -> None:
    assert all(word.isascii() and word.islower() for word in vocabulary())
    unknown = {word for word in vocabulary() if not in_dictionary(word)}
    assert len(unknown) < 0.1 * len(vocabulary())
