"""A program's own time: not that in which the host was busy with others, but all in which it is silent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time

import pytest

from viper_sandbox import Limits, PatchRef
from viper_sandbox.async_frame_socket import AsyncFrameSocket
from viper_sandbox.loop_turns import new_event_loop, turns_of
from viper_sandbox.process import ChildProcess
from viper_sandbox.program_protocol import ProgramProtocol
from viper_sandbox.wire import HEADER_BYTES, frame, pack, payload_length

LIMIT_S = 0.3
FRAME_BYTES = 10_000_000
WHOLE = PatchRef(7, (0.0, 0.0, 300.0, 200.0))
CALLS = 12


class Line:
    """The child's end of the socket."""

    def __init__(self, connected):
        self.socket = connected

    def send(self, message):
        self.socket.sendall(frame(pack(message, FRAME_BYTES)))

    def receive(self):
        return self.read(payload_length(self.read(HEADER_BYTES), FRAME_BYTES))

    def read(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise OSError("The host is gone.")
            data += part
        return data


class Child:
    """What a child does, in a thread; the session is over when its socket is closed."""

    def __init__(self, act):
        self.act = act
        self.ours, self.theirs = socket.socketpair()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        line = Line(self.theirs)
        with contextlib.suppress(OSError):
            line.send(["ready", {}])
            line.receive()
            self.act(line, self.over)


def checked(line):
    line.send(["checked", "source", [], [], None])


def call(line, number):
    line.send(["call", number, "ImagePatch.exists", WHOLE, ("cup",), 2])
    line.receive()


def result_of(
    request, api, act, *, loop=new_event_loop, busy=None, limit_s=LIMIT_S, patience_s=20.0
):
    """Return the result of a program whose child acts like this, None if it never ended, and its duration."""
    child = Child(act)

    async def serve(_):
        return True

    async def talk():
        at_work = [asyncio.ensure_future(work()) for work in busy or ()]
        ended = asyncio.get_running_loop().create_future()
        line = AsyncFrameSocket(child.ours, FRAME_BYTES)
        process = ChildProcess(line, None, 5.0, ended, lambda: None, lambda: None)
        protocol = ProgramProtocol(process, request, (0, api), serve, Limits(program_s=limit_s))
        child.thread.start()
        started_s = time.monotonic()
        try:
            async with asyncio.timeout(patience_s):
                return await protocol.run(), time.monotonic() - started_s
        except TimeoutError:
            return None, patience_s
        finally:
            child.over.set()
            for one in at_work:
                one.cancel()
            process.dismiss()
            child.thread.join()
            child.theirs.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(talk())


def quick(line, over):
    """An innocent program, which computes next to nothing and makes some calls."""
    checked(line)
    for number in range(1, CALLS + 1):
        call(line, number)
    line.send(["done", 1, ""])


async def long_callbacks():
    while True:
        time.sleep(0.1)  # the loop is blocked: that is the attack
        await asyncio.sleep(0)


async def short_callbacks():
    def block():
        time.sleep(0.01)

    loop = asyncio.get_running_loop()
    while True:
        for _ in range(6):
            loop.call_soon(block)
        await asyncio.sleep(0)


async def computation():
    while True:
        end_s = time.thread_time() + 0.06
        while time.thread_time() < end_s:
            pass
        await asyncio.sleep(0)


async def timers():
    def block():
        time.sleep(0.03)
        loop.call_later(0.0001, block)

    loop = asyncio.get_running_loop()
    for _ in range(3):
        block()
    await asyncio.sleep(20)


async def many_tasks():
    async def one():
        while True:
            time.sleep(0.01)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(one())


async def short_turns():
    while True:
        end_s = time.thread_time() + 0.004
        while time.thread_time() < end_s:
            pass
        await asyncio.sleep(0)


BUSY = [long_callbacks, short_callbacks, computation, timers, many_tasks]


@pytest.fixture
def request_(request_for):
    return request_for("return 1")


@pytest.mark.parametrize("busy", BUSY, ids=lambda work: work.__name__)
def test_a_loop_that_works_for_others_is_no_time_of_a_program(request_, api, busy):
    result, took_s = result_of(request_, api, quick, busy=[busy])
    assert result is not None
    assert (result.value, result.failure, result.calls) == (1, None, CALLS)
    assert took_s > LIMIT_S
    assert result.own_s < LIMIT_S / 2


@pytest.mark.parametrize("busy", BUSY, ids=lambda work: work.__name__)
def test_without_the_turns_of_the_loop_it_would_be(request_, api, busy):
    result, _ = result_of(request_, api, quick, busy=[busy], loop=asyncio.new_event_loop)
    assert result is not None
    assert result.own_s > LIMIT_S
    assert result.failure is None or result.failure.kind == "timeout"


def silent(line, over):
    checked(line)
    over.wait(20)


def never_checked(line, over):
    over.wait(20)


def byte_by_byte(line, over):
    checked(line)
    for byte in frame(pack(["done", "x" * 100_000, ""], FRAME_BYTES)):
        line.socket.sendall(bytes([byte]))
        if over.wait(0.005):
            return


def pauses_between_calls(line, over):
    checked(line)
    for number in range(1, 1_000):
        call(line, number)
        if over.wait(LIMIT_S / 10):
            return


def half_a_frame(line, over):
    checked(line)
    line.socket.sendall(frame(pack(["done", "x" * 200_000, ""], FRAME_BYTES))[:150_000])
    over.wait(20)


def half_a_header(line, over):
    checked(line)
    call(line, 1)
    line.socket.sendall(b"\0\0")
    over.wait(20)


STALLING = [silent, never_checked, byte_by_byte, pauses_between_calls, half_a_frame, half_a_header]


@pytest.mark.parametrize("busy", [[], [short_turns]], ids=["idle", "busy"])
@pytest.mark.parametrize("act", STALLING, ids=lambda act: act.__name__)
def test_a_program_that_stalls_ends_in_time(request_, api, act, busy):
    result, took_s = result_of(request_, api, act, busy=busy)
    assert result is not None
    assert result.failure is not None
    assert result.failure.kind == "timeout"
    assert LIMIT_S <= took_s < 10 * LIMIT_S


@pytest.mark.parametrize("act", STALLING, ids=lambda act: act.__name__)
def test_with_a_longer_limit_it_would_go_on(request_, api, act):
    result, _ = result_of(request_, api, act, limit_s=60.0, patience_s=3 * LIMIT_S)
    assert result is None


def test_own_time_is_counted_in_full_on_an_idle_loop(request_, api):
    def slow(line, over):
        checked(line)
        for number in range(1, 6):
            over.wait(0.04)
            call(line, number)
        line.send(["done", 1, ""])

    result, _ = result_of(request_, api, slow)
    assert result is not None
    assert 0.18 <= result.own_s < 1.0


def test_a_plain_loop_notes_no_turns():
    for loop, notes in ((new_event_loop(), True), (asyncio.new_event_loop(), False)):
        try:
            assert (turns_of(loop) is not None) is notes
        finally:
            loop.close()
