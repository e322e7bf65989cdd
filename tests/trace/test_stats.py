"""Sums over many answers are exact."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.backends import FakeAnswerer, FakeDetector, FakeMatcher
from fakes.cups import CUPS, picture
from viper.trace.read import trace_of
from viper.trace.stats import RunStats

RED = "return sum(c.verify_property('cup', 'red') for c in image_patch.find('cup'))"


@pytest.fixture
def trace(fake_engine):
    engine = fake_engine(detector=FakeDetector(CUPS), matcher=FakeMatcher({"red cup": 0.9}))
    return engine.run_program(RED, picture()).trace


def test_requests_are_counted_and_not_rebuilt_from_a_rounded_mean(trace):
    many = replace(trace, forwards={"matcher": 1000}, requests={"matcher": 1004})
    stats = RunStats()
    stats.add(many)
    stats.add(many)
    assert stats.requests == {"matcher": 2008}
    assert ("forwards", "matcher 2000 (batch 1)") in stats.rows(program_cache=False)


def test_a_trace_says_how_many_requests_its_forwards_held(trace):
    assert trace.forwards == {"detector": 1, "matcher": 2}
    assert trace.requests["detector"] == 1
    assert trace.requests["matcher"] == round(2 * trace.mean_batch["matcher"]) > 8


def test_a_file_keeps_the_number_of_requests(trace):
    read = trace_of(trace.to_json())
    assert (read.requests, read.mean_batch) == (trace.requests, trace.mean_batch)


def test_outcomes_are_counted(fake_engine):
    detector, answerer = FakeDetector({}, vocabulary=("person",)), FakeAnswerer("A cat.")
    engine = fake_engine(detector=detector, answerer=answerer)
    sources = [
        "return image_patch.exists('person')", "return image_patch.exists('woman')", "absent('dog')",
        "return image_patch.simple_query('What?')", "return [][0]",
    ]  # fmt: skip
    stats = RunStats()
    for source in sources:
        stats.add(
            engine.run_program(source, picture(), best_effort=source != "absent('dog')").trace
        )
    assert (stats.answers, stats.doubtful, stats.direct, stats.failed) == (5, 1, 1, 2)
    told = dict(stats.rows(program_cache=False))
    assert told["answers"] == "5 (2 failed)"
    assert (
        told["outcomes"] == "2 answered, 1 with doubts, 2 not answered; 1 by one model, not checked"
    )
