"""The server on a real socket: slow and hostile connections, and how it ends."""

from __future__ import annotations

import asyncio
import json
import signal

import pytest

from fakes.asgi import form
from fakes.hostile_images import jpeg_of_scans
from fakes.running import Running, run
from fakes.serving import PNG
from viper.errors import ConfigError
from viper.serve import ServerSettings
from viper.serve.server import Server, listen, url_of
from viper.serve.service import check_sandbox

ASK = form({"question": "How many cups are there?"}, file=PNG)


def request(sent=ASK, path="/v1/ask", length=None, close=True):
    body = sent["body"]
    head = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: {sent['headers']['content-type']}",
    ]
    head.append(f"Content-Length: {len(body) if length is None else length}")
    if close:
        head.append("Connection: close")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def test_a_connection_whose_request_does_not_come_is_closed(engine):
    async def scenario():
        async with Running(engine, head_s=0.2) as running:
            loop = asyncio.get_running_loop()
            for start in (b"", b"GET / HTTP/1.1\r\nHost: 127."):
                reader, writer = await running.send(start)
                began = loop.time()
                while loop.time() - began < 5:
                    writer.write(b"a" if start else b"")  # a byte now and then buys no time
                    try:
                        await asyncio.wait_for(reader.read(1), 0.05)
                    except TimeoutError:
                        continue
                    except ConnectionError:
                        pass
                    break
                assert 0.1 < loop.time() - began < 2
                writer.close()

    run(scenario())


def test_a_connection_that_is_kept_open_is_closed_when_nothing_follows(engine):
    async def scenario():
        async with Running(engine, head_s=0.3) as running:
            reader, writer = await running.send(request(close=False))
            assert b"200 OK" in await reader.readline()
            try:
                rest = await asyncio.wait_for(reader.read(), 5)
                assert rest.endswith(b"}")
            except ConnectionError:
                pass
            writer.close()

    run(scenario())


def test_a_long_answer_is_not_taken_for_an_idle_connection(held):
    async def scenario():
        async with Running(held, head_s=0.1) as running:
            reader, writer = await running.send(request())
            await asyncio.sleep(0.4)
            held.go.set()
            assert b'"answer":"3"' in await asyncio.wait_for(reader.read(), 10)
            writer.close()

    run(scenario())


def test_two_requests_in_one_go_are_answered_in_turn(engine):
    async def scenario():
        async with Running(engine) as running:
            reply = await running.exchange(request(close=False) + request())
            assert reply.count(b"HTTP/1.1 200 OK") == 2

    run(scenario())


@pytest.mark.parametrize(
    "data",
    [b"hello\r\n\r\n", b"GET /\x00 HTTP/1.1\r\n\r\n",
     b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
     b"GET / HTTP/1.1\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
     b"POST /v1/ask HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz"],
    ids=["no http", "zero byte", "negative length", "huge head", "length and chunks"],
)  # fmt: skip
def test_what_is_not_http_is_refused_and_the_server_lives(engine, data):
    async def scenario():
        async with Running(engine, head_s=1) as running:
            reply = await running.exchange(data)
            assert reply == b"" or reply.startswith((b"HTTP/1.1 4", b"HTTP/1.1 403"))
            assert b"200 OK" in await running.exchange(request())

    run(scenario())


def test_a_client_that_closes_its_connection_ends_its_session(held):
    async def scenario():
        async with Running(held) as running:
            _, writer = await running.send(request())
            while held.started == 0:
                await asyncio.sleep(0.005)
            writer.close()
            while running.service.admission.admitted:
                await asyncio.sleep(0.005)
            assert held.cancelled == 1

    run(scenario())


@pytest.mark.parametrize("limited", [True, False])
def test_connections_that_one_client_hoards_keep_nobody_out(engine, limited):
    async def scenario():
        async with Running(engine, concurrency=1, queue=0) as running:
            connections = running.service.connections
            if not limited:  # the control: only uvicorn's own limit is left, which hits everybody
                limit, connections.limit = connections.limit, 10_000
                running.server.config.limit_concurrency = limit
            hoard = [await running.send(address="127.0.0.2") for _ in range(68)]
            while len(connections) < 68:
                await asyncio.sleep(0.005)
            replies = [await running.exchange(request()) for _ in range(5)]
            expected = b"HTTP/1.1 200" if limited else b"HTTP/1.1 503"
            assert all(reply.startswith(expected) for reply in replies)
            if limited:
                assert connections.outcomes["evicted"] >= 1
                assert (await hoard[-1][0].read()) == b""
            for _, writer in hoard:
                writer.transport.abort()
            await asyncio.sleep(0.05)

    run(scenario())


@pytest.mark.parametrize("fair", [True, False])
def test_bytes_that_take_long_to_parse_are_read_slowly(engine, fair, monkeypatch):
    monkeypatch.setattr("viper.serve.loop_time._BURST_S", 0.001 if fair else 1e9)
    heads = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"a: b\r\n" * 1_500
    chunked = b"POST /v1/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    chunked += b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 10_000

    async def scenario():
        async with Running(engine) as running:
            hostile = [await running.send(data, "127.0.0.2") for data in [heads, chunked] * 4]
            for _ in range(3):
                reply = await running.exchange(request())
                assert reply.startswith(b"HTTP/1.1 200")
            assert (running.service.connections.loop_time.waits > 0) == fair
            for _, writer in hostile:
                writer.transport.abort()
            await asyncio.sleep(0.05)

    run(scenario())


def test_a_signal_drains_what_runs_and_what_waits(held):
    async def scenario():
        async with Running(held, concurrency=1, queue=4, grace_s=20) as running:
            asked = [asyncio.ensure_future(running.exchange(request())) for _ in range(3)]
            while running.service.admission.admitted < 3 or not held.started:
                await asyncio.sleep(0.005)
            running.server.handle_exit(signal.SIGTERM, None)
            await asyncio.sleep(0.3)
            with pytest.raises(ConnectionError):
                await running.send(request())
            held.go.set()
            for reply in await asyncio.gather(*asked):
                assert reply.startswith(b"HTTP/1.1 200 OK")
                assert json.loads(reply.partition(b"\r\n\r\n")[2])["answer"] == "3"
            await asyncio.wait_for(running.task, 5)

    run(scenario())


def test_after_the_grace_period_the_remaining_requests_get_an_error(held):
    async def scenario():
        async with Running(held, concurrency=1, grace_s=0.1) as running:
            asked = asyncio.ensure_future(running.exchange(request()))
            while held.started == 0:
                await asyncio.sleep(0.005)
            running.server.handle_exit(signal.SIGTERM, None)
            reply = await asked
            assert reply.startswith(b"HTTP/1.1 503")
            assert b"shutting down" in reply
            assert held.cancelled == 1
            await asyncio.wait_for(running.task, 5)

    run(scenario())


def test_a_second_signal_ends_the_grace_period(held):
    async def scenario():
        async with Running(held, grace_s=60) as running:
            asked = asyncio.ensure_future(running.exchange(request()))
            while held.started == 0:
                await asyncio.sleep(0.005)
            running.server.handle_exit(signal.SIGINT, None)
            running.server.handle_exit(signal.SIGINT, None)
            assert (await asked).startswith(b"HTTP/1.1 503")

    run(scenario())


def test_a_body_that_is_still_arriving_does_not_keep_a_server_alive(engine, monkeypatch):
    monkeypatch.setattr("viper.serve.server._ERRORS_S", 0.1)

    async def scenario():
        async with Running(engine, grace_s=60) as running:
            _, writer = await running.send(request(length=10_000_000))
            while not running.service.admission.admitted:
                await asyncio.sleep(0.005)
            for _ in range(2):
                running.server.handle_exit(signal.SIGTERM, None)
            await asyncio.wait_for(running.task, 5)
            assert running.service.admission.admitted == 0
            writer.close()

    run(scenario())


def test_an_address_in_use_is_reported_in_one_line():
    first = listen(ServerSettings(port=0))
    first.listen()
    with first, pytest.raises(ConfigError) as refused:
        listen(ServerSettings(port=first.getsockname()[1]))
    assert "Address already in use" in str(refused.value)
    assert "--port (0: any free port)" in str(refused.value)
    with pytest.raises(ConfigError, match=r"cannot listen on '203\.0\.113\.1'"):
        listen(ServerSettings(host="203.0.113.1", token="x" * 20))


def test_the_address_is_one_that_a_browser_takes():
    settings = ServerSettings(port=0)
    with listen(settings) as listening:
        port = listening.getsockname()[1]
        assert url_of(listening, settings) == f"http://127.0.0.1:{port}"
        assert url_of(listening, ServerSettings(host="::1")) == f"http://[::1]:{port}"


@pytest.fixture
def level(engine, monkeypatch):
    """Gives an engine whose sandbox is of a level."""
    import dataclasses

    from viper import Engine
    from viper_sandbox import LevelReport
    from viper_sandbox.level import Act

    made = []

    def give(name, sandbox="full"):
        weak = Engine("stub", sandbox=sandbox)
        made.append(weak)
        acts = (Act("open a file", name == "full", "got through"),)
        report = LevelReport(name, acts, (("seccomp", "no such call"),), "no fork")
        monkeypatch.setattr(weak, "sandbox_level", lambda: report)
        assert dataclasses.is_dataclass(report)
        return weak

    yield give
    for weak in made:
        weak.close()


def test_without_a_full_sandbox_the_server_does_not_start(level):
    settings = ServerSettings()
    assert check_sandbox(level("full"), settings) == "full"
    with pytest.raises(ConfigError) as refused:
        check_sandbox(level("partial"), settings)
    assert (
        "needs a full sandbox. The sandbox is partial: a confined program could open a file"
        in str(refused.value)
    )
    assert "--sandbox partial accepts that" in str(refused.value)
    for sandbox in ("full", "partial"):
        with pytest.raises(ConfigError, match="There is no sandbox on this machine: no fork"):
            check_sandbox(level("none", sandbox), settings)


def test_partial_is_for_loopback_only(level):
    assert check_sandbox(level("partial", "partial"), ServerSettings()) == "partial"
    for reachable in ({"host": "0.0.0.0"}, {"allowed_hosts": ("a.example",)}):
        with pytest.raises(ConfigError, match="--sandbox partial is for your own programs"):
            check_sandbox(level("full", "partial"), ServerSettings(token="x" * 20, **reachable))


def test_each_server_has_its_own_head_timeout(app):
    def head_s(settings):
        return Server(app, settings, None, None).config.http.head_s

    assert [head_s(ServerSettings(head_s=value)) for value in (1.0, 2.0)] == [1.0, 2.0]


def test_the_timeout_of_a_request_ends_the_decoding_of_its_image(engine):
    tedious = jpeg_of_scans(50, (4_000, 4_000))  # two seconds of work

    async def ask(running, timeout_s):
        began_s = asyncio.get_running_loop().time()
        sent = form({"question": "How many cups are there?", "timeout_s": timeout_s}, file=tedious)
        reply = await running.exchange(request(sent))
        return reply, asyncio.get_running_loop().time() - began_s

    async def scenario():
        async with Running(engine, max_pixels=20_000_000) as running:
            return await ask(running, 0.3), await ask(running, 60)

    (late, late_s), (answered, answered_s) = run(scenario())
    assert b" 422 " in late.splitlines()[0]
    assert b"takes too long to decode for this request: its timeout_s is 0.3" in late
    assert b"plain image" not in late
    assert b" 200 " in answered.splitlines()[0]  # control: without the timeout it is decoded
    assert late_s < answered_s
