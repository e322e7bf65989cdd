"""Whatever a child, a zygote or the kernel reports, the host does not raise but says what failed."""

import asyncio
import contextlib
import os
import signal
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.processes import programs_of
from viper_sandbox import Jail, Limits, PatchRef
from viper_sandbox.findings import capped
from viper_sandbox.kernel import signal_name
from viper_sandbox.process import describe_exit
from viper_sandbox.program_protocol import ProgramProtocol
from viper_sandbox.program_session import NotAValueError, lower
from viper_sandbox.wire import TooLargeError, WireError, pack, unpack

GOOD = PatchRef(7, (0.0, 0.0, 300.0, 200.0))
CHECKED = ["checked", "source", [], [], None]
LIMITS = Limits(printed_bytes=100, result_bytes=1_000, source_bytes=1_000)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text() | st.just(GOOD)
)
things = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.lists(inner, max_size=5).map(tuple),
    max_leaves=12,
)
words = st.sampled_from(["checked", "call", "done", "failed", "ready", "runtime", "limit"])


class FalseChild:
    """Speaks in the place of a child."""

    pending_bytes = 0

    def __init__(self, messages):
        self.messages = list(messages)

    async def begin(self, message):
        pass

    async def send(self, message):
        pass

    async def receive(self):
        message = self.messages.pop(0) if self.messages else None
        data = pack(message, 100_000_000)
        return unpack(data), len(data)


@pytest.fixture(scope="module")
def converse(api_wire_and_api):
    from viper_sandbox import Request

    wire, api = api_wire_and_api

    async def serve(call):
        return []

    def run(*messages, limits=LIMITS):
        request = Request("return 1", wire, GOOD, (300, 200))

        async def talk():
            return await ProgramProtocol(
                FalseChild(messages), request, (0, api), serve, limits
            ).run()

        return asyncio.run(talk())

    return run


@pytest.fixture(scope="module")
def api_wire_and_api(api_wire, api):
    return api_wire, api


# The end of a process


@pytest.mark.parametrize("number", [32, 33, 34, 35, 50, 64, 65, 100, 127, 2**31])
def test_a_signal_without_a_name_has_a_number(number):
    kind, message = describe_exit(-number, Limits())
    assert kind == "sandbox"
    assert signal_name(number) in message
    if number not in list(signal.Signals):
        assert signal_name(number) == f"signal {number}"
        with pytest.raises(ValueError, match="is not a valid Signals"):  # the control
            signal.Signals(number)


@given(st.integers(-(2**40), 2**40), st.booleans())
def test_every_exit_status_has_a_description(status, out_of_memory):
    kind, message = describe_exit(status, Limits(), out_of_memory=out_of_memory)
    assert kind in ("timeout", "memory", "sandbox")
    assert message.endswith(".")


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
@pytest.mark.parametrize(
    "number", [35, signal.SIGRTMAX, signal.SIGTERM, signal.SIGUSR1, signal.SIGILL]
)
def test_a_program_that_a_signal_ends_is_a_failure(request_for, number):
    async def once():
        async with Jail(spare=False) as jail:

            async def kill(call):
                os.kill(programs_of(jail)[0], number)
                return True

            return await jail.run(request_for("return image.exists('x')"), kill)

    failure = asyncio.run(once()).failure
    assert failure.kind == "sandbox"
    assert signal_name(number) in failure.message


# Frames of a hostile child


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(words, st.lists(things, max_size=6)).map(lambda t: [t[0], *t[1]]), max_size=3
    )
)
def test_no_message_raises(converse, messages):
    result = converse(CHECKED, *messages)
    assert result.failure is not None or messages[0][0] == "done" or messages[-1][0] == "done"


@pytest.mark.parametrize(
    "message",
    [
        ["failed", "runtime", "x" * 1_001, None, ""],
        ["failed", "runtime", "x" * 200_000, None, ""],
        ["failed", "runtime", "x", None, "p" * 104],
        ["failed", "runtime", "x", None, "\u00e9" * 60],
        ["failed", "runtime", "x", True, ""],
        ["failed", "runtime", "x", 0, ""],
        ["failed", "runtime", "x", -5, ""],
        ["failed", "runtime", "x", 1_003, ""],
        ["failed", "runtime", "x", 2**62, ""],
        ["done", 1, "p" * 104],
        ["done", "x" * 70_000, ""],
        ["call", True, "ImagePatch.find", GOOD, ("dog",), 2],
        ["call", 1, "ImagePatch.find", GOOD, ("dog",), True],
        ["call", 1, "ImagePatch.find", GOOD, ("dog",), 0],
        ["call", 1, "ImagePatch.find", GOOD, ("dog",), 2**40],
    ],
    ids=lambda message: repr(message)[:60],
)
def test_a_frame_beyond_the_limits_ends_the_session(converse, message):
    failure = converse(CHECKED, message).failure
    assert failure.kind == "limit"
    assert failure.message.startswith("The program broke the rules of the sandbox: ")


@pytest.mark.parametrize(
    "message",
    [
        ["failed", "runtime", "x" * 1_000, None, ""],
        ["failed", "runtime", "x", None, "p" * 100 + "…"],
        ["failed", "runtime", "x", 1, ""],
        ["failed", "runtime", "x", 1_002, ""],
        ["failed", "runtime", "x", None, ""],
    ],
    ids=lambda message: repr(message)[:60],
)
def test_a_frame_within_the_limits_is_taken(converse, message):
    """The control of the test above."""
    failure = converse(CHECKED, message).failure
    assert (failure.kind, failure.message) == ("runtime", capped(message[2]))


@pytest.mark.parametrize(
    "report",
    [
        [[("check", 1, "x")] * 101, []],
        [[("check", 1, "x" * 1_001)], []],
        [[("check", True, "x")], []],
        [[("check", 0, "x")], []],
        [[("check", 2**50, "x")], []],
        [[], [(True, "find", (), False)]],
        [[], [(-1, "find", (), False)]],
        [[], [(1, "find", (), False)] * 50_001],
    ],
    ids=lambda report: repr(report)[:40],
)
def test_a_report_beyond_the_limits_ends_the_session(converse, report):
    failure = converse(["checked", "source", *report, None]).failure
    assert failure.message.startswith("The program broke the rules of the sandbox: ")


def test_a_report_within_the_limits_is_taken(converse):
    failure = converse(["checked", "source", [("check", 1, "x" * 600)] * 100, [], None]).failure
    assert failure.kind == "check"


# Values that a program returns


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("{frozenset({1})}", "returned a frozenset in a set"),
        ("{(1, frozenset({1}))}", "returned a frozenset in a set"),
        ("frozenset({frozenset()})", "returned a frozenset in a set"),
        ("{frozenset({1}): 2}", "returned a frozenset as a key"),
        ("[{'a': {((frozenset(),),)}}]", "returned a frozenset in a set"),
        ("{image: {frozenset({image})}}", "returned a frozenset in a set"),
        ("float('inf')", "must be finite"),
        ("2 ** 64", "must fit into 64 bits"),
        ("print", "return a string"),
    ],
)
def test_a_value_that_cannot_be_sent_is_a_failure_of_the_program(run_here, expression, words):
    failed = run_here(f"def execute_command(image):\n    return {expression}")
    assert failed.kind == "runtime"
    assert words in failed.message


@pytest.mark.parametrize("expression", ["frozenset({1})", "{(1, 2)}", "[frozenset({1})]"])
def test_a_frozenset_that_is_no_key_is_a_value(run_here, expression):
    value = run_here(f"def execute_command(image):\n    return {expression}")
    assert {1} in (value, *value) or value == {(1, 2)}


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("'x' * 1_000_001", "limit"),
        ("[0] * 200_001", "limit"),
        ("['allowed values'] * 100_000", "limit"),
        ("{'values are allowed': float('nan')}", "runtime"),
        ("{'allowed': 2 ** 64}", "runtime"),
    ],
)
def test_the_kind_of_a_failure_depends_on_its_type_alone(run_here, expression, kind):
    assert run_here(f"def execute_command(image):\n    return {expression}").kind == kind


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.lists(inner, max_size=3).map(tuple)
            | st.frozensets(st.integers() | st.frozensets(st.integers(), max_size=2), max_size=3)
        ),
        max_leaves=10,
    )
)
def test_lowering_and_packing_raise_nothing_else(value):
    with contextlib.suppress(NotAValueError, WireError):
        pack(lower(value), 10_000)


def test_too_large_is_a_type_of_its_own():
    with pytest.raises(TooLargeError):
        pack("x" * 100, 10)
    with pytest.raises(WireError) as caught:
        pack(2**64, 10)
    assert not isinstance(caught.value, TooLargeError)


@given(st.binary(max_size=60) | st.text().map(str.encode))
def test_unpacking_raises_nothing_but_a_wire_error(data):
    with contextlib.suppress(WireError):
        unpack(data)
