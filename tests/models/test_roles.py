from __future__ import annotations

import timeit
from dataclasses import dataclass

import pytest

from viper.models.roles import ROLES, Detector, with_defaults


class Plain:
    """A backend of 0.1: it subclasses nothing."""

    fingerprint = "plain"


@dataclass(frozen=True, slots=True)
class Frozen:
    fingerprint: str
    vocabulary: tuple[str, ...]


@pytest.mark.parametrize("role", [*ROLES, "role_of_a_module"])
def test_a_plain_object_gets_the_defaults_of_its_role(role):
    plain = Plain()
    assert with_defaults(plain, role) is plain
    assert plain.deterministic is None
    assert not plain.knows_images_by_name
    assert plain.largest_batch("detect") is None
    assert plain.doubt(None) is None
    assert not plain.stages("detect")
    assert not hasattr(Plain, "deterministic")  # its class is left alone


def test_defaults_are_those_of_the_role():
    assert with_defaults(Plain(), "detector").vocabulary is None
    assert with_defaults(Plain(), "matcher").certainty is None
    assert with_defaults(Plain(), "matcher").refusal("red") is None
    assert with_defaults(Plain(), "depth").measure is None
    assert not hasattr(with_defaults(Plain(), "answerer"), "vocabulary")


def test_an_object_with_slots_gets_them_too_and_keeps_what_it_has():
    frozen = with_defaults(Frozen("a", ("cat",)), "detector")
    assert frozen.vocabulary == ("cat",)
    assert frozen.largest_batch("detect") is None
    assert not frozen.has_distinct_detections


def test_the_abilities_of_a_plain_object_are_used():
    class Able(Plain):
        deterministic = False
        has_distinct_detections = True

        def largest_batch(self, method):
            return 3

        def certainty(self, cosine):
            return cosine

    able = with_defaults(Able(), "detector")
    assert (able.deterministic, able.largest_batch("x"), able.certainty(0.5)) == (False, 3, 0.5)
    assert able.has_distinct_detections


def test_looking_at_an_ability_costs_next_to_nothing():
    detector = with_defaults(Plain(), "detector")
    for backend in (detector, Detector()):
        seconds = min(timeit.repeat(lambda b=backend: b.stages("detect"), number=10_000, repeat=5))
        assert seconds / 10_000 < 5e-6  # some 0.1 µs; the bound leaves room for a busy machine
