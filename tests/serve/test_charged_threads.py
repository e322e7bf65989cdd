"""Large bodies and answers do not hold up the loop, and their time is charged to their client."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time

import pytest

from fakes.asgi import as_json, call, exchange, form, run
from fakes.serving import PNG, RUN
from viper.serve import events, json_response, requests
from viper.serve.charged_threads import ChargedThreads
from viper.serve.loop_time import LoopTime

HOSTILE, GOOD = "10.0.0.1", "10.0.0.2"


def spin(seconds=0.3):
    """Use the processor as Python code does."""
    until_s = time.thread_time() + seconds
    while time.thread_time() < until_s:
        pass


async def longest_gap_s(work):
    """Return for how long the loop stood still while an awaitable was running."""
    task = asyncio.ensure_future(work)
    longest_s, last_s = 0.0, time.perf_counter()
    while not task.done():
        await asyncio.sleep(0.001)
        now_s = time.perf_counter()
        longest_s, last_s = max(longest_s, now_s - last_s), now_s
    await task
    return longest_s


def test_others_go_on_meanwhile_and_the_client_is_charged():
    async def scenario():
        loop_time = LoopTime()
        threads = ChargedThreads(2, loop_time)
        aside_s = await longest_gap_s(threads.run(HOSTILE, spin))
        assert loop_time.wait_s(HOSTILE) > 0.5
        assert loop_time.wait_s(GOOD) == 0

        async def on_the_loop():
            spin()

        assert aside_s < await longest_gap_s(on_the_loop())  # the control
        with pytest.raises(ValueError, match="why"):
            await threads.run(GOOD, lambda: (_ for _ in ()).throw(ValueError("why")))
        threads.close()

    run(scenario())


def test_a_caller_that_is_cancelled_waits_for_the_thread():
    async def scenario():
        threads = ChargedThreads(1, LoopTime())
        go, done = threading.Event(), []
        task = asyncio.ensure_future(threads.run(GOOD, lambda: done.append(go.wait(10))))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == [True]
        threads.close()

    run(scenario())


def test_who_is_in_debt_waits_before_the_next_body():
    async def scenario():
        loop_time = LoopTime()
        threads = ChargedThreads(4, loop_time)
        loop_time.charge(HOSTILE, 0.13)  # 0.03 s beyond the burst, which 0.3 s pay
        ended = []

        async def one(name, client, **options):
            await threads.run(client, lambda: None, **options)
            ended.append((name, loop_time.is_in_debt(HOSTILE)))

        await one("an answer", HOSTILE)
        body = asyncio.ensure_future(one("a body", HOSTILE, when_paid=True))
        await asyncio.sleep(0)
        await one("a body of another", GOOD, when_paid=True)
        await body
        assert ended == [("an answer", True), ("a body of another", True), ("a body", False)]
        threads.close()

    run(scenario())


def on_loop(monkeypatch, module, name):
    """Record for each call of a function whether it ran on the thread of the loop."""
    real, seen = getattr(module, name), []

    def spy(*arguments, **options):
        seen.append(threading.current_thread() is threading.main_thread())
        return real(*arguments, **options)

    monkeypatch.setattr(module, name, spy)
    return seen


@pytest.mark.parametrize("trace", ["true", "false"])
def test_an_answer_is_written_in_a_thread_while_its_slot_is_held(make, monkeypatch, trace):
    app, service = make()
    held = []
    real = json_response.json_text

    def spy(value, **options):
        held.append((service.admission.running, threading.current_thread().name))
        return real(value, **options)

    monkeypatch.setattr(json_response, "json_text", spy)
    reply = call(app, "POST", "/v1/run", **form({"program": RUN, "trace": trace}, file=PNG))
    assert reply.json()["answer"] == "3"
    ((running, name),) = held
    assert running == 1
    assert name.startswith("viper-texts")
    assert service.admission.running == 0
    # The control: an error is written on the loop, without a slot.
    call(app, "POST", "/v1/run", **form({}, file=PNG))
    assert held[1] == (0, threading.main_thread().name)


def test_steps_and_answers_of_a_stream_are_written_in_a_thread(app, monkeypatch):
    seen = on_loop(monkeypatch, events, "json_text")
    sent = form({"program": RUN, "stream": "true", "trace": "true"}, file=PNG)
    names = [name for name, _ in call(app, "POST", "/v1/run", **sent).events()]
    assert names == ["waiting", "started", "step", "step", "step", "answer"]
    assert seen == [True, True, False, False, False, False]


@pytest.mark.parametrize(("size", "here"), [(1_000, True), (200_000, False)])
def test_a_large_body_is_parsed_in_a_thread(app, monkeypatch, size, here):
    seen = on_loop(monkeypatch, requests, "parse_body")
    image = base64.b64encode(PNG + b"\0" * size).decode()
    sent = as_json({"image": image, "program": RUN})
    assert call(app, "POST", "/v1/run", **sent).json()["answer"] == "3"
    assert seen == [here]


def test_what_an_answer_costs_is_charged_to_its_client(make, monkeypatch):
    app, service = make()
    real = json_response.json_text

    def slow(value, **options):
        if "answer" in value:
            spin(0.15)
        return real(value, **options)

    monkeypatch.setattr(json_response, "json_text", slow)
    waits = service.connections.loop_time
    body = json.dumps({"image": base64.b64encode(PNG).decode(), "program": RUN}).encode()

    async def scenario():
        for _ in range(2):
            await exchange(app, "POST", "/v1/run", **as_json(body))
        assert waits.waits > 0  # the second one had to wait before it was read

    run(scenario())


@pytest.mark.parametrize("size", [10, 150_000], ids="{} characters".format)
def test_the_report_of_a_check_is_written_in_a_thread_while_its_slot_is_held(
    make, monkeypatch, size
):
    app, service = make()
    held = []
    real = json_response.json_text

    def spy(value, **options):
        held.append((service.admission.running, threading.current_thread().name))
        return real(value, **options)

    monkeypatch.setattr(json_response, "json_text", spy)
    parsed = on_loop(monkeypatch, requests, "parse_body")
    sent = as_json({"program": "x = 1\n" + "#" * size})
    assert call(app, "POST", "/v1/check", **sent).status == 200
    ((running, name),) = held
    assert running == 1
    assert name.startswith("viper-texts")
    assert parsed == [size < 1_000]
    # The control: an error is written on the loop, without a slot.
    call(app, "POST", "/v1/check", **as_json({}))
    assert held[1] == (0, threading.main_thread().name)
