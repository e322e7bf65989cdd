"""Programs as language models write them: each runs in a real child and gives the value it should."""

import sys

import pytest

from fakes.corpus import load
from fakes.proving_ground import ProvingGround, plain

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs the level full")

LEGIT = load("legit")


@pytest.fixture(scope="module")
def ground(api_wire):
    with ProvingGround(api_wire) as ground:
        yield ground


@pytest.mark.parametrize("program", LEGIT, ids=str)
def test_gives_its_value(ground, program):
    result = ground.run(program.source).result
    assert result.failure is None
    assert plain(result.value) == program.value


@pytest.mark.parametrize("program", LEGIT, ids=str)
def test_has_no_findings(findings, program):
    assert findings(program.source, ["query", "possible_answers"]) == []
