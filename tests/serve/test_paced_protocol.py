"""A connection on a real socket: what it may hold, and what its requests cost whom."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from fakes.asgi import as_json, form
from fakes.running import Running, run
from fakes.serving import PNG, RUN

KB = 1_000
HEAD = "Host: 127.0.0.1\r\n"
HEALTH = f"GET /healthz HTTP/1.1\r\n{HEAD}\r\n".encode()


def post(path, sent, *more):
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *more]
    head += [f"Content-Type: {sent['headers']['content-type']}"]
    head += [f"Content-Length: {len(sent['body'])}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + sent["body"]


LONG_RUN = post("/v1/run", form({"program": RUN}, file=PNG))
CHECK = post("/v1/check", as_json({"program": "x"}))
CHUNKED = f"POST /v1/run HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode()

AHEAD = {
    "requests that are answered at once": HEALTH * 1_000,
    "posts": CHECK * 400,
    "nonsense": b"x" * 60_000,
    "requests behind the last one": HEALTH * 1_000,
    "nonsense behind the last request": b"x" * 60_000,
    "lines": b"\r\n" * 30_000,
    "a head without end": f"GET / HTTP/1.1\r\n{HEAD}X: ".encode() + b"y" * 60_000,
    "the body of a second upload": post("/v1/run", form({"program": RUN}, file=b"x" * 500 * KB)),
    "chunks": CHUNKED + b"1000\r\n%s\r\n" % (b"x" * 4096) * 15,
}


def held_bytes(running):
    """Bytes in the buffers of all connections that are not part of the request being answered."""
    connections = running.server.server_state.connections
    return sum(len(one._unread) + len(one.conn.trailing_data[0]) for one in connections)


async def send_ahead(running, start, ahead, total=3_000 * KB):
    """Send a request and then more, as fast as it is taken; return the most that the server held."""
    _, writer = await running.send(start)
    while not running.service.admission.admitted:
        await asyncio.sleep(0.005)
    peak = sent = 0
    try:
        while sent < total:
            writer.write(ahead)
            sent += len(ahead)
            await asyncio.sleep(0.002)
            peak = max(peak, held_bytes(running))
            if writer.transport.is_closing():
                break
    except ConnectionError:
        pass
    return peak, writer


@pytest.mark.parametrize("bounded", [True, False], ids=["bounded", "control"])
@pytest.mark.parametrize("name", AHEAD)
def test_what_is_sent_ahead_of_an_answer_is_bounded(held, monkeypatch, name, bounded):
    if not bounded:
        monkeypatch.setattr("viper.serve.paced_protocol._MAX_AHEAD_BYTES", 1e12)
    last = ["Connection: close"] if "behind the last" in name else []
    start = post("/v1/run", form({"program": RUN}, file=PNG), *last)

    async def scenario():
        async with Running(held) as running:
            peak, writer = await send_ahead(running, start, AHEAD[name])
            if bounded:
                assert peak < 400 * KB  # the limit, and what is read at once
                while running.service.admission.admitted:  # the run has ended with its connection
                    await asyncio.sleep(0.005)
            else:
                assert peak > 1_000 * KB
            writer.transport.abort()

    run(scenario())


@pytest.mark.parametrize("ahead", [HEALTH * 50, CHECK * 20], ids=["gets", "posts"])
def test_a_few_requests_may_be_sent_ahead(held, ahead):
    async def scenario():
        async with Running(held) as running:
            reader, writer = await running.send(LONG_RUN + ahead)
            while not held.started:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            held.go.set()
            writer.write(post("/v1/check", as_json({"program": "x"}), "Connection: close"))
            replies = await asyncio.wait_for(reader.read(), 20)
            expected = 2 + ahead.count(b"HTTP/1.1")
            assert replies.count(b"HTTP/1.1 200 OK") == expected
            writer.close()

    run(scenario())


async def answers(reader, wanted, limit_s):
    """Count the answers that arrive within a time, up to a number."""
    data = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            while data.count(b"HTTP/1.1 ") < wanted:
                data += await reader.read(65_536)
    return data.count(b"HTTP/1.1 ")


@pytest.mark.parametrize("paced", [True, False], ids=["paced", "control"])
@pytest.mark.parametrize("data", [HEALTH * 350, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 500])
def test_requests_that_come_together_are_paid_for_one_by_one(engine, monkeypatch, data, paced):
    monkeypatch.setattr("viper.serve.loop_time._BURST_S", 0.01 if paced else 1e9)
    monkeypatch.setattr("viper.serve.paced_protocol._REQUEST_S", 0.01)

    async def scenario():
        async with Running(engine) as running:
            reader, writer = await running.send(data)
            many = data.count(b"HTTP/1.1") // 4
            count = await answers(reader, many, 0.5 if paced else 20)
            assert (count < many) == paced
            writer.transport.abort()

    run(scenario())


@pytest.mark.parametrize("waits", [True, False], ids=["waits", "control"])
def test_waiting_for_others_is_not_idleness(engine, waits):
    async def scenario():
        async with Running(engine, head_s=0.2) as running:
            loop_time = running.service.connections.loop_time
            loop_time.charge("127.0.0.1", 0.2)  # a wait of a second
            reader, writer = await running.send(HEALTH if waits else b"GET ")
            line = await asyncio.wait_for(reader.readline(), 10)
            assert (b"200 OK" in line) == waits
            writer.transport.abort()

    run(scenario())


def test_connections_of_a_client_in_debt_go_on_in_order(engine):
    async def scenario():
        async with Running(engine) as running:
            loop_time = running.service.connections.loop_time
            loop_time.charge("127.0.0.1", 0.2)
            opened = [await running.send() for _ in range(20)]
            done = []

            async def ask(number):
                await opened[number][0].readline()
                done.append(number)

            asked = [asyncio.ensure_future(ask(number)) for number in range(20)]
            wanted = list(reversed(range(20)))
            for number in wanted:
                opened[number][1].write(HEALTH)
                await asyncio.sleep(0.005)
            assert not done
            await asyncio.gather(*asked)
            assert done == wanted
            for _, writer in opened:
                writer.transport.abort()

    run(scenario())
