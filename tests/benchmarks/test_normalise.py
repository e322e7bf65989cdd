from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper_benchmarks.normalise import normalised, soft_accuracy


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


def test_without_annotators_nothing_is_right():
    assert soft_accuracy("cat", []) == 0
