"""Answers as server-sent events: which, in which order, and what ends them."""

from __future__ import annotations

import asyncio

import pytest

from fakes.asgi import Client, call, exchange, form, run
from fakes.serving import PNG, RUN

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
