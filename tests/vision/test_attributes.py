from __future__ import annotations

import pytest

from viper.vision.attributes import KINDS, contrasts, kind_of

WORDS = [w for groups in KINDS.values() for words in groups for w in words]


@pytest.mark.parametrize("word", sorted(set(WORDS)))
def test_an_attribute_is_never_its_own_contrast(word):
    assert contrasts(word)
    assert word not in contrasts(word)


def test_a_near_synonym_is_no_contrast():
    assert "gray" not in contrasts("grey")
    assert "red" in contrasts("grey")


def test_kinds_are_found_without_case():
    assert kind_of(" Red ") == "colour"
    assert kind_of("wooden") == "material"
    assert kind_of("frobnicated") is None
    assert contrasts("frobnicated") == ()
