from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper_benchmarks.normalise import highest_soft_accuracy, normalised, soft_accuracy


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("The Cat.", "cat"),
        ("an umbrella", "umbrella"),
        ("t-shirt", "T shirt"),
        ("two", "2"),
        ("None", "0"),
        ("dont know", "don't know"),
        ("yes, it is", "yes it is"),
        ("1,000", "1000"),
        ("a\nred\tball!", "red ball"),
    ],
)
def test_answers_are_compared_without_case_articles_and_punctuation(left, right):
    assert normalised(left) == normalised(right)


@pytest.mark.parametrize(
    ("left", "right"), [("5.5", "55"), ("were", "we're"), ("its", "it's"), ("red", "read")]
)
def test_what_differs_stays_different(left, right):
    assert normalised(left) != normalised(right)


def test_an_answer_of_articles_alone_is_not_the_empty_answer():
    assert normalised("A") == "a"
    assert normalised("A") != normalised("the")


@given(st.text(max_size=30))
def test_a_normalised_answer_is_its_own_normal_form_but_for_stops(text):
    once = normalised(text)
    if "." not in once and once not in ("a", "an", "the"):
        assert normalised(once) == once


@pytest.mark.parametrize(
    ("agreeing", "expected"), [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (10, 1.0)]
)
def test_vqa_accuracy_of_ten_annotators(agreeing, expected):
    # As published: over all sets of nine, min(1, agreeing of the nine / 3).
    annotated = ["cat"] * agreeing + [f"other {n}" for n in range(10 - agreeing)]
    assert soft_accuracy("cat", annotated) == pytest.approx(expected)


@pytest.mark.parametrize("annotators", range(1, 13))
def test_vqa_accuracy_is_the_mean_over_the_annotators_left_out(annotators):
    for agreeing in range(annotators + 1):
        given = ["cat"] * agreeing + [f"other {n}" for n in range(annotators - agreeing)]
        subsets = [given[:i] + given[i + 1 :] for i in range(annotators)]
        official = sum(min(1.0, rest.count("cat") / 3) for rest in subsets) / annotators
        assert soft_accuracy("cat", given) == pytest.approx(official)
    assert soft_accuracy("cat", ["cat"] * annotators) == highest_soft_accuracy(annotators)


@pytest.mark.parametrize(("annotators", "highest"), [(1, 0), (2, 1 / 3), (3, 2 / 3), (4, 1)])
def test_few_annotators_cannot_make_an_answer_wholly_right(annotators, highest):
    assert highest_soft_accuracy(annotators) == pytest.approx(highest)


@pytest.mark.parametrize("word", ["café", "Ǎ", "é̱", "ǰ", "한글", "İ"])
def test_composed_and_decomposed_letters_are_equal(word):
    composed, apart = (unicodedata.normalize(form, word) for form in ("NFC", "NFD"))
    assert composed != apart
    assert normalised(composed) == normalised(apart)
    assert unicodedata.is_normalized("NFC", normalised(apart))


def test_without_annotators_nothing_is_right():
    assert soft_accuracy("cat", []) == 0
