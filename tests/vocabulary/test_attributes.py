from __future__ import annotations

import pytest

from viper.vocabulary.attributes import KINDS, contrasts

WORDS = [w for groups in KINDS.values() for words in groups for w in words]


@pytest.mark.parametrize("word", sorted(set(WORDS)))
def test_an_attribute_is_never_its_own_contrast(word):
    assert contrasts(word)
    assert word not in contrasts(word)


def test_a_near_synonym_is_no_contrast():
    assert "gray" not in contrasts("grey")
    assert "red" in contrasts("grey")


def test_words_are_found_without_case_and_unknown_ones_have_no_contrasts():
    assert contrasts(" Red ") == contrasts("red")
    assert contrasts("frobnicated") == ()
