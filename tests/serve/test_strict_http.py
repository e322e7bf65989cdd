"""Requests that a proxy may read differently, and bodies of tiny chunks: refused on the wire."""

from __future__ import annotations

import asyncio
import json
import time

import h11
import pytest

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

from fakes.running import Running, run
from fakes.serving import PNG_TEXT, RUN
from viper.serve.strict_http import MAX_HEAD_BYTES, StrictConnection

BODY = json.dumps({"image": PNG_TEXT, "program": RUN}).encode()


def head(*lines, start="POST /v1/run HTTP/1.1"):
    """A head with a valid host and type, and with further lines."""
    first = (start, "Host: 127.0.0.1", "Content-Type: application/json")
    return "\r\n".join([*first, *lines]).encode("latin-1") + b"\r\n\r\n"


LENGTH = f"Content-Length: {len(BODY)}"
GOOD = head(LENGTH, "Connection: close") + BODY

AMBIGUOUS = {
    "length and chunks": head(LENGTH, "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunks and length": head("Transfer-Encoding: chunked", LENGTH) + b"0\r\n\r\n",
    "the length twice": head(LENGTH, LENGTH) + BODY,
    "a list of equal lengths": head(f"{LENGTH}, {len(BODY)}") + BODY,
    "two types": head(LENGTH, "Content-Type: multipart/form-data; boundary=x") + BODY,
    "two tokens": head(LENGTH, "Authorization: Bearer a", "Authorization: Bearer b") + BODY,
    "two origins": head(LENGTH, "Origin: http://127.0.0.1", "Origin: http://evil.example") + BODY,
    "a folded header": head(LENGTH, "X-Long: one", " two") + BODY,
    "a folded length": head("Content-Length:", f" {len(BODY)}") + BODY,
    "a folded chunked": head("Transfer-Encoding:", "\tchunked") + b"0\r\n\r\n",
    "line feeds alone": (head(LENGTH).replace(b"\r\n", b"\n")) + BODY,
    "one line feed alone": head(LENGTH, "X-A: b\nX-C: d") + BODY,
    "a control character": head(LENGTH, "X-A: a\x01b") + BODY,
    "an escape sequence": head(LENGTH, "X-A: \x1b[31mred") + BODY,
    "a delete": head(LENGTH, "X-A: a\x7fb") + BODY,
    "more headers than a browser has": head(LENGTH, *(f"X-{n}: a" for n in range(200))) + BODY,
    "HTTP of the future": head(LENGTH, start="POST /v1/run HTTP/2.0") + BODY,
}
"""Requests that h11 alone takes, or repairs."""

CHUNKED = head("Transfer-Encoding: chunked")
AMBIGUOUS_CHUNKS = {
    "a line feed alone ends the trailer": b"0\r\n\n",
    "a trailer": b"0\r\nX-A: b\r\n\r\n",
    "a trailer with a line feed alone": b"0\r\nX-A: b\n\n",
    "a folded trailer": b"0\r\nX-A: b\r\n c\r\n\r\n",
    "a length in a trailer": b"0\r\nContent-Length: 5\r\n\r\n",
    "two hosts in a trailer": b"0\r\nHost: a\r\nHost: b\r\n\r\n",
    "a control character in a trailer": b"0\r\nX-A: a\x01b\r\n\r\n",
    "300 trailers": b"0\r\n" + b"a: b\r\n" * 300 + b"\r\n",
    "an extension": b"1;a=b\r\na\r\n0\r\n\r\n",
    "an extension of the last chunk": b"0;a=b\r\n\r\n",
    "an empty extension": b"1;\r\na\r\n0\r\n\r\n",
    "a return in an extension": b"1;a\rb\r\na\r\n0\r\n\r\n",
    "a null byte in an extension": b"1;a\x00b\r\na\r\n0\r\n\r\n",
    "a blank behind the size": b"1 \r\na\r\n0\r\n\r\n",
    "a tabulator behind the size": b"1\t\r\na\r\n0\r\n\r\n",
    "20 digits": b"00000000000000000001\r\na\r\n0\r\n\r\n",
}
"""Bodies in chunks that h11 alone takes."""

BROKEN = {
    "a line feed alone ends the last chunk": CHUNKED + b"0\n\r\n",
    "line feeds end everything": CHUNKED + b"1\na\n0\n\n",
    "a line feed ends an extension": CHUNKED + b"1;a\na\r\n0\r\n\r\n",
    "a second chunk with a line feed alone": CHUNKED + b"1\r\na\r\n1\nb\r\n0\r\n\r\n",
    "another length": head(LENGTH, "Content-Length: 5") + BODY,
    "a signed length": head(f"Content-Length: +{len(BODY)}") + BODY,
    "a length with a separator": head("Content-Length: 1_0") + BODY,
    "a length in hexadecimal": head("Content-Length: 0x10") + BODY,
    "a length of 16 digits": head("Content-Length: 9999999999999999") + BODY,
    "an empty length": head("Content-Length:") + BODY,
    "another coding": head("Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "a misspelt coding": head("Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "chunked twice": head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")
    + b"0\r\n\r\n",
    "chunks in HTTP/1.0": head("Transfer-Encoding: chunked", start="POST /v1/run HTTP/1.0")
    + b"0\r\n\r\n",
    "a blank before the colon": head(f"Content-Length : {len(BODY)}") + BODY,
    "two hosts": head(LENGTH, "Host: evil.example") + BODY,
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "a return alone": head(LENGTH, "X-A: b\rX-C: d") + BODY,
    "a form feed": head(LENGTH, "X-A: a\x0cb") + BODY,
    "a null byte": head(LENGTH, "X-A: a\x00b") + BODY,
    "a chunk of negative size": head("Transfer-Encoding: chunked") + b"-1\r\n\r\n",
    "a chunk that lies": head("Transfer-Encoding: chunked") + b"2\r\nabcd\r\n0\r\n\r\n",
    "a chunk size of 30 digits": head("Transfer-Encoding: chunked") + b"1" * 30 + b"\r\n",
}

TOO_LARGE = {
    "a head in one go": head(f"X-A: {'a' * (MAX_HEAD_BYTES + 100)}"),
    "a head without an end": b"GET / HTTP/1.1\r\nX-A: " + b"a" * (MAX_HEAD_BYTES + 100),
    "65,000 headers": head(*["a:"] * 65_000),
    "a target": f"GET /{'a' * MAX_HEAD_BYTES} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode(),
    "a trailer": head("Transfer-Encoding: chunked") + b"0\r\nX-A: " + b"a" * 3 * MAX_HEAD_BYTES,
    "an extension of a chunk": head("Transfer-Encoding: chunked")
    + b"1;"
    + b"a" * 3 * MAX_HEAD_BYTES,
}


def events(connection, data, portion=MAX_HEAD_BYTES):
    """Feed a connection as the server does; return the events, or None for a refusal."""
    found = []
    try:
        for start in range(0, len(data), portion):
            connection.receive_data(data[start : start + portion])
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                found.append(event)
    except h11.RemoteProtocolError:
        return None
    return found


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_two_programs_may_read_differently_is_refused(name):
    assert events(StrictConnection(), AMBIGUOUS[name]) is None
    # The control: h11 alone takes it, so that this refusal is Viper's.
    assert events(h11.Connection(h11.SERVER, MAX_HEAD_BYTES), AMBIGUOUS[name])


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_http_stays_refused(name):
    assert events(StrictConnection(), BROKEN[name]) is None


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_head_that_is_too_large_is_refused(name):
    assert events(StrictConnection(), TOO_LARGE[name]) is None


def test_of_a_head_that_arrives_at_once_h11_alone_limits_nothing():
    connection = h11.Connection(h11.SERVER, MAX_HEAD_BYTES)
    connection.receive_data(TOO_LARGE["65,000 headers"])
    assert isinstance(connection.next_event(), h11.Request)


@pytest.mark.parametrize("portion", [1, 2, 3, MAX_HEAD_BYTES], ids="{} bytes at once".format)
@pytest.mark.parametrize("name", AMBIGUOUS_CHUNKS)
def test_chunks_that_two_programs_may_read_differently_are_refused(name, portion):
    sent = CHUNKED + AMBIGUOUS_CHUNKS[name]
    assert events(StrictConnection(), sent, portion) is None
    # The control: h11 alone takes the whole body.
    found = events(h11.Connection(h11.SERVER, MAX_HEAD_BYTES), sent, portion)
    assert isinstance(found[-1], h11.EndOfMessage)


@pytest.mark.parametrize("portion", [1, 2, 3, 7, MAX_HEAD_BYTES], ids="{} bytes at once".format)
@pytest.mark.parametrize("sizes", [[], [1], [3, 1, 200, 17], [0x1ABCD]], ids="chunks of {}".format)
def test_chunks_are_read_however_they_arrive(sizes, portion):
    if portion < 7:
        sizes = [min(size, 1_000) for size in sizes]
    chunks = [b"%X\r\n%s\r\n" % (size, b"\r\n0\r\n\r\n"[:size].ljust(size, b"a")) for size in sizes]
    found = events(StrictConnection(), CHUNKED + b"".join(chunks) + b"0\r\n\r\n", portion)
    assert isinstance(found[-1], h11.EndOfMessage)
    assert sum(len(event.data) for event in found if isinstance(event, h11.Data)) == sum(sizes)


def test_a_second_request_may_follow_chunks_and_chunks_that_arrive_alone_are_counted():
    connection = StrictConnection()
    assert len(events(connection, CHUNKED + b"1\r\na\r\n0\r\n\r\n" + GOOD)) == 3
    tiny = [b"1\r\n", b"a\r\n"] * 2_000
    for one, refused in ((StrictConnection(), True), (h11.Connection(h11.SERVER), False)):
        events(one, CHUNKED)
        assert (None in [events(one, part) for part in tiny]) == refused


def test_the_server_answers_4xx_and_closes_the_connection(engine):
    async def attack(running, data):
        # A second request behind it must not be answered: nobody knows where the first one ends.
        reader, writer = await running.send(data + GOOD)
        try:
            return await asyncio.wait_for(reader.read(), 20)
        except ConnectionError:  # closed while the attack was still arriving
            return b""
        finally:
            writer.close()

    async def scenario():
        async with Running(engine, head_s=5) as running:
            in_chunks = {
                f"chunks: {name}": CHUNKED + AMBIGUOUS_CHUNKS[name] for name in AMBIGUOUS_CHUNKS
            }
            for name, data in {**AMBIGUOUS, **in_chunks, **BROKEN, **TOO_LARGE}.items():
                reply = await attack(running, data)
                if reply or name in AMBIGUOUS:
                    first, _, body = reply.partition(b"\r\n\r\n")
                    assert first.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 ")), name
                    assert b"connection: close" in first, name
                    assert b"content-security-policy" in first, name
                    assert json.loads(body)["error"]["kind"] == "request", name
            assert b"200 OK" in await running.exchange(GOOD)

    run(scenario())


def chunked(body, size, *, end=b"0\r\n\r\n"):
    chunks = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


@pytest.mark.parametrize("size", [20, 256, 1024, 65_536])
def test_chunks_of_any_client_are_read(engine, size):
    filled = json.dumps({"image": PNG_TEXT, "program": RUN + "\n# " + "a" * 20_000}).encode()

    async def scenario():
        async with Running(engine) as running:
            sent = head("Transfer-Encoding: chunked", "Connection: close") + chunked(filled, size)
            assert b"200 OK" in await running.exchange(sent)

    run(scenario())


CHUNKS = {
    "one byte": b"1\r\na\r\n",
    "two bytes": b"2\r\nab\r\n",
    "leading zeros": b"0000000000000000001\r\na\r\n",
    "an extension each": b"1;a=b\r\na\r\n",
    "one byte and one long chunk now and then": b"1\r\na\r\n" * 50
    + b"40\r\n"
    + b"a" * 64
    + b"\r\n",
}


@pytest.mark.parametrize("name", CHUNKS)
def test_tiny_chunks_end_after_a_thousand(name):
    sent = head("Transfer-Encoding: chunked") + CHUNKS[name] * (
        5_000 if len(CHUNKS[name]) < 99 else 100
    )
    guarded, alone = StrictConnection(), h11.Connection(h11.SERVER, MAX_HEAD_BYTES)
    taken = []
    for connection in (guarded, alone):
        connection.receive_data(sent)
        count = 0
        try:
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                count += isinstance(event, h11.Data)
        except h11.RemoteProtocolError:
            pass
        taken.append(count)
    assert taken[0] < 2_500
    assert taken[1] >= 5_000  # the control: h11 alone takes them all


def test_a_body_of_tiny_chunks_does_not_hold_up_the_others(engine):
    async def scenario():
        async with Running(engine, head_s=5) as running:
            _, hostile = await running.send(head("Transfer-Encoding: chunked"))
            hostile.write(b"1\r\n \r\n" * 400_000)
            began = time.perf_counter()
            healthy = await running.exchange(
                b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
            )
            took_s = time.perf_counter() - began
            hostile.close()
            assert b"200 OK" in healthy
            assert took_s < 2  # the whole body takes some ten seconds

    run(scenario())


def test_what_follows_an_answer_and_is_no_request_ends_the_connection(held):
    async def scenario():
        async with Running(held, head_s=5) as running:
            reader, writer = await running.send(head(LENGTH) + BODY)
            while not held.started:
                await asyncio.sleep(0.005)
            writer.write(b"nonsense that is no request\r\n\r\n" + GOOD)
            held.go.set()
            rest = await asyncio.wait_for(reader.read(), 10)
            assert rest.count(b"HTTP/1.1 200 OK") == rest.count(b"HTTP/1.1 400 Bad Request") == 1
            writer.close()

    run(scenario())


def test_the_body_of_a_refused_request_is_dropped(engine):
    """An answer before the end of a body leaves no way to send a second request in the body."""

    async def scenario():
        async with Running(engine, head_s=2) as running:
            inner = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            start = head(f"Content-Length: {len(inner)}", start="POST /nothing HTTP/1.1")
            reply = await running.exchange(start + inner + GOOD)
            assert reply.count(b"HTTP/1.1 2") == reply.count(b"HTTP/1.1 4") == 1
            assert b"HTTP/1.1 404 " in reply
            assert b'"status"' not in reply

    run(scenario())


METHODS = ["GET", "HEAD", "POST", "OPTIONS", "PUT"]
MALFORMED = {
    "no size of a chunk": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk with a line feed": b"Transfer-Encoding: chunked\r\n\r\n1\na\r\n",
    "a trailer": b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: b\r\n\r\n",
    "a length and chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a control character": b"X-A: a\x01b\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("before", ["", "GET", "HEAD"])
def test_a_refusal_of_any_method_is_one_reply_and_no_error(engine, caplog, name, before):
    """For a HEAD, h11 refuses to send the refusal: its error would leave the protocol."""

    async def scenario():
        async with Running(engine, head_s=2) as running:
            for method in METHODS:
                first = f"{before} /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" if before else ""
                bad = (
                    f"{method} /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode() + MALFORMED[name]
                )
                reply = await running.exchange(first.encode() + bad)
                assert reply.count(b"HTTP/1.1 400 Bad Request") == 1, method
                head_, _, body = reply.rpartition(b"\r\n\r\n")
                assert b"connection: close" in head_
                assert not body or json.loads(body)["error"]["kind"] == "request"

    run(scenario())
    assert not [record for record in caplog.records if record.exc_info]


def test_the_control_h11_raises_an_error_for_the_refusal_of_a_head():
    connection = StrictConnection()
    connection.receive_data(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.next_event()
    connection.send(h11.Response(status_code=400, headers=[("content-length", "2")]))
    with pytest.raises(h11.LocalProtocolError, match="Too much data"):
        connection.send(h11.Data(data=b"{}"))


def test_an_error_of_the_parser_ends_one_connection_with_one_line(engine, caplog, monkeypatch):
    from viper.serve.paced_protocol import PacedProtocol

    parse = PacedProtocol._parse

    def failing(self):
        if b"fail" in self._unread:
            raise RuntimeError("no such state")
        parse(self)

    async def scenario():
        async with Running(engine) as running:
            assert await running.exchange(b"fail") == b""
            assert b"200 OK" in await running.exchange(GOOD)

    monkeypatch.setattr(PacedProtocol, "_parse", failing)
    run(scenario())
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == [
        "A connection was ended: RuntimeError: no such state."
    ]
