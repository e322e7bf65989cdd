"""The corpus of hostile programs in real children: each is refused exactly as its file says."""

import sys
from collections import Counter

import pytest

from fakes.corpus import load
from fakes.proving_ground import ProvingGround, plain

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="there is no confinement here that these programs could test"
)

ESCAPES = load("escapes")
EXPECTED = ("reject", "deny", "kill", "bounded", "harmless")


@pytest.fixture(scope="module")
def ground(api_wire):
    with ProvingGround(api_wire) as ground:
        yield ground


@pytest.mark.parametrize("program", ESCAPES, ids=str)
def test_is_contained_and_ends_as_its_file_says(ground, program):
    by_the_clock = program.refused is not None and "timeout" in program.refused.kinds
    outcome = ground.run(program.source, patient=not by_the_clock)
    assert outcome.escaped == ()
    failure = outcome.result.failure
    if program.refused is None:
        assert failure is None
        assert plain(outcome.result.value) == program.value
        return
    assert failure is not None
    assert failure.kind in program.refused.kinds
    assert program.refused.line in ("*", failure.line)
    assert failure.message.startswith(program.refused.message)
    assert len(failure.message) <= 2_000


def test_every_file_says_what_a_success_would_mean():
    for program in ESCAPES:
        category, expect, meaning = program.about.split(" | ", 2)
        assert category, program
        assert expect.removeprefix("expect: ") in EXPECTED, program
        assert meaning.startswith("success would mean: "), program
        if program.refused is None:  # what gives a value was never meant to be stopped
            assert expect in ("expect: bounded", "expect: harmless"), program


def test_programs_differ():
    sources = Counter(program.source for program in ESCAPES)
    assert [source for source, count in sources.items() if count > 1] == []
    assert len(ESCAPES) > 300
