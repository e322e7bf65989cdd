"""What a program sends is counted: values of an argument, values and bytes of all calls, messages."""

import asyncio
import itertools
from collections.abc import Iterator

import pytest

from viper_sandbox import Limits, PatchRef
from viper_sandbox.api import Api
from viper_sandbox.findings import capped, capped_all
from viper_sandbox.limits import MAX_ARGUMENT_VALUES
from viper_sandbox.program_protocol import ProgramProtocol
from viper_sandbox.wire import count_values, pack

IMAGE = PatchRef(7, (0.0, 0.0, 300.0, 200.0))
CHECKED = ["checked", "source", [], [], None]


class FalseChild:
    """Sends prepared messages in the place of a child that has escaped."""

    pending_bytes = 0

    def __init__(self, messages):
        self.messages = itertools.chain.from_iterable(
            part if isinstance(part, Iterator) else [part] for part in messages
        )

    async def begin(self, message):
        pass

    async def send(self, message):
        pack(message, 10_000_000)

    async def receive(self):
        message = next(self.messages)
        return message, len(pack(message, 100_000_000))


@pytest.fixture
def converse(request_for, stub_handler, api):
    def run(*messages, handler=stub_handler, api=api, **limits):
        async def talk():
            protocol = ProgramProtocol(
                FalseChild(messages), request_for("return 1"), (0, api), handler, Limits(**limits)
            )
            return await protocol.run()

        return asyncio.run(talk())

    return run


def matching(patches, number=1, content="dog"):
    return ["call", number, "best_image_match", None, (patches, content, True), 2]


def choosing(options, number=1):
    return ["call", number, "ImagePatch.best_text_match", IMAGE, (options, None), 2]


DONE = ["done", 1, ""]


# -- the program is told by the child


def test_a_program_can_catch_that_it_sends_too_many_values(run_jailed):
    served = []

    async def handler(call):
        served.append(len(call.arguments[0]))
        return 0

    source = """
        def execute_command(image):
            attempts = [
                lambda: best_image_match([image] * 150_000, "dog"),
                lambda: best_image_match([image], ["dog"] * 20_000),
                lambda: best_image_match(tuple([image] * 1_001), "dog", True),
                lambda: image.best_text_match(["x"] * 1_001),
                lambda: image.best_text_match(str(n) for n in range(100_000)),
                lambda: best_image_match([image] * 1_000, "dog", True),
            ]
            told = []
            for attempt in attempts:
                try:
                    told.append(attempt())
                except ValueError as error:
                    told.append(str(error))
            return told
    """
    *told, last = run_jailed(source, handler).value
    assert len(told) == 5
    for text in told:
        assert text.endswith("() cannot take this: More than 1,000 values at once.")
    assert (last, served) == (0, [1_000])  # the control


# -- and a child that has escaped ends


ESCAPED = {
    "patches": matching([IMAGE] * (MAX_ARGUMENT_VALUES + 1)),
    "twenty thousand patches": matching([IMAGE] * 20_000),
    "texts": matching([IMAGE], content=["dog"] * 1_001),
    "options": choosing(["x"] * 1_001),
    "empty options": choosing([""] * 50_000),
}


@pytest.mark.parametrize("message", ESCAPED.values(), ids=ESCAPED)
def test_an_argument_of_too_many_values_breaks_the_rules(converse, message):
    failure = converse(CHECKED, message, DONE).failure
    assert failure.kind == "limit"
    assert "with an argument of" in failure.message


@pytest.mark.parametrize("message", ESCAPED.values(), ids=ESCAPED)
def test_control_without_the_bound_such_an_argument_is_served(converse, message, monkeypatch):
    monkeypatch.setattr("viper_sandbox.program_protocol.MAX_ARGUMENT_VALUES", 10**9)
    assert converse(CHECKED, message, DONE, values=10**9).value == 1


LOOPS = {
    "patches": [matching([IMAGE] * 900, n) for n in range(1, 8)],
    "options": [choosing(["x"] * 900, n) for n in range(1, 8)],
    "texts": [matching([IMAGE], n, ["dog"] * 900) for n in range(1, 8)],
    "empty texts": [choosing([""] * 900, n) for n in range(1, 8)],
    "single values": [choosing(["x"], n) for n in range(1, 1_500)],
}


@pytest.mark.parametrize("messages", LOOPS.values(), ids=LOOPS)
def test_the_values_of_all_calls_together_are_limited(converse, messages):
    failure = converse(CHECKED, *messages, DONE, values=5_000).failure
    assert (failure.kind, failure.line) == ("limit", 2)
    assert failure.message == "The program sent more than 5,000 values to models."
    assert converse(CHECKED, *messages, DONE, values=20_000).value == 1  # the control


LONG = {
    "a long category": [PatchRef(7, IMAGE.box_xyxy, "x" * 1_000)] * 50,
    "characters of six bytes": [PatchRef(7, IMAGE.box_xyxy, "\0" * 200)] * 50,
    "characters of four bytes": [PatchRef(7, IMAGE.box_xyxy, "\U0001f600" * 300)] * 50,
    "many patches": [PatchRef(7, (0.123456789, 0.123456789, 1.123456789, 199.87654321))] * 800,
    "one category": [PatchRef(7, IMAGE.box_xyxy, "x" * 60_000)],
}


@pytest.mark.parametrize("patches", LONG.values(), ids=LONG)
def test_the_bytes_of_all_calls_together_are_limited(converse, patches):
    few = {"text_bytes": 2_000, "source_bytes": 1, "result_bytes": 1, "printed_bytes": 1}
    messages = [matching(patches, n) for n in range(1, 20)]
    failure = converse(CHECKED, *messages, DONE, **few).failure
    assert failure.kind == "limit"
    assert failure.message == "The program sent more than 155,086 bytes in calls."
    assert converse(CHECKED, *messages, DONE, values=20_000).value == 1  # the control


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (1, 1),
        ([], 1),
        ([[], [], []], 4),
        ({"a": [1, 2]}, 5),
        ({1, 2}, 3),
        ((IMAGE, "x", None), 4),
    ],
)
def test_containers_count_too(value, count):
    assert count_values(value) == count


def test_nested_empty_lists_of_a_module_count(converse, api_wire):
    method = {
        "params": [{"name": "rows", "type": "list[list[int]]", "required": True, "default": None}],
        "returns": "int",
        "remote": True,
    }
    api = Api.from_wire({**api_wire, "functions": {**api_wire["functions"], "total": method}})

    async def handler(call):
        return 1

    message = ["call", 1, "total", None, ([[]] * 1_001,), 2]
    assert (
        "1,002 values" in converse(CHECKED, message, DONE, handler=handler, api=api).failure.message
    )
    fits = ["call", 1, "total", None, ([[]] * 1_000,), 2]
    assert converse(CHECKED, fits, DONE, handler=handler, api=api).value == 1


# -- messages


@pytest.mark.parametrize(
    "messages",
    [
        [CHECKED, ["failed", "runtime", "x" * 1_000, 1, ""]],
        [CHECKED, ["failed", "memory", "\x1b" * 1_000, None, ""]],
        [["failed", "sandbox", "x" * 1_280_000, None, ""]],
        [["checked", "s", [("check", 1, "x" * 1_000)], [], None]],
        [["checked", "s", [("policy", n + 1, "é" * 1_000) for n in range(100)], [], None]],
    ],
    ids=["runtime", "memory", "sandbox", "finding", "findings"],
)
@pytest.mark.parametrize("is_capped", [True, False], ids=["capped", "control"])
def test_messages_of_a_child_are_capped_where_they_enter(
    converse, monkeypatch, messages, is_capped
):
    if not is_capped:
        monkeypatch.setattr("viper_sandbox.findings._MAX_MESSAGE", 10**9)
        monkeypatch.setattr("viper_sandbox.findings._MAX_JOINED", 10**9)
    result = converse(*messages)
    found = result.checked.findings if result.checked else ()
    longest = max(
        len(result.failure.message) - (1_300 if found else 0), *(len(f.message) for f in found), 0
    )
    assert (longest <= 700) is is_capped
    if is_capped and found:
        assert max(len(finding.message) for finding in found) <= 700


def test_call_sites_are_limited_by_the_nodes_of_a_program(converse):
    sites = [(1, "find", (), False)] * 1_000
    assert converse(["checked", "s", [], sites, None], DONE, nodes=1_000).value == 1
    failure = converse(["checked", "s", [], sites, None], DONE, nodes=999).failure
    assert "More findings or call sites" in failure.message


def test_a_capped_message_keeps_its_beginning_and_its_end():
    assert capped("short") == "short"
    assert capped("x" * 700) == "x" * 700
    text = capped("It is wrong: " + "x" * 10_000 + ". Write find(name) instead.")
    assert len(text) == 700
    assert text.startswith("It is wrong: xxx")
    assert text.endswith("x. Write find(name) instead.")
    assert capped(text) == text


def test_capped_messages_are_listed_once():
    assert capped_all(["b", "a", "b"]) == ("b", "a")
    assert len(capped_all(map(str, range(100)))) == 100
    assert capped_all(map(str, range(101)))[-2:] == ("98", "… and 2 more")


RESULTS = {
    "a list": list(range(5_001)),
    "nested lists": [[[]] for _ in range(2_501)],
    "a dict": {number: number for number in range(2_501)},
    "a set": set(range(5_001)),
    "patches": [IMAGE] * 5_001,
}


@pytest.mark.parametrize("value", RESULTS.values(), ids=RESULTS)
def test_a_child_that_returns_too_many_values_breaks_the_rules(converse, value):
    failure = converse(CHECKED, ["done", value, ""]).failure
    assert failure.kind == "limit"
    assert "A result of too many values." in failure.message
    assert (
        converse(CHECKED, ["done", value, ""], result_values=20_000).failure is None
    )  # the control


def test_more_call_sites_than_are_reported_break_the_rules(converse):
    sites = [(1, "find", (), False)] * 1_001
    assert converse(["checked", "s", [], sites[:1_000], None], DONE).value == 1
    failure = converse(["checked", "s", [], sites, None], DONE).failure
    assert "More findings or call sites" in failure.message
