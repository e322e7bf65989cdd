"""docs/reference/differences-from-vipergpt.md against the sandbox: what it says of calls without a model."""

from pathlib import Path

import pytest

from viper.programs.api_spec import load_spec
from viper_sandbox import PatchRef
from viper_sandbox.api import Api
from viper_sandbox.examine import examine
from viper_sandbox.execute import execute
from viper_sandbox.namespace import Printer
from viper_sandbox.program_session import ProgramSession

PAGE = (Path(__file__).parents[2] / "docs/reference/differences-from-vipergpt.md").read_text(
    "utf-8"
)
API = Api.from_wire(load_spec().to_wire())
DOOR = PatchRef(1, (200.0, 40.0, 300.0, 200.0), "door", 0.9)


def run(*lines):
    def ask(name, receiver, arguments, line):
        return [DOOR] if name.endswith("find") else "stub"

    source = "def execute_command(image):\n" + "".join(f"    {line}\n" for line in lines)
    program = examine(source, API, ())
    assert program.findings == ()
    session = ProgramSession(API, PatchRef(1, (0.0, 0.0, 300.0, 200.0)), (300, 200), ask)
    outcome = execute(program, session, {}, Printer(1_000), 100_000)
    return getattr(outcome, "value", None) or outcome


@pytest.mark.parametrize(
    ("said", "lines", "value"),
    [
        (
            "lower_half = door.crop(door.left, door.lower, door.right, door.vertical_center)",
            [
                "door = image.find('door')[0]",
                "lower_half = door.crop(door.left, door.lower, door.right, door.vertical_center)",
                "return [lower_half.left, lower_half.lower, lower_half.right, lower_half.upper]",
            ],
            [200, 0, 300, 80],
        ),
        (
            "an `int` where a coordinate is whole",
            ["return f'{image.left} {image.right / 8}'"],
            "0 37.5",
        ),
        (
            "they do not: the boxes share area",
            ["return str(image.find('door')[0].overlaps_with(0, 0, 200, 200))"],
            "False",
        ),
        (
            "patches with the same box on the same image are equal",
            ["return str(image.find('door') == image.find('door'))"],
            "True",
        ),
        ("25, the first number", ["return coerce_to_numeric('25 to 26')"], 25),
        (
            "a list of any length, or two texts",
            ["return process_guesses('a?', ['b', 'c'])"],
            "stub",
        ),
        ("and `simple_query(None)` ask", ["return image.simple_query(None)"], "stub"),
        ("all of these", ["return coerce_to_numeric(string='a dozen')"], 12),
    ],
)
def test_says_what_programs_do(said, lines, value):
    assert said in PAGE
    assert run(*lines) == value


@pytest.mark.parametrize(
    ("said", "lines", "message"),
    [
        (
            "not `door.crop(0, 0, door.width, door.height / 2)`",
            ["door = image.find('door')[0]", "return door.crop(0, 0, door.width, door.height / 2)"],
            "ValueError: The box left=0",
        ),
        (
            "would say no. Compare texts",
            ["return coerce_to_numeric('red')"],
            "ValueError: There is no",
        ),
        ("for a patch and a number, `TypeError`", ["return distance(image, 3)"], "TypeError"),
    ],
)
def test_says_what_programs_refuse(said, lines, message):
    assert said in PAGE
    assert run(*lines).message.startswith(message)
