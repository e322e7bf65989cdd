"""The end of the server: each request gets its answer or a 503, whatever it was doing, and in time."""

from __future__ import annotations

import asyncio
import signal
import threading
import time

import pytest

from fakes.asgi import as_json, form
from fakes.hostile_images import jpeg_of_scans
from fakes.running import Running, run
from fakes.serving import PNG, RUN

ENDLESS = "def execute_command(image):\n    while True:\n        pass"
TEDIOUS = jpeg_of_scans(50, (4_000, 4_000))  # two seconds of work


def post(path, sent, length=None):
    length = len(sent["body"]) if length is None else length
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n"
    head += f"Content-Type: {sent['headers']['content-type']}\r\n\r\n"
    return head.encode() + sent["body"]


PROGRAM = form({"program": ENDLESS}, file=PNG)
BUSY = {
    "the body of a form arrives": post("/v1/run", PROGRAM, 10_000_000),
    "the body of a JSON request arrives": post("/v1/run", as_json({"program": "x"}), 10_000_000),
    "the body of a check arrives": post("/v1/check", as_json({"program": "x"}), 1_000),
    "its image is decoded": post("/v1/run", form({"program": RUN}, file=TEDIOUS)),
    "its program runs": post("/v1/run", PROGRAM),
    "its program streams": post("/v1/run", form({"program": ENDLESS, "stream": "true"}, file=PNG)),
    "its model hangs": post("/v1/run", form({"program": RUN}, file=PNG)),
    "it expects to continue": post("/v1/run", PROGRAM, 9_999).replace(
        b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n", 1
    ),
}
IDLE = {
    "nothing was sent": b"",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: 12",
    "an answer was read": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a body follows its refusal": post("/nothing", PROGRAM, 10_000_000),
}


@pytest.fixture
def hanging(fake_engine):
    """An engine whose detector does not come back until the test ends."""
    go = threading.Event()

    class Hanging:
        fingerprint = "hanging"
        vocabulary = None

        def detect(self, requests):
            go.wait(30)
            return [[] for _ in requests]

    yield fake_engine(detector=Hanging())
    go.set()


async def ended_in_s(running, signals):
    """Send signals, a little apart; return how long the server took to end since the last one."""
    for _ in range(signals):
        running.server.handle_exit(signal.SIGTERM, None)
        await asyncio.sleep(0.02)
    began_s = time.monotonic()
    await asyncio.wait_for(asyncio.shield(running.task), 20)
    return time.monotonic() - began_s


@pytest.mark.parametrize("how", ["a second signal", "the end of the grace period"])
@pytest.mark.parametrize("doing", BUSY)
def test_every_request_is_told_and_the_server_ends(hanging, doing, how):
    options = {"grace_s": 0.2 if how != "a second signal" else 60, "max_pixels": 20_000_000}

    async def scenario():
        async with Running(hanging, concurrency=2, **options) as running:
            opened = [await running.send(BUSY[doing]) for _ in range(4)]  # two wait for a slot
            while running.service.admission.admitted < 4:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.1)
            asked = [asyncio.ensure_future(reader.read()) for reader, _ in opened]
            took_s = await ended_in_s(running, 2 if how == "a second signal" else 1)
            for reply in await asyncio.gather(*asked):
                assert b'"kind":"shutdown"' in reply
                is_stream = doing == "its program streams"
                assert (b"event: error" if is_stream else b"HTTP/1.1 503 ") in reply
                assert b"500" not in reply.splitlines()[0]
            assert took_s < 5  # what they do takes a minute
            assert running.service.admission.admitted == 0
            for _, writer in opened:
                writer.transport.abort()

    run(scenario())


@pytest.mark.parametrize("state", IDLE)
def test_connections_without_a_request_do_not_hold_it_up(engine, state):
    async def scenario():
        async with Running(engine, grace_s=60, head_s=60) as running:
            opened = [await running.send(IDLE[state]) for _ in range(4)]
            await asyncio.sleep(0.2)
            assert await ended_in_s(running, 1) < 5
            for _, writer in opened:
                writer.transport.abort()

    run(scenario())


def test_control_a_request_that_ends_within_the_grace_period_is_answered(held):
    async def scenario():
        async with Running(held, grace_s=60) as running:
            reader, writer = await running.send(post("/v1/run", form({"program": RUN}, file=PNG)))
            while not held.started:
                await asyncio.sleep(0.005)
            running.server.handle_exit(signal.SIGTERM, None)
            await asyncio.sleep(0.3)
            held.go.set()
            assert b"HTTP/1.1 200 OK" in await asyncio.wait_for(reader.read(), 10)
            writer.transport.abort()

    run(scenario())


@pytest.mark.parametrize(("signals", "least_s", "most_s"), [(2, 1.0, 5.0), (3, 0.0, 0.9)])
def test_who_does_not_read_is_cut(engine, monkeypatch, signals, least_s, most_s):
    """After the second signal the rest of an answer may be read; a third one ends that, too."""
    monkeypatch.setattr("viper.serve.server._ERRORS_S", 1.2)
    monkeypatch.setattr(
        "viper.serve.app.answer_json", lambda *_, **__: {"answer": "x" * 12_000_000}
    )

    async def scenario():
        async with Running(engine, grace_s=60) as running:
            _, writer = await running.send(post("/v1/run", form({"program": RUN}, file=PNG)))
            writer.transport.pause_reading()
            while not len(running.service.connections):
                await asyncio.sleep(0.005)
            (connection,) = running.server.server_state.connections
            while not connection.transport.get_write_buffer_size():
                await asyncio.sleep(0.005)
            assert least_s < await ended_in_s(running, signals) < most_s
            writer.transport.abort()

    run(scenario())


def test_nothing_follows_an_event_that_was_cut(held, monkeypatch):
    """An error in the middle of an event would be taken for a part of it."""
    monkeypatch.setattr("viper.serve.server._ERRORS_S", 0.3)
    monkeypatch.setattr(
        "viper.serve.events.answer_json", lambda *_, **__: {"answer": "x" * 12_000_000}
    )
    held.go.set()

    async def scenario():
        async with Running(held, grace_s=60) as running:
            sent = form({"program": RUN, "stream": "true"}, file=PNG)
            reader, writer = await running.send(post("/v1/run", sent))
            writer.transport.pause_reading()
            while not len(running.service.connections):
                await asyncio.sleep(0.005)
            (connection,) = running.server.server_state.connections
            while not connection.transport.get_write_buffer_size():
                await asyncio.sleep(0.005)
            for slot in running.service.admission._queue:
                slot.is_answered = False
            await ended_in_s(running, 2)
            writer.transport.resume_reading()
            reply = b""
            try:
                while part := await asyncio.wait_for(reader.read(1 << 20), 10):
                    reply += part
            except ConnectionError:
                pass
            assert b"event: answer" in reply
            assert b"event: error" not in reply
            writer.transport.abort()

    run(scenario())
