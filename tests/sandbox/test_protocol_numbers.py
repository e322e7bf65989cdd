"""Numbers that a child sends are numbers: to Python `True` is an int, but it counts nothing."""

from __future__ import annotations

import asyncio

import pytest

from viper.programs.api_spec import load_spec
from viper_sandbox import Limits, PatchRef, Request
from viper_sandbox.api import Api
from viper_sandbox.program_protocol import ProgramProtocol, _call_site, _finding, _literals
from viper_sandbox.wire import WireError

WHOLE = PatchRef(0, (0.0, 0.0, 300.0, 200.0))


class _Child:
    pending_bytes = 0

    def __init__(self, *messages):
        self.messages = list(messages)
        self.sent = []

    async def receive(self):
        return self.messages.pop(0), 10

    async def send(self, reply):
        self.sent.append(reply)


def after(*messages):
    """Return the result of a program whose child sends these messages."""
    wire = load_spec().to_wire()

    async def handler(call):
        return []

    async def run():
        request = Request("", wire, WHOLE, (300, 200))
        api = (1, Api.from_wire(wire))
        talk = ProgramProtocol(_Child(*messages), request, api, handler, Limits())
        talk._clock.start()
        try:
            return await talk._until_done()
        finally:
            talk._clock.stop()

    return asyncio.run(run())


def find(number=1, line=3):
    return ["call", number, "ImagePatch.find", WHOLE, ("cup",), line]


@pytest.mark.parametrize(
    "message",
    [find(True), find(-1), find(1.0), find(line=True), find(line=False), find(line=-3), find(line=2.0),
     ["failed", "runtime", "It failed.", True, ""], ["failed", "runtime", "It failed.", False, ""],
     ["failed", "runtime", "It failed.", -1, ""]],
    ids=str,
)  # fmt: skip
def test_a_number_of_another_type_ends_the_session(message):
    with pytest.raises(WireError):
        after(message)


def test_numbers_are_accepted_in_their_place():
    result = after(find(1), find(2, line=1), ["failed", "runtime", "It failed.", 3, ""])
    assert (result.calls, result.failure.line) == (2, 3)


@pytest.mark.parametrize("line", [True, False, -1, 1.0, None, "1"])
def test_a_finding_and_a_call_site_have_a_line(line):
    assert _finding(("check", 1, "x"), 10).line == 1
    assert _call_site((1, "find", (), False), 10).line == 1
    with pytest.raises(WireError):
        _finding(("check", line, "x"), 10)
    with pytest.raises(WireError):
        _call_site((line, "find", (), False), 10)


@pytest.mark.parametrize("place", [(False, True), (0, True), (False, 1)], ids=str)
def test_a_text_of_a_program_has_its_place_in_numbers(place):
    assert len(_literals([("'", 0, 1)], "'a'")) == 1
    with pytest.raises(WireError, match="two whole numbers"):
        _literals([("'", *place)], "'a'")
