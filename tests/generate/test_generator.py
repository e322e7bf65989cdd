"""What generators say of themselves, those of Viper 0.1 included."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from viper.generate.generator import Abilities


@pytest.mark.parametrize(
    ("said", "abilities"),
    [
        ({"can_repair": True}, (True, False, True)),
        ({"can_repair": False}, (False, True, False)),
        ({}, (True, True, False)),  # it may cost money, and gets no second chance
        ({"billed": True, "deterministic": True, "repairs": False}, (True, True, False)),
        ({"billed": False, "deterministic": False, "repairs": True}, (False, False, True)),
        ({"can_repair": True, "billed": False}, (False, False, True)),
    ],
)
def test_abilities_are_read_one_by_one_or_from_can_repair(said, abilities):
    assert Abilities.of(SimpleNamespace(**said)) == abilities


def test_what_is_lacking_is_named_unless_can_repair_says_it():
    assert Abilities.missing(SimpleNamespace()) == ["billed", "deterministic", "repairs"]
    assert Abilities.missing(SimpleNamespace(billed=True)) == ["deterministic", "repairs"]
    assert Abilities.missing(SimpleNamespace(can_repair=True)) == []
