"""A street of boxes and its answers, for programs that run in this process: what came of their patches."""

from __future__ import annotations

import textwrap
from typing import Any, NamedTuple

from viper.programs.api_spec import load_spec
from viper_sandbox import PatchRef
from viper_sandbox.api import Api
from viper_sandbox.examine import examine
from viper_sandbox.exchange import ROLES
from viper_sandbox.execute import execute
from viper_sandbox.namespace import Printer
from viper_sandbox.program_session import ProgramSession

SIZE = (300, 200)
# Nine people in a row; the first five of them are on bicycles, the first three wear hats.
BOXES = {
    "person": [(30.0 * i, 50.0, 30.0 * i + 20, 100.0) for i in range(9)],
    "bicycle": [(30.0 * i, 80.0, 30.0 * i + 20, 120.0) for i in range(5)],
    "dog": [(10.0, 10.0, 30.0, 30.0)],
    "car": [(100.0, 10.0, 160.0, 60.0)],
    "cup": [(5.0, 5.0, 9.0, 9.0), (50.0, 50.0, 60.0, 60.0)],
    "hat": [(0.0, 0.0, 4.0, 4.0)],
    "unicorn": [],
}
API = Api.from_wire(load_spec().to_wire())


class Outcome(NamedTuple):
    """What a program on the street came to."""

    value: Any
    failure: Any
    """Kind and message; None where there is a value."""
    roles: dict[str, list[str]]
    """Role → patches, such as "person 3", in the order of their boxes."""


def answer_call(name, receiver, arguments, line):
    match name.rpartition(".")[2]:
        case "find":
            return [PatchRef(0, box, arguments[0], 0.9) for box in BOXES[arguments[0]]]
        case "verify_property":
            return receiver.box_xyxy[0] < 90
        case "exists":
            return True
        case "best_text_match":
            return arguments[0][0]
        case "compute_depth":
            return receiver.box_xyxy[0]
        case "best_image_match":
            return 1 if arguments[2] else arguments[0][-1]
        case _:
            return "blue"


def run(body: str) -> Outcome:
    """Run the body of a program in this process; `image_patch` is the street."""
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    source = f"def execute_command(image):\n    image_patch = ImagePatch(image)\n{lines}\n"
    program = examine(source, API)
    assert program.findings == ()
    whole = PatchRef(0, (0.0, 0.0, *map(float, SIZE)))
    session = ProgramSession(API, whole, SIZE, answer_call)
    outcome = execute(program, session, {}, Printer(10_000), 1_000_000)
    if hasattr(outcome, "kind"):
        return Outcome(None, (outcome.kind, outcome.message), {})
    roles = {
        role: [f"{ref.category} {_number(ref)}" for ref in sorted(refs, key=_place)]
        for role, refs in zip(ROLES, outcome.evidence, strict=True)
    }
    return Outcome(outcome.value, None, roles)


def _place(ref: PatchRef) -> tuple[str, float]:
    return ref.category, ref.box_xyxy[0]


def _number(ref: PatchRef) -> int:
    return BOXES[ref.category].index(ref.box_xyxy)
