"""Acts of the operating system, with the language layer off: the kernel alone, and nothing at all.

A program of these is plain Python with every module at hand, as if it had escaped the language. The
confinement must hold it all the same. That the act would have succeeded without it is shown by the
control, or the first test would prove nothing.
"""

import sys

import pytest

from fakes.corpus import load
from fakes.proving_ground import ProvingGround

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="there is no confinement here that these programs could test"
)

PROGRAMS = [program for program in load("escapes") if program.os]
ESCAPING = [program for program in PROGRAMS if program.os == "escapes"]
KINDS = {
    "escapes": {"runtime", "sandbox"},
    "contained": {"runtime", "sandbox"},
    "timeout": {"timeout"},
    "memory": {"memory"},
    "ends": {"timeout", "memory", "sandbox", "runtime"},
    "frames": {"limit"},
}


@pytest.fixture(scope="module")
def ground(api_wire):
    with ProvingGround(api_wire, language=False) as ground:
        yield ground


@pytest.fixture(scope="module")
def open_ground(api_wire):
    with ProvingGround(api_wire, language=False, confined=False) as ground:
        yield ground


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_the_confinement_alone_holds(ground, program):
    outcome = ground.run(program.source)
    assert outcome.escaped == ()
    assert outcome.result.failure is not None
    assert outcome.result.failure.kind in KINDS[program.os]


@pytest.mark.parametrize("program", ESCAPING, ids=str)
def test_without_confinement_it_succeeds(open_ground, program):
    assert open_ground.run(program.source).escaped


def test_the_language_layer_is_really_off(ground):
    source = (
        "import os\ndef execute_command(image):\n    return [os.name, image.__class__.__name__]"
    )
    assert ground.run(source).result.value == ["posix", "ImagePatch"]


def test_a_plain_program_still_has_the_api(ground):
    source = "def execute_command(image):\n    return len(image.find('dog')), image.crop(0, 0, 9, 9).width"
    assert ground.run(source).result.value == (2, 9.0)


def test_the_acts_are_of_every_kind():
    assert {program.about.partition(" |")[0] for program in ESCAPING} >= {
        *("os: files", "os: environment", "os: signals", "os: processes"),
        *("os: network", "os: memory", "os: limits"),
    }
