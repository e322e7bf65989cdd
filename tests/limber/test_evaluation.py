from __future__ import annotations

import numpy as np
import pytest

from viper.limber.evaluation import Trial, choose, normalised, options_of, score


@pytest.mark.parametrize(
    ("said", "plain"),
    [("A Red Cube.", "red cube"), ("the", "the"), (" red \n", "red"), ("an  odd one", "odd one")],
)
def test_answers_are_compared_without_case_article_and_points(said: str, plain: str) -> None:
    assert normalised(said) == plain


def test_a_score_counts_right_answers_by_question() -> None:
    trials = [Trial("q", "red"), Trial("q", "blue"), Trial("p", "a cat")]
    counted = score(trials, ["Red", "red", "cat"])
    assert (counted.right, counted.n) == (2, 3)
    assert counted.accuracy == pytest.approx(2 / 3)
    assert counted.by_question == {"q": (1, 2), "p": (1, 1)}
    assert score([], []).accuracy == 0


def test_options_are_a_questions_own_or_all_known_answers_to_it() -> None:
    trials = [Trial("q", "red", ("red", "pink")), Trial("q", "blue"), Trial("new", "x")]
    known = {"q": ["green", "red"]}
    assert options_of(trials, known) == [["red", "pink"], ["blue", "green", "red"], ["x"]]


def test_the_matcher_chooses_the_option_whose_vector_fits_best() -> None:
    texts = {"red": np.array([1, 0], np.float32), "blue": np.array([0, 1], np.float32)}
    images = [np.array([0.9, 0.1], np.float32), np.array([0.9, 0.1], np.float32)]
    assert choose(images, [["red", "blue"], ["blue"]], texts) == ["red", "blue"]
