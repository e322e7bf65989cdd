"""Frames of an attacker, in bulk: the host does not crash, does not hang, and does not grow."""

import asyncio
import contextlib
import json
import random
import socket
import struct
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viper_sandbox import Limits, PatchRef
from viper_sandbox.async_frame_socket import AsyncFrameSocket, ChildGoneError
from viper_sandbox.program_protocol import ProgramProtocol
from viper_sandbox.wire import FrameBuffer, WireError, frame, pack, unpack

WHOLE = (0.0, 0.0, 300.0, 200.0)
IMAGE = PatchRef(7, WHOLE)
SEEDS = range(20)
FRAMES_PER_SEED = 1_000  # 20,000 in all
GOOD_CALL = ["call", 1, "ImagePatch.find", IMAGE, ("dog",), 2]
SEEDLINGS = [
    pack(message, 10_000)
    for message in (
        GOOD_CALL,
        ["call", 1, "best_image_match", None, ([IMAGE], ["a"], False), 3],
        ["done", {"a": {1, 2.5}, (1, "x"): [None, True, IMAGE]}, "printed"],
        ["failed", "runtime", "é\u2028\x00", 3, ""],
        ["checked", "source", [("policy", 3, "no")], [(3, "find", ("dog", None))], None],
    )
]
SCRAPS = [
    b"[", b"]", b"{", b"}", b'"', b"\\", b"\\ud800", b"\\u0000", b"1e999", b"-1e999", b"NaN", b"Infinity",
    b"9" * 400, b"-", b"0.", b"null", b"true", b",", b":", b'{"patch":', b'{"dict":[', b'{"set":[[]]}',
    b'{"tuple":', b"[" * 2_000, b'{"tuple":[' * 200, b"\xff\xfe", b"\xed\xa0\x80", b"\x00", b" ",
]  # fmt: skip


def mutate(chance, payload):
    """Damage a good payload in one to four ways, as a fuzzer does."""
    data = bytearray(payload)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data[at:at] = chance.choice(SCRAPS)
            case 1:
                del data[at : at + chance.randint(1, 20)]
            case 2 if data:
                data[at % len(data)] = chance.randrange(256)
            case 3:
                data[at:at] = data[: chance.randint(0, 60)]
            case 4:
                data[at:] = chance.choice(SEEDLINGS)[at:]
            case _:
                data = bytearray(chance.randbytes(chance.randint(1, 60)))
    return bytes(data)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_decoder_takes_or_refuses_whatever_comes(seed):
    chance = random.Random(seed)
    refused = 0
    for _ in range(FRAMES_PER_SEED):
        payload = mutate(chance, chance.choice(SEEDLINGS))
        try:
            value = unpack(payload)
        except WireError:
            refused += 1
        else:
            assert unpack(pack(value, 10_000_000)) == value  # what is taken is sound
    assert refused > FRAMES_PER_SEED // 2


def test_decoding_hostile_frames_takes_bounded_memory_and_time():
    chance = random.Random(0)
    payloads = [mutate(chance, chance.choice(SEEDLINGS)) for _ in range(2_000)]
    payloads += [
        b"[" * 500_000,
        b'{"tuple":[' * 50_000,
        b"[" + b"0," * 500_000 + b"0]",
        b'["' + b"\\u00e9" * 150_000 + b'"]',
        b"[" + b"1" * 1_000_000 + b"]",
        b'{"set":[' + b",".join(b"%d" % n for n in range(150_000)) + b"]}",
    ]
    tracemalloc.start()
    started = time.process_time()
    for payload in payloads:
        with contextlib.suppress(WireError):
            unpack(payload)
    _, peak = tracemalloc.get_traced_memory()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - started < 20
    assert peak < 150_000_000  # a frame of 1 MB that holds 200,000 values
    assert left < 1_000_000


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=8), st.integers(1, 50))
def test_the_buffer_cuts_frames_wherever_the_reads_end(payloads, step):
    stream = b"".join(frame(payload) for payload in payloads)
    buffer, taken = FrameBuffer(1_000), []
    for start in range(0, len(stream), step):
        buffer.feed(stream[start : start + step])
        while (payload := buffer.take()) is not None:
            taken.append(payload)
    assert taken == payloads
    assert len(buffer) == 0


class ScriptedChild:
    """Says what a test prepared, already decoded."""

    pending_bytes = 0

    def __init__(self, *messages):
        self.messages = list(messages)

    async def begin(self, message):
        pass

    async def send(self, message):
        pack(message, 10_000_000)

    async def receive(self):
        return self.messages.pop(0), 100

    def interrupt(self, error):
        raise AssertionError("no time passes here")


def converse(request, api, *messages, handler):
    async def talk():
        child = ScriptedChild(["checked", "source", [], [], None], *messages, ["done", "end", ""])
        return await ProgramProtocol(child, request, (0, api), handler, Limits()).run()

    return asyncio.run(talk())


numbers = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
patches = st.builds(
    PatchRef,
    st.integers(0, 9),
    st.tuples(numbers, numbers, numbers, numbers),
    st.text(max_size=9),
    numbers,
)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=9) | patches | st.just(IMAGE)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def wide_api(api_wire):
    from viper_sandbox.api import Api

    return Api.from_wire(api_wire)


@settings(max_examples=1_000)
@given(data=st.data())
def test_arguments_of_every_type_are_taken_or_end_the_session(data, wide_api, api_wire):
    from viper_sandbox import Request

    seen = []

    async def handler(call):
        seen.append(call)
        return {"list[ImagePatch]": [], "bool": True, "str": "x", "float": 1.0}.get(
            wide_api.remote(call.name).returns
        )

    entries = [e for e in (*wide_api.methods.values(), *wide_api.functions.values()) if e.remote]
    entry = data.draw(st.sampled_from(entries))
    arguments = data.draw(
        st.lists(values, min_size=len(entry.parameters), max_size=len(entry.parameters)).map(tuple)
        | values
    )
    receiver = data.draw(st.just(IMAGE if entry.is_method else None) | values)
    line = data.draw(st.just(2) | values)
    request = Request("return 1", api_wire, IMAGE, (300, 200))
    message = ["call", 1, entry.qualified_name, receiver, arguments, line]
    try:
        result = converse(request, wide_api, message, handler=handler)
    except TypeError as error:  # our handler does not know every type of answer
        assert "The handler must answer" in str(error)  # noqa: PT017
        return
    if seen:
        assert type(seen[0].arguments) is tuple
        assert len(seen[0].arguments) == len(entry.parameters)
        assert seen[0].receiver is None or seen[0].receiver.handle == 7
    else:
        assert result.failure.kind == "limit"


def over_a_line(talk, max_bytes=100_000):
    """Run `talk(line, theirs)` with both ends of a socket."""

    async def connect():
        ours, theirs = socket.socketpair()
        with theirs:
            line = AsyncFrameSocket(ours, max_bytes)
            try:
                async with asyncio.timeout(20):
                    return await talk(line, theirs)
            finally:
                line.close()

    return asyncio.run(connect())


def test_a_flood_while_nobody_waits_is_read_no_further_than_once():
    async def talk(line, theirs):
        theirs.setblocking(False)
        sent = 0
        waiting = asyncio.ensure_future(line.receive())
        await asyncio.sleep(0)
        theirs.send(frame(pack(["call"], 100)))
        await waiting
        with contextlib.suppress(BlockingIOError):
            for _ in range(10_000):
                sent += theirs.send(b"x" * 10_000)
                await asyncio.sleep(0)
        assert line.pending_bytes <= 65_536
        return sent

    assert over_a_line(talk) < 2_000_000  # what the kernel holds, and one read


def test_a_frame_that_announces_too_much_is_refused_before_it_is_read():
    async def talk(line, theirs):
        theirs.send(struct.pack(">I", 100_001) + b"x" * 10)
        with pytest.raises(WireError, match="announces 100,001 bytes"):
            await line.receive()

    over_a_line(talk)


def test_a_frame_that_trickles_in_is_one_frame():
    async def talk(line, theirs):
        async def trickle():
            for byte in frame(pack(["a", "b"], 100)):
                theirs.send(bytes([byte]))
                await asyncio.sleep(0)

        _, (message, size) = await asyncio.gather(trickle(), line.receive())
        return message, size

    assert over_a_line(talk) == (["a", "b"], len(json.dumps(["a", "b"], separators=(",", ":"))))


def test_a_peer_that_does_not_read_can_be_interrupted():
    async def talk(line, theirs):
        sending = asyncio.ensure_future(line.send(["x" * 5_000_000]))
        await asyncio.sleep(0.05)
        assert not sending.done()
        line.fail(TimeoutError("enough"))
        with pytest.raises(TimeoutError, match="enough"):
            await sending

    over_a_line(talk, max_bytes=10_000_000)


def test_a_large_message_arrives_whole_when_the_peer_reads_late():
    async def talk(line, theirs):
        payload = pack(["x" * 3_000_000], 10_000_000)
        loop = asyncio.get_running_loop()
        sending = asyncio.ensure_future(line.send(["x" * 3_000_000]))
        await asyncio.sleep(0.01)
        theirs.setblocking(False)
        received = b""
        while len(received) < len(payload) + 4:
            received += await loop.sock_recv(theirs, 1 << 20)
        await sending
        return received == frame(payload)

    assert over_a_line(talk, max_bytes=10_000_000)


@pytest.mark.parametrize("waits", [True, False], ids=["while it is waited for", "before"])
def test_a_peer_that_goes_away_is_gone(waits):
    async def talk(line, theirs):
        if waits:
            asyncio.get_running_loop().call_later(0.01, theirs.close)
        else:
            theirs.close()
        with pytest.raises(ChildGoneError):
            await line.receive()
        with pytest.raises(ChildGoneError):
            await line.send(["x"])

    over_a_line(talk)
