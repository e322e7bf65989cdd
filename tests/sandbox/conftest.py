"""Fixtures for the tests of the sandbox: the real API, fixed answers, and two ways to run."""

import asyncio
import textwrap

import pytest

from viper.programs.api_spec import load_spec
from viper_sandbox import Jail, Limits, PatchRef, Request
from viper_sandbox.api import Api
from viper_sandbox.examine import examine
from viper_sandbox.execute import execute
from viper_sandbox.namespace import Printer
from viper_sandbox.program_session import ProgramSession

WIDTH, HEIGHT, HANDLE = 300, 200, 7


def stub_answer(name, receiver, arguments):
    """Answer a call without a model, as the preset `stub` does."""
    name = name.rpartition(".")[2]
    if name == "find":
        if arguments[0] == "unicorn":
            return []
        x1, y1, x2, y2 = receiver.box_xyxy
        third = (x2 - x1) / 3
        return [
            PatchRef(
                receiver.handle,
                (x1 + i * third, y1, x1 + (i + 1) * third, y2),
                arguments[0],
                score,
            )
            for i, score in enumerate((0.9, 0.8, 0.7))
        ]
    if name in ("exists", "verify_property"):
        return True
    if name == "best_text_match":
        return arguments[0][0]
    if name == "compute_depth":
        return (receiver.box_xyxy[0] + receiver.box_xyxy[2]) / 2
    if name == "best_image_match":
        return 0 if arguments[2] else arguments[0][0]
    return "stub"


async def serve_stub(call):
    return stub_answer(call.name, call.receiver, call.arguments)


@pytest.fixture(scope="session")
def api_wire():
    return load_spec().to_wire()


@pytest.fixture(scope="session")
def api(api_wire):
    return Api.from_wire(api_wire)


@pytest.fixture
def image_ref():
    return PatchRef(HANDLE, (0.0, 0.0, float(WIDTH), float(HEIGHT)))


@pytest.fixture
def session(api, image_ref):
    def ask(name, receiver, arguments, line):
        return stub_answer(name, receiver, arguments)

    return ProgramSession(api, image_ref, (WIDTH, HEIGHT), ask)


@pytest.fixture
def findings(api):
    """Return (kind, line, message) of everything that is wrong with a source text."""

    def find(source, arguments=()):
        return [tuple(f) for f in examine(textwrap.dedent(source), api, arguments).findings]

    return find


@pytest.fixture
def run_here(api, session):
    """Run our own harmless source in this process; return the value or the failure."""

    def run(source, arguments=None, printed=None):
        arguments = arguments or {}
        program = examine(textwrap.dedent(source), api, list(arguments))
        assert program.findings == ()
        printer = Printer(10_000)
        outcome = execute(program, session, arguments, printer, 1_000_000)
        if printed is not None:
            printed.append(printer.text)
        return getattr(outcome, "value", outcome)

    return run


@pytest.fixture
def run_jailed(api_wire, image_ref):
    """Run a source text in a real child; return the `Result`."""

    def run(source, handler=serve_stub, *, arguments=None, jail=None, **limits):
        async def once():
            request = Request(
                textwrap.dedent(source), api_wire, image_ref, (WIDTH, HEIGHT), arguments or {}
            )
            async with jail or Jail(Limits(**limits)) as cell:
                return await cell.run(request, handler)

        return asyncio.run(once())

    return run


@pytest.fixture
def request_for(api_wire, image_ref):
    """Make a `Request` of a source text."""

    def make(source, **changes):
        values = {"api": api_wire, "image": image_ref, "image_size": (WIDTH, HEIGHT), **changes}
        return Request(textwrap.dedent(source), **values)

    return make


@pytest.fixture
def stub_handler():
    return serve_stub


@pytest.fixture
def stub_result():
    """Return the function that answers a call without a model."""
    return stub_answer
