"""Connections that are opened and closed again and again, and who pays for them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import time

import pytest

from fakes.running import Running, run
from viper.serve.loop_time import LoopTime

HOST = b"Host: 127.0.0.1\r\n"
CLOSE = HOST + b"Connection: close\r\n"
SENT = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: 127",
    "a request": b"GET /healthz HTTP/1.1\r\n" + CLOSE + b"\r\n",
    "an old request": b"GET /healthz HTTP/1.0\r\n" + HOST + b"\r\n",
    "no http": b"nonsense\r\n\r\n",
    "a path that does not exist": b"GET /no HTTP/1.1\r\n" + CLOSE + b"\r\n",
    "a foreign host": b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    "a body that is refused": b"POST /v1/ask HTTP/1.1\r\n" + CLOSE + b"Content-Length: 2\r\n\r\n{}",
    "an expectation": b"POST /no HTTP/1.1\r\n" + CLOSE + b"Expect: 100-continue\r\n\r\n",
}
MANY = 40
GOOD, BAD = "127.0.0.1", "127.0.0.2"


async def hammer(running, data, times=MANY):
    for _ in range(times):
        reader, writer = await running.send(data, BAD)
        if data.endswith(b"\r\n\r\n") or data.endswith(b"{}"):
            await asyncio.wait_for(reader.read(), 20)
        writer.transport.abort()


def debt_s(loop_time, client):
    return loop_time._debts.get(client, (0.0, 0.0))[0]


@pytest.mark.parametrize("name", SENT)
def test_opening_and_closing_is_charged(engine, monkeypatch, name):
    """Prices are set to a second: each shows in the sum, whatever the machine does meanwhile."""
    monkeypatch.setattr("viper.serve.loop_time._BURST_S", 1e9)
    debts = []

    async def scenario(price_s):
        monkeypatch.setattr("viper.serve.acceptor._CONNECTION_S", price_s)
        monkeypatch.setattr("viper.serve.paced_protocol._REQUEST_S", price_s)
        async with Running(engine) as running:
            running.service.connections.loop_time = loop_time = LoopTime(share=1e-9)
            await hammer(running, SENT[name])
            connections = running.service.connections
            while connections.outcomes["accepted"] < MANY or len(connections):
                await asyncio.sleep(0.005)
            debts.append(debt_s(loop_time, BAD))
            assert debt_s(loop_time, GOOD) == 0

    run(scenario(1.0))
    run(scenario(0.0))  # the control
    is_request = b"HTTP/1" in SENT[name] and name != "half a head"
    assert debts[0] > (2 if is_request else 1) * MANY - 1
    assert debts[1] < MANY - 1


def test_a_client_in_debt_has_half_of_the_connections_at_most(engine):
    async def scenario():
        async with Running(engine, concurrency=1, queue=0) as running:
            connections = running.service.connections
            opened = [await running.send(address=BAD) for _ in range(connections.limit // 2)]
            while len(connections) < connections.limit // 2:
                await asyncio.sleep(0.005)
            opened.append(await running.send(address=BAD))  # the control: there is no debt yet
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(opened[-1][0].read(1), 0.1)
            connections.loop_time.charge(BAD, 10)
            for _ in range(3):
                opened.append(await running.send(address=BAD))
                with contextlib.suppress(ConnectionError):
                    assert await asyncio.wait_for(opened[-1][0].read(1), 5) == b""
            assert connections.outcomes["refused"] == 3
            other = await running.exchange(SENT["a request"])
            assert b"200 OK" in other
            for _, writer in opened:
                writer.transport.abort()
            await asyncio.sleep(0.05)

    run(scenario())


@pytest.mark.parametrize(("at_once", "turns"), [(4, 5), (1_000, 1)], ids=["a few", "control"])
def test_a_few_are_accepted_in_a_turn(engine, monkeypatch, at_once, turns):
    monkeypatch.setattr("viper.serve.acceptor._AT_ONCE", at_once)
    seen = []

    async def scenario():
        async with Running(engine) as running:
            acceptor = running.server._acceptors[0]
            acceptor._loop.remove_reader(running.listening)
            writers = [(await running.send(address=BAD))[1] for _ in range(20)]
            while len(acceptor._starting) + sum(seen) < 20:
                before = len(acceptor._starting)
                acceptor._accept()
                seen.append(len(acceptor._starting) - before)
                await asyncio.sleep(0.01)
            assert len(seen) == turns
            for writer in writers:
                writer.transport.abort()

    run(scenario())


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_without_file_descriptors_it_accepts_again_later(engine, monkeypatch, code):
    monkeypatch.setattr("viper.serve.acceptor._RETRY_S", 0.05)

    class Failing:
        def __init__(self, real):
            self.real, self.calls = real, 0

        def __getattr__(self, name):
            return getattr(self.real, name)

        def accept(self):
            self.calls += 1
            if self.calls <= 3:
                raise OSError(code, "no more")
            return self.real.accept()

    async def scenario():
        async with Running(engine) as running:
            acceptor = running.server._acceptors[0]
            failing = acceptor._listening = Failing(running.listening)
            assert b"200 OK" in await running.exchange(SENT["a request"])
            assert failing.calls > 3

    run(scenario())


@pytest.mark.parametrize("slow", [True, False], ids=["slow", "control"])
def test_the_line_in_the_log_is_charged(engine, slow):
    class Slow(logging.Handler):
        def emit(self, record):
            until_s = time.thread_time() + 0.02
            while slow and time.thread_time() < until_s:
                pass

    log, handler = logging.getLogger("viper.serve.access"), Slow()
    level = log.level

    async def scenario():
        async with Running(engine) as running:
            running.service.connections.loop_time = loop_time = LoopTime(share=1e-9)
            for _ in range(5):
                await running.exchange(SENT["a request"])
            assert (debt_s(loop_time, GOOD) >= 0.1) == slow

    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        run(scenario())
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
