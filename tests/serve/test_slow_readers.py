"""Clients that read an answer slowly, or not at all, on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from fakes.asgi import as_json, form
from fakes.running import Running, run
from fakes.serving import PNG, RUN

ANSWER_BYTES = 12_000_000  # more than the kernel takes on behalf of a client
SENT = {
    "an answer": ("/v1/run", form({"program": RUN}, file=PNG)),
    "a stream": ("/v1/run", form({"program": RUN, "stream": "true"}, file=PNG)),
    "a check": ("/v1/check", as_json({"program": "x"})),
}


@pytest.fixture(autouse=True)
def long_answers(monkeypatch):
    """All replies with an answer have 12 MB."""
    value = {"answer": "x" * ANSWER_BYTES}
    monkeypatch.setattr("viper.serve.app.answer_json", lambda *_, **__: value)
    monkeypatch.setattr("viper.serve.events.answer_json", lambda *_, **__: value)
    monkeypatch.setattr("viper.serve.service._check_json", lambda *_: value)


def request(name, *more):
    path, sent = SENT[name]
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *more]
    head += [f"Content-Type: {sent['headers']['content-type']}"]
    head += [f"Content-Length: {len(sent['body'])}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + sent["body"]


async def connect(running, data, address="127.0.0.1"):
    """A connection whose kernel keeps little of what was not read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.bind((address, 0))
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", running.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=16_384)
    writer.write(data)
    return reader, writer


async def read(reader, *, bytes_per_s=1e12, limit=2 * ANSWER_BYTES):
    """Read at a steady rate until the end; return how much arrived."""
    loop = asyncio.get_running_loop()
    began_s, count = loop.time(), 0
    with contextlib.suppress(ConnectionError):
        while count < limit and (part := await asyncio.wait_for(reader.read(16_384), 20)):
            count += len(part)
            await asyncio.sleep(began_s + count / bytes_per_s - loop.time())
    return count


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("in_parts", [True, False], ids=["in parts", "control"])
@pytest.mark.parametrize("name", SENT)
def test_who_reads_steadily_gets_it_all_however_long_it_takes(engine, monkeypatch, name, in_parts):
    """The whole takes a second: longer than a connection may be idle, or a part may take."""
    if not in_parts:
        monkeypatch.setattr("viper.serve.middleware._PART_BYTES", 1 << 40)

    async def scenario():
        async with Running(engine, head_s=0.4, send_s=0.4) as running:
            reader, writer = await connect(running, request(name, "Connection: close"))
            count = await read(reader, bytes_per_s=10e6)
            assert (count > ANSWER_BYTES) == in_parts
            writer.transport.abort()

    run(scenario())


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "control"])
@pytest.mark.parametrize(
    ("how", "name"), [*(("not at all", name) for name in SENT), ("too slowly", "an answer")]
)
def test_who_does_not_read_is_cut(engine, monkeypatch, name, how, cut):
    monkeypatch.setattr("viper.serve.middleware._MIN_BYTES_PER_S", 200e6 if cut else 1)
    slow = how == "too slowly"

    async def scenario():
        async with Running(engine, send_s=0.4 if cut or slow else 60) as running:
            reader, writer = await connect(running, request(name, "Connection: close"))
            count = await read(reader, bytes_per_s=10e6) if slow else 0
            if slow:
                assert (count < ANSWER_BYTES) == cut
            elif cut:
                await until(lambda: running.service.admission.admitted)
                await until(lambda: not len(running.service.connections))
            else:
                await asyncio.sleep(1)
                assert len(running.service.connections) == 1
            writer.transport.abort()

    run(scenario())


@pytest.mark.parametrize("name", SENT)
def test_unread_answers_hold_a_slot_that_others_can_get(engine, name):
    async def scenario():
        async with Running(engine, concurrency=1, queue=3) as running:
            admission = running.service.admission
            hoard = []
            for count in range(1, 5):
                hoard.append(await connect(running, request(name), "127.0.0.2"))
                await until(lambda count=count: admission.admitted == count)
            await until(lambda: not admission.running)
            last = await running.send(request(name), "127.0.0.2")  # the control: its own slots
            assert b" 429 " in await asyncio.wait_for(last[0].readline(), 10)
            assert admission.admitted == 4
            reader, writer = await running.send(request(name, "Connection: close"))
            assert b" 200 " in await asyncio.wait_for(reader.readline(), 10)
            assert await read(reader) > ANSWER_BYTES
            assert admission.outcomes()["evicted"] == 1
            for _, opened in [*hoard, last, (reader, writer)]:
                opened.transport.abort()
            await until(lambda: not len(running.service.connections))

    run(scenario())


def test_the_time_for_the_next_request_begins_when_the_answer_has_left(engine):
    async def scenario():
        async with Running(engine, head_s=0.5, send_s=5) as running:
            reader, writer = await connect(running, request("an answer"))
            await read(reader, bytes_per_s=8e6, limit=ANSWER_BYTES)
            writer.write(request("an answer", "Connection: close"))
            assert await read(reader) > ANSWER_BYTES
            writer.transport.abort()

    run(scenario())


@pytest.mark.parametrize("name", SENT)
def test_the_server_holds_little_of_an_answer_that_is_not_read(engine, name):
    """The bytes of an answer are its slot's; a connection has a part of them."""

    async def scenario():
        async with Running(engine) as running:
            _, writer = await connect(running, request(name))
            await until(lambda: len(running.service.connections))
            (connection,) = running.server.server_state.connections
            await until(connection.transport.get_write_buffer_size)
            await asyncio.sleep(0.05)
            assert 0 < connection.transport.get_write_buffer_size() <= 70_000
            writer.transport.abort()

    run(scenario())
