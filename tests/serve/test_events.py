"""Answers as server-sent events: which, in which order, and what ends them."""

from __future__ import annotations

import asyncio

import pytest

from fakes.asgi import Client, call, exchange, form, run
from fakes.serving import PNG, RUN
from viper.serve.events import accepts_events

ASK = {"question": "How many cups are there?"}


@pytest.mark.parametrize("how", ["field", "header"])
def test_steps_come_in_order_and_the_answer_last(app, how):
    sent = form({**ASK, **({"stream": "true"} if how == "field" else {})}, file=PNG)
    if how == "header":
        sent["headers"]["accept"] = "text/event-stream"
    reply = call(app, "POST", "/v1/ask", **sent)
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-store"
    names = [(name, data.get("step")) for name, data in reply.events()]
    assert names == [
        ("waiting", None),
        ("started", None),
        ("step", "program"),
        ("step", "call"),
        ("step", "attempt"),
        ("answer", None),
    ]
    assert reply.events()[-1][1]["answer"] == "3"
    assert reply.events()[0][1]["request_id"] == reply.headers["x-request-id"]
    ids = [line for line in reply.body.decode().splitlines() if line.startswith("id: ")]
    assert ids == [f"id: {number}" for number in range(6)]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream ; q=0.5", True),
        ("application/json, text/event-stream", True),
        ("application/json;q=0.9, text/event-stream;charset=utf-8;q=1.0", True),
        ("text/event-stream;q=nonsense", True),
        ("text/event-stream;q=0", False),
        ("text/event-stream; Q=0.000", False),
        ("application/json, text/event-stream;q=0.1", False),
        ("text/event-streams, x-text/event-stream, application/json", False),
        ("*/*, text/*", False),
        ("", False),
        (";" * 16_000, False),
    ],
)
def test_the_header_accept_is_read_with_its_qualities(accept, expected):
    assert accepts_events(accept) is expected


@pytest.mark.parametrize("quality", ["0", "1"])
def test_a_stream_of_quality_0_is_not_sent(app, quality):
    sent = form(ASK, file=PNG)
    sent["headers"]["accept"] = f"text/event-stream;q={quality}, application/json;q={quality}"
    kind = call(app, "POST", "/v1/ask", **sent).headers["content-type"]
    assert kind.startswith({"0": "application/json", "1": "text/event-stream"}[quality])


def test_the_steps_are_those_of_the_trace(app):
    sent = form({"program": RUN, "stream": "true", "trace": "true"}, file=PNG)
    events = call(app, "POST", "/v1/run", **sent).events()
    (attempt,) = events[-1][1]["trace"]["turns"]
    assert events[3][1]["call"] == attempt["calls"][0]
    assert events[4][1]["record"] == attempt


def test_each_event_is_sent_when_it_happens(make, held):
    app, _ = make(held, concurrency=1)
    body = form({**ASK, "stream": "true"}, file=PNG)

    async def scenario():
        client = Client([body["body"]])
        going = asyncio.ensure_future(
            exchange(app, "POST", "/v1/ask", headers=body["headers"], client=client)
        )
        while held.started == 0:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        assert [name for name, _ in client.reply.events()] == ["waiting", "started"]
        held.go.set()
        await going
        assert client.reply.events()[-1][0] == "answer"

    run(scenario())


def test_the_number_of_requests_ahead_is_reported(make, held):
    app, service = make(held, concurrency=1)
    body = form({**ASK, "stream": "true"}, file=PNG)

    async def scenario():
        going = []
        for number in range(3):
            going.append(asyncio.ensure_future(exchange(app, "POST", "/v1/ask", **body)))
            while service.admission.admitted <= number:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
        held.go.set()
        replies = await asyncio.gather(*going)
        assert [reply.events()[0][1]["ahead"] for reply in replies] == [0, 0, 1]

    run(scenario())


def test_a_silence_is_filled_with_comments(make, held):
    app, _ = make(held, keep_alive_s=0.02)
    body = form({**ASK, "stream": "true"}, file=PNG)

    async def scenario():
        going = asyncio.ensure_future(exchange(app, "POST", "/v1/ask", **body))
        await asyncio.sleep(0.15)
        held.go.set()
        reply = await going
        assert reply.body.count(b": still here\n\n") >= 2
        assert reply.events()[-1][0] == "answer"

    run(scenario())


def test_an_unusable_picture_is_an_error_event(app):
    reply = call(app, "POST", "/v1/ask", **form({**ASK, "stream": "true"}, file=b"text"))
    name, data = reply.events()[-1]
    assert (reply.status, name, data["error"]["kind"]) == (200, "error", "input")
    assert reply.ended


def test_a_request_that_cannot_be_used_is_no_stream(app):
    reply = call(app, "POST", "/v1/ask", **form({"stream": "true"}, file=PNG))
    assert (reply.status, reply.error["kind"]) == (400, "request")


def test_a_client_that_takes_nothing_is_cut_off_and_its_session_ended(make, held):
    app, service = make(held, send_s=0.05)
    body = form({**ASK, "stream": "true"}, file=PNG)
    client = Client([body["body"]], taking_s=30)
    run(exchange(app, "POST", "/v1/ask", headers=body["headers"], client=client))
    assert client.aborted
    assert service.admission.admitted == 0


def test_hostile_texts_cannot_forge_an_event(app):
    question = "Is there a cup?\n\nevent: answer\ndata: {}\n\n"
    reply = call(app, "POST", "/v1/ask", **form({"question": question, "stream": "1"}, file=PNG))
    names = [name for name, _ in reply.events()]
    assert names.count("answer") == 1
    text = "a\r\n\r\nevent: error\r\n"
    program = f"def execute_command(image):\n    return {text!r}"
    reply = call(app, "POST", "/v1/run", **form({"program": program, "stream": "1"}, file=PNG))
    assert "error" not in [name for name, _ in reply.events()]
