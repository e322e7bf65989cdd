"""Who is let in, who waits and who is turned away; and what becomes of those whose client leaves."""

from __future__ import annotations

import asyncio

import pytest

from fakes.asgi import Client, exchange, form, run
from fakes.serving import PNG
from viper.serve.admission import Admission
from viper.serve.api_error import ApiError

ASK = form({"question": "How many cups are there?"}, file=PNG)


def asked(app, client=None, **options):
    return asyncio.ensure_future(
        exchange(app, "POST", "/v1/ask", client=client, **{**ASK, **options})
    )


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


def test_the_next_one_beyond_the_queue_is_turned_away_and_nobody_else(make, held):
    app, service = make(held, concurrency=2, queue=3)

    async def scenario():
        inside = [asked(app) for _ in range(5)]
        await until(lambda: service.admission.admitted == 5 and held.started == 2)
        assert (held.started, service.admission.running, service.admission.waiting) == (2, 2, 3)
        turned_away = await asked(app)
        assert (turned_away.status, turned_away.error["kind"]) == (429, "overload")
        assert 1 <= int(turned_away.headers["retry-after"]) <= 60
        held.go.set()
        replies = await asyncio.gather(*inside)
        assert [reply.status for reply in replies] == [200] * 5
        assert service.admission.admitted == service.admission.running == 0
        assert (await asked(app)).status == 200

    run(scenario())


def test_turned_away_before_a_byte_of_the_body_is_read(make, held):
    app, _ = make(held, concurrency=1, queue=0)

    async def scenario():
        inside = asked(app)
        await until(lambda: held.started == 1)
        client = Client([ASK["body"]], pause_s=60)
        assert (await asyncio.wait_for(asked(app, client), 5)).status == 429
        held.go.set()
        await inside

    run(scenario())


def test_turns_come_in_order(make, held):
    app, service = make(held, concurrency=1, queue=8)

    async def scenario():
        inside = []
        for number in range(4):
            body = form({"question": f"Is there a cup? {number}"}, file=PNG)
            inside.append(asked(app, **body))
            await until(lambda n=number: service.admission.admitted == n + 1)
            await asyncio.sleep(0.01)
        held.go.set()
        await asyncio.gather(*inside)
        assert [query.question[-1] for query in held.queries] == ["0", "1", "2", "3"]

    run(scenario())


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_client_that_goes_away_ends_its_session_and_frees_its_place(make, held, stream):
    app, service = make(held, concurrency=1, queue=0)
    body = form({"question": "Is there a cup?", "stream": stream}, file=PNG)

    async def scenario():
        client = Client([body["body"]])
        inside = asked(app, client, headers=body["headers"])
        await until(lambda: held.started == 1)
        client.gone.set()
        await inside
        assert held.cancelled == 1
        assert service.admission.admitted == service.admission.running == 0
        if stream == "false":
            assert client.reply.status == 0

    run(scenario())


def test_a_client_that_goes_away_while_it_waits_leaves_the_queue(make, held):
    app, service = make(held, concurrency=1, queue=1)

    async def scenario():
        first = asked(app)
        await until(lambda: held.started == 1)
        client = Client([ASK["body"]])
        second = asked(app, client)
        await until(lambda: service.admission.waiting == 1)
        client.gone.set()
        await second
        assert (service.admission.waiting, held.started) == (0, 1)
        held.go.set()
        assert (await first).status == 200

    run(scenario())


def test_who_waits_longer_than_its_time_is_told_to_come_back(make, held):
    app, _ = make(held, concurrency=1, queue=1)

    async def scenario():
        first = asked(app)
        await until(lambda: held.started == 1)
        late = await asked(
            app, **form({"question": "Is there a cup?", "timeout_s": "0.05"}, file=PNG)
        )
        assert (late.status, late.error["kind"]) == (503, "overload")
        assert late.headers["retry-after"]
        held.go.set()
        await first

    run(scenario())


def test_a_request_may_shorten_its_time_but_not_lengthen_it(make, held):
    app, _ = make(held, timeout_s=20)
    held.go.set()
    for sent in ("5", "5000"):
        run(asked_once(app, sent))
    short, long = held.timeouts
    assert 4 < short <= 5
    assert 19 < long <= 20


async def asked_once(app, timeout_s):
    return await asked(
        app, **form({"question": "Is there a cup?", "timeout_s": timeout_s}, file=PNG)
    )


def test_draining_lets_nobody_in_and_finishes_what_is_inside(make, held):
    app, service = make(held, concurrency=1, queue=4)

    async def scenario():
        inside = [asked(app) for _ in range(3)]
        await until(lambda: service.admission.admitted == 3)
        service.admission.drain()
        refused = await asked(app)
        assert (refused.status, refused.error["kind"]) == (503, "shutdown")
        held.go.set()
        assert [reply.status for reply in await asyncio.gather(*inside)] == [200] * 3

    run(scenario())


@pytest.mark.parametrize("stream", ["false", "true"])
def test_what_is_interrupted_is_told_so(make, held, stream):
    app, service = make(held, concurrency=1, queue=1)
    body = form({"question": "Is there a cup?", "stream": stream}, file=PNG)

    async def scenario():
        inside = [asked(app, **body) for _ in range(2)]
        await until(lambda: service.admission.admitted == 2 and held.started == 1)
        service.admission.interrupt()
        replies = await asyncio.gather(*inside)
        assert held.cancelled == 1
        for reply in replies:
            assert reply.ended
            if stream == "true":
                assert reply.events()[-1][0] == "error"
                assert reply.events()[-1][1]["error"]["kind"] == "shutdown"
            else:
                assert (reply.status, reply.error["kind"]) == (503, "shutdown")

    run(scenario())


def test_the_advice_when_to_come_back_follows_what_answers_took():
    admission = Admission(2, 10)
    assert admission.retry_after_s() == 1
    for _ in range(50):
        admission.record_duration(10.0)
    admission.admitted = 12
    assert 25 < admission.retry_after_s() <= 30
    for _ in range(50):
        admission.record_duration(1000.0)
    assert admission.retry_after_s() == 60


def test_a_place_is_given_back_when_something_breaks():
    admission = Admission(1, 0)
    with pytest.raises(ZeroDivisionError), admission.queue_slot():
        raise ZeroDivisionError
    with admission.queue_slot(), pytest.raises(ApiError), admission.queue_slot():
        pass
    assert admission.admitted == 0
