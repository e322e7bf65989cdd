"""Admission control: which requests run, wait or are rejected, and what happens when a client disconnects."""

from __future__ import annotations

import asyncio

import pytest

from fakes.asgi import Client, exchange, form, run
from fakes.serving import PNG
from viper.serve.admission import Admission
from viper.serve.api_error import ApiError

ASK = form({"question": "How many cups are there?"}, file=PNG)


def send_ask(app, client=None, **options):
    return asyncio.ensure_future(
        exchange(app, "POST", "/v1/ask", client=client, **{**ASK, **options})
    )


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


def test_only_the_request_beyond_the_queue_is_rejected(make, held):
    app, service = make(held, concurrency=2, queue=3)

    async def scenario():
        inside = [send_ask(app) for _ in range(5)]
        await until(lambda: service.admission.admitted == 5 and held.started == 2)
        assert (held.started, service.admission.running, service.admission.waiting) == (2, 2, 3)
        rejected = await send_ask(app)
        assert (rejected.status, rejected.error["kind"]) == (429, "overload")
        assert 1 <= int(rejected.headers["retry-after"]) <= 60
        held.go.set()
        replies = await asyncio.gather(*inside)
        assert [reply.status for reply in replies] == [200] * 5
        assert service.admission.admitted == service.admission.running == 0
        assert (await send_ask(app)).status == 200

    run(scenario())


def test_a_request_is_rejected_before_its_body_is_read(make, held):
    app, _ = make(held, concurrency=1, queue=0)

    async def scenario():
        inside = send_ask(app)
        await until(lambda: held.started == 1)
        client = Client([ASK["body"]], pause_s=60)
        assert (await asyncio.wait_for(send_ask(app, client), 5)).status == 429
        held.go.set()
        await inside

    run(scenario())


def test_worker_slots_are_given_in_order_of_arrival(make, held):
    app, service = make(held, concurrency=1, queue=8)

    async def scenario():
        inside = []
        for number in range(4):
            body = form({"question": f"Is there a cup? {number}"}, file=PNG)
            inside.append(send_ask(app, **body))
            await until(lambda n=number: service.admission.admitted == n + 1)
            await asyncio.sleep(0.01)
        held.go.set()
        await asyncio.gather(*inside)
        assert [query.question[-1] for query in held.queries] == ["0", "1", "2", "3"]

    run(scenario())


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_client_that_disconnects_ends_its_run_and_frees_its_slots(make, held, stream):
    app, service = make(held, concurrency=1, queue=0)
    body = form({"question": "Is there a cup?", "stream": stream}, file=PNG)

    async def scenario():
        client = Client([body["body"]])
        inside = send_ask(app, client, headers=body["headers"])
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
        first = send_ask(app)
        await until(lambda: held.started == 1)
        client = Client([ASK["body"]])
        second = send_ask(app, client)
        await until(lambda: service.admission.waiting == 1)
        client.gone.set()
        await second
        assert (service.admission.waiting, held.started) == (0, 1)
        held.go.set()
        assert (await first).status == 200

    run(scenario())


def test_a_request_that_times_out_in_the_queue_gets_retry_after(make, held):
    app, _ = make(held, concurrency=1, queue=1)

    async def scenario():
        first = send_ask(app)
        await until(lambda: held.started == 1)
        late = await send_ask(
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
    return await send_ask(
        app, **form({"question": "Is there a cup?", "timeout_s": timeout_s}, file=PNG)
    )


def test_draining_admits_no_request_and_finishes_the_admitted_ones(make, held):
    app, service = make(held, concurrency=1, queue=4)

    async def scenario():
        inside = [send_ask(app) for _ in range(3)]
        await until(lambda: service.admission.admitted == 3)
        service.admission.drain()
        refused = await send_ask(app)
        assert (refused.status, refused.error["kind"]) == (503, "shutdown")
        held.go.set()
        assert [reply.status for reply in await asyncio.gather(*inside)] == [200] * 3

    run(scenario())


@pytest.mark.parametrize("stream", ["false", "true"])
def test_interrupted_requests_get_an_error(make, held, stream):
    app, service = make(held, concurrency=1, queue=1)
    body = form({"question": "Is there a cup?", "stream": stream}, file=PNG)

    async def scenario():
        inside = [send_ask(app, **body) for _ in range(2)]
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


def test_retry_after_follows_the_duration_of_answers():
    admission = Admission(2, 10)
    assert admission.retry_after_s() == 1
    for _ in range(50):
        admission.record_duration(10.0)
    admission.admitted = 12
    assert 25 < admission.retry_after_s() <= 30
    for _ in range(50):
        admission.record_duration(1000.0)
    assert admission.retry_after_s() == 60


def test_a_queue_slot_is_released_after_an_exception():
    admission = Admission(1, 0)

    async def scenario():
        with pytest.raises(ZeroDivisionError):
            async with admission.queue_slot():
                raise ZeroDivisionError
        async with admission.queue_slot():
            with pytest.raises(ApiError):
                async with admission.queue_slot():
                    pass
        assert admission.admitted == 0

    run(scenario())
