"""A client whose requests take long to parse waits, and others do not wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from fakes.asgi import Client, call, form, run
from fakes.serving import PNG, RUN
from viper.serve import loop_time as module
from viper.serve.api_error import ApiError
from viper.serve.bodies import chunks, read_form
from viper.serve.loop_time import NOBODY, LoopTime
from viper.serve.requests import AskFields, read_query
from viper.serve.settings import ServerSettings

HOSTILE, GOOD = "10.0.0.1", "10.0.0.2"
FORM = {"content-type": "multipart/form-data; boundary=xxxxxxxxxxxxxxxx"}
JSON = {"content-type": "application/json"}
PART = b'--xxxxxxxxxxxxxxxx\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
KB = 1_000

# Body and headers, in messages of 16 kB; each costs the loop far more than its bytes are worth.
BODIES = {
    "near boundaries": (FORM, PART + b"\r\n--xxxxxxxxxxxxxxx" * 50 * KB),
    "line ends": (FORM, PART + b"\r\n" * 500 * KB),
    "tiny parts": (FORM, (PART + b"\r\n") * 199),
    "long header": (FORM, b"--xxxxxxxxxxxxxxxx\r\nA: " + b"b" * 900 * KB),
    "many numbers": (JSON, b'{"question": [' + b"1," * 490 * KB + b"1]}"),
}


def in_messages(body, size=16 * KB):
    return Client([body[start : start + size] for start in range(0, len(body), size)])


async def read_hostile(loop_time, name):
    headers, body = BODIES[name]

    async def reader(receive):
        return await read_query(receive, headers, ServerSettings(), AskFields)

    with pytest.raises(ApiError):
        await loop_time.read(HOSTILE, in_messages(body).receive, reader)


@pytest.mark.parametrize("name", BODIES)
def test_what_a_body_costs_is_charged_to_its_client_only(monkeypatch, name):
    monkeypatch.setattr(module, "_BURST_S", 0.0)
    loop_time = LoopTime(share=1e-9)  # a wait is for ever: only what is read at once is read

    async def scenario():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await read_hostile(loop_time, name)
        assert loop_time.wait_s(HOSTILE) > 0
        assert loop_time.wait_s(GOOD) == 0

    run(scenario())


@pytest.mark.parametrize("name", BODIES)
def test_control_without_debts_the_same_body_is_read_at_once(monkeypatch, name):
    monkeypatch.setattr(module, "_BURST_S", 1e9)
    loop_time = LoopTime()
    run(read_hostile(loop_time, name))
    assert loop_time.waits == 0


def test_debts_are_paid_by_time(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    loop_time = LoopTime(share=0.1)
    loop_time.charge(HOSTILE, 0.1)
    assert loop_time.wait_s(HOSTILE) == 0  # a burst
    loop_time.charge(HOSTILE, 0.2)
    assert loop_time.wait_s(HOSTILE) == pytest.approx(2.0)
    clock[0] += 2.0
    assert loop_time.wait_s(HOSTILE) == pytest.approx(0.0, abs=1e-9)
    clock[0] += 1000.0
    loop_time.charge(HOSTILE, 0.1)
    assert loop_time.wait_s(HOSTILE) == 0  # idle time is not saved up beyond the burst


def test_clients_without_debts_are_forgotten(monkeypatch):
    monkeypatch.setattr(module, "_MANY_CLIENTS", 10)
    loop_time = LoopTime()
    loop_time.charge(HOSTILE, 5.0)
    for number in range(100):
        loop_time.charge(f"10.1.0.{number}", 0.0)
    assert len(loop_time._debts) < 15
    assert loop_time.wait_s(HOSTILE) > 0


def test_an_image_of_the_largest_size_does_not_wait():
    body = PART + PNG + b"\0" * 19_000 * KB + b"\r\n--xxxxxxxxxxxxxxxx--\r\n"
    loop_time = LoopTime()

    async def reader(receive):
        body = chunks(receive, FORM, max_bytes=21_000 * KB, timeout_s=60)
        return await read_form(body, FORM, max_file_bytes=20_000 * KB)

    form = run(loop_time.read(GOOD, in_messages(body, 64 * KB).receive, reader))
    assert len(form.files[0][2]) > 19_000 * KB
    assert loop_time.wait_s(GOOD) < 5


def test_each_step_on_the_loop_is_charged_once_and_to_whom_it_belongs():
    loop_time = LoopTime(share=1e-9)

    def spin(seconds):
        until_s = time.thread_time() + seconds
        while time.thread_time() < until_s:
            pass

    async def inner():
        spin(0.05)
        await asyncio.sleep(0)
        spin(0.05)
        return "inner"

    async def slots():
        spin(0.2)
        return await loop_time.metered("inner", inner())

    async def outer():
        spin(0.1)
        await asyncio.sleep(0.001)
        assert await loop_time.metered(NOBODY, slots()) == "inner"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await loop_time.metered("inner", asyncio.sleep(5))
        raise KeyError("why")

    async def scenario():
        with pytest.raises(KeyError, match="why"):
            await loop_time.metered("outer", outer())

    run(scenario())
    charged = {client: debt[0] for client, debt in loop_time._debts.items()}
    assert charged == {
        "outer": pytest.approx(0.1, abs=0.03),
        "inner": pytest.approx(0.1, abs=0.03),
    }


CHEAP = {
    "health": ("GET", "/healthz"),
    "the page": ("GET", "/"),
    "the document": ("GET", "/openapi.json"),
    "no such path": ("GET", "/nothing"),
    "a wrong method": ("DELETE", "/v1/ask"),
    "without the token": ("POST", "/v1/ask"),
}


@pytest.mark.parametrize("name", CHEAP)
def test_requests_that_need_no_slot_are_charged(make, name):
    app, service = make(token="a" * 20)
    for _ in range(20):
        call(app, *CHEAP[name])
    (debt,) = service.connections.loop_time._debts.values()
    assert debt[0] > 0


def test_what_a_run_costs_beside_its_body_is_left_out(make, monkeypatch):
    app, service = make()
    real = service.answer

    async def slow(*arguments, **options):
        until_s = time.thread_time() + 0.5
        while time.thread_time() < until_s:
            pass
        return await real(*arguments, **options)

    monkeypatch.setattr(service, "answer", slow)
    call(app, "POST", "/v1/run", **form({"program": RUN}, file=PNG))
    (debt,) = service.connections.loop_time._debts.values()
    assert debt[0] < 0.3


@pytest.mark.parametrize("failing", [{0}, {1}, {2}, {0, 1}, {0, 1, 2}])
def test_whoever_fails_in_the_line_of_a_client_the_others_go_on(failing, caplog):
    async def scenario():
        loop_time, went_on = LoopTime(share=1.0), []

        def go_on(number):
            if number in failing:
                raise RuntimeError("it is gone")
            went_on.append(number)

        for number in range(3):
            loop_time.when_paid("a", lambda number=number: go_on(number))
        await asyncio.sleep(0.05)
        loop_time.when_paid("a", lambda: went_on.append(3))  # the line begins anew
        await asyncio.sleep(0.05)
        return went_on

    assert run(scenario()) == [number for number in range(4) if number not in failing]
    assert [record.getMessage() for record in caplog.records if record.name == module.__name__] == [
        "A connection failed: RuntimeError: it is gone."
    ] * len(failing)
