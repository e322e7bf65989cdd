"""What a child that has gone over to the enemy can send."""

import asyncio

import pytest

from viper_sandbox import CallRejected, CallSite, Finding, Limits, PatchRef, StringLiteral
from viper_sandbox.program_protocol import ProgramProtocol
from viper_sandbox.wire import pack

WHOLE = (0.0, 0.0, 300.0, 200.0)
GOOD = PatchRef(7, WHOLE)
CHECKED = ["checked", "source", [], [], None]


class FalseChild:
    """Speaks in the place of a child: hands out messages that a test prepared."""

    def __init__(self, messages, pending_bytes=0):
        self.messages = list(messages)
        self.sent = []
        self.pending_bytes = pending_bytes

    async def begin(self, message):
        await self.send(message)

    async def send(self, message):
        pack(message, 10_000_000)
        self.sent.append(message)

    async def receive(self):
        message = self.messages.pop(0)
        return message, len(pack(message, 100_000_000))


def call(call_id=1, name="ImagePatch.find", receiver=GOOD, arguments=("dog",), line=2):
    return ["call", call_id, name, receiver, arguments, line]


@pytest.fixture
def converse(request_for, stub_handler, api):
    def run(*messages, handler=stub_handler, pending_bytes=0, **limits):
        child = FalseChild(messages, pending_bytes)

        async def talk():
            request = request_for("return 1")
            return await ProgramProtocol(child, request, (0, api), handler, Limits(**limits)).run()

        return asyncio.run(talk())

    return run


def test_an_honest_child_gets_its_answers(converse):
    result = converse(CHECKED, call(), call(2, "llm_query", None, ("q", True)), ["done", 5, "out"])
    assert (result.value, result.failure, result.calls, result.printed) == (5, None, 2, "out")


def test_a_child_says_which_patches_a_result_rests_on(converse):
    cup = PatchRef(7, (1.0, 1.0, 5.0, 5.0), "cup", 0.5)
    result = converse(CHECKED, ["done", 1, "", [[cup], [], [GOOD]]])
    assert result.evidence == ((cup,), (), (GOOD,))
    assert converse(CHECKED, ["done", 1, ""]).evidence == ()


def test_a_child_may_say_that_something_is_absent(converse):
    failure = converse(CHECKED, ["failed", "absent", "No dog was found.", 2, ""]).failure
    assert (failure.kind, failure.line) == ("absent", 2)


@pytest.mark.parametrize(
    "messages",
    [
        [["done", 1, ""]],
        ["nonsense"],
        [None],
        [["checked", "source", [], [], None], CHECKED],
        [["checked", 1, [], [], None]],
        [["checked", "source", [("evil", 1, "x")], [], None]],
        [["checked", "source", [], [("x",)], None]],
        [["checked", "source", [], []]],
        [["checked", "source", [], [], "texts"]],
        [["checked", "source", [], [], [("dog", 0)]]],
        [["checked", "source", [], [], [(1, 0, 5)]]],
        [["checked", "source", [], [], [("dog", 0, None)]]],
        [["checked", "source", [], [], [("dog", -1, 5)]]],
        [["checked", "source", [], [], [("dog", 5, 5)]]],
        [["checked", "source", [], [], [("dog", 0, 7)]]],
        [["checked", "source", [], [], [("dog", 0, 4), ("cat", 3, 6)]]],
        [["checked", "source", [], [], [("dog", 3, 6), ("cat", 0, 3)]]],
        [["checked", "source", [], [], [("dog", None, None), ("cat", 0, 3)]]],
        [["checked", "source", [], [], [("d" * 401, None, None)]]],
        [["checked", "source", [], [], [("dog", None, None)] * 201]],
        [CHECKED, ["done", 1]],
        [CHECKED, ["failed", "model", "x", 1, ""]],
        [CHECKED, ["failed", "runtime", "x", "1", ""]],
        [CHECKED, ["exec", "os.system"]],
        [CHECKED, call(call_id=2)],
        [CHECKED, call(), call(call_id=1)],
        [CHECKED, call(name="os.system")],
        [CHECKED, call(name="ImagePatch.__reduce__")],
        [CHECKED, call(name="ImagePatch.crop", arguments=(0, 0, 1, 1))],
        [CHECKED, call(name="find")],
        [CHECKED, call(name="evil.find")],
        [CHECKED, call(receiver=None)],
        [CHECKED, call(receiver="x")],
        [CHECKED, call(name="llm_query", arguments=("q", True))],
        [CHECKED, call(arguments=())],
        [CHECKED, call(arguments=("dog", "cat"))],
        [CHECKED, call(arguments=(1,))],
        [CHECKED, call(arguments=(None,))],
        [CHECKED, call(arguments=["dog"])],
        [CHECKED, call(receiver=PatchRef(8, WHOLE))],
        [CHECKED, call(receiver=PatchRef(7, (0.0, 0.0, 301.0, 200.0)))],
        [CHECKED, call(receiver=PatchRef(7, (0.0, -1.0, 300.0, 200.0)))],
        [CHECKED, call(receiver=PatchRef(7, (5.0, 5.0, 5.0, 9.0)))],
        [CHECKED, call(receiver=PatchRef(7, (9.0, 5.0, 5.0, 9.0)))],
        [CHECKED, ["done", [PatchRef(8, WHOLE)], ""]],
        [CHECKED, ["done", {PatchRef(8, WHOLE): 1}, ""]],
        [CHECKED, ["done", 1, "", None]],
        [CHECKED, ["done", 1, "", []]],
        [CHECKED, ["done", 1, "", [[], []]]],
        [CHECKED, ["done", 1, "", [[], [], [], []]]],
        [CHECKED, ["done", 1, "", [[], [], "x"]]],
        [CHECKED, ["done", 1, "", [[], [], ["x"]]]],
        [CHECKED, ["done", 1, "", [[], [], [[GOOD]]]]],
        [CHECKED, ["done", 1, "", [[PatchRef(8, WHOLE)], [], []]]],
        [CHECKED, ["done", 1, "", [[PatchRef(7, (0.0, 0.0, 301.0, 200.0))], [], []]]],
        [CHECKED, ["done", 1, "", [[GOOD] * 200, [], [GOOD] * 101]]],
        [CHECKED, ["done", 1, "", [[], [], []], []]],
    ],
    ids=repr,
)
def test_a_broken_rule_ends_the_session(converse, messages):
    failure = converse(*messages).failure
    assert failure.kind == "limit"
    assert failure.message.startswith("The program broke the rules of the sandbox: ")


def test_the_texts_of_a_program_come_with_their_places(converse):
    texts = [("dog", 0, 3), ("cat", 3, 6), ("cow", None, None)]
    result = converse(["checked", "source", [], [], texts], ["done", 1, ""])
    assert result.checked.literals == tuple(StringLiteral(*text) for text in texts)
    assert converse(CHECKED, ["done", 1, ""]).checked.literals is None


def test_a_frame_behind_a_call_ends_the_session(converse):
    failure = converse(CHECKED, call(), pending_bytes=5).failure
    assert "A frame followed a call before its answer" in failure.message


def test_a_result_that_is_larger_than_agreed_ends_the_session(converse):
    failure = converse(CHECKED, ["done", "x" * 200_000, ""], result_bytes=1_000).failure
    assert failure.kind == "limit"


def test_findings_end_the_session_before_it_runs(converse):
    findings = [("check", 4, "later"), ("policy", 9, "worse")]
    result = converse(["checked", "source", findings, [(3, "find", ("dog", None), True)], None])
    assert (result.failure.kind, result.failure.line) == ("policy", 9)
    assert result.failure.message == "worse Line 4: later"
    assert result.checked.findings == tuple(Finding(*f) for f in findings)
    assert result.checked.call_sites == (CallSite(3, "find", ("dog", None), True),)


def test_a_handler_must_answer_what_the_api_promises(converse):
    async def wrong(call):
        return None

    with pytest.raises(TypeError, match=r"must answer ImagePatch.find with list\[ImagePatch\]"):
        converse(CHECKED, call(), handler=wrong)


def test_a_handler_must_not_give_patches_of_another_image(converse):
    async def wrong(call):
        return [PatchRef(8, WHOLE)]

    with pytest.raises(ValueError, match="a patch of another image"):
        converse(CHECKED, call(), handler=wrong)


def test_counts_calls_patches_and_texts(converse, stub_handler):
    calls = [call(n, line=n) for n in (1, 2, 3)]
    for limit, words in (
        ({"calls": 2}, "all of its 2 vision and language calls"),
        ({"handles": 8}, "more than 8 patches"),
        ({"text_bytes": 8}, "more than 8 bytes of text"),
    ):
        failure = converse(CHECKED, *calls, **limit).failure
        assert (failure.kind, failure.line) == ("limit", 3)
        assert words in failure.message


PHRASE = "\x86" * 100  # 200 bytes
ANSWERS = {
    "categories of patches": ("ImagePatch.find", lambda: [PatchRef(7, WHOLE, PHRASE)] * 8),
    "long replies": ("llm_query", lambda: PHRASE * 8),
    "replies of wide characters": ("llm_query", lambda: "\U0001f642" * 400),
    "half characters": ("llm_query", lambda: "\ud800" * 300),
    "refusals": ("ImagePatch.find", lambda: CallRejected("ValueError", "a" * 1_600)),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_texts_in_answers_are_counted_together(converse, name):
    """A phrase of 200 bytes in each of 16,000 patches is 3 MB in a trace."""
    method, answer = ANSWERS[name]
    is_method = method.startswith("ImagePatch.")
    given = {"receiver": GOOD} if is_method else {"receiver": None, "arguments": ("q", True)}
    calls = [call(n, method, line=n, **given) for n in range(1, 21)]

    async def handler(_):
        value = answer()
        if isinstance(value, Exception):
            raise value
        return value

    messages = (CHECKED, *calls, ["done", 1, ""])
    ended = converse(*messages, handler=handler, answer_bytes=5_000)
    assert ended.failure.kind == "limit"
    assert ended.failure.message.startswith("The program was given more than 5,000 bytes of text")
    assert ended.calls <= 11
    # The control: with a higher limit, the same program ends well.
    assert converse(*messages, handler=handler, answer_bytes=50_000).value == 1
