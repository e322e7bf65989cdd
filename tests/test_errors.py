"""Suggestions for misspelt words, at a cost that a stranger's text cannot raise."""

from __future__ import annotations

import time

import pytest

from viper import errors
from viper.errors import did_you_mean, similar_words
from viper.generate.grammar.vocabulary.spelling import correction
from viper.storage.files import read_regular_file
from viper.vocabulary.categories import near_classes
from viper_sandbox import api


def test_similar_words_are_suggested():
    assert did_you_mean("detecter", ["detector", "matcher"]) == "Did you mean 'detector'? "
    assert did_you_mean("x", ["detector"]) == ""
    assert api.did_you_mean("fnid", ["find", "crop"]) == "Did you mean 'find'? "


# Of the same letters, so that only the slowest comparison tells them apart.
LONG = "ab" * 3_000
ALIKE = ["ba" * 2_900 + str(i) for i in range(20)]

ATTACKS = {
    "a long word": lambda: similar_words(LONG, ALIKE),
    "long candidates": lambda: similar_words("ab", ALIKE * 100),
    "many candidates": lambda: similar_words("abcabc", (f"{i}" for i in range(10**7))),
    "a program's names": lambda: api.did_you_mean(LONG, ALIKE),
    "many of a program's names": lambda: api.did_you_mean(
        "abc", [f"abd{i}" for i in range(50_000)]
    ),
    "a phrase for a class": lambda: near_classes(LONG, ALIKE),
    "a word of a question": lambda: correction(LONG),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_suggestions_are_quick_for_any_text(name):
    started_s = time.process_time()
    ATTACKS[name]()
    assert time.process_time() - started_s < 2


def test_the_bound_is_what_makes_it_quick(monkeypatch):
    def seconds():
        started_s = time.process_time()
        similar_words("ab" * 95, ["ba" * 94 + str(i) for i in range(9)])
        return time.process_time() - started_s

    bounded = seconds()
    monkeypatch.setattr(errors, "_LONGEST_WORD", 10**6)
    assert seconds() > 20 * bounded


def test_a_file_is_still_suggested(tmp_path):
    (tmp_path / "photo.png").touch()
    with pytest.raises(errors.InputError, match=r"Did you mean .*photo\.png"):
        read_regular_file(str(tmp_path / "phoot.png"), max_bytes=1, what="image")
