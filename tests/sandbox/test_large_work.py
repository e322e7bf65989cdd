"""Large values are read beside the loop, one piece at a time, in turns, and whoever causes it pays."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
import weakref
from functools import partial

import pytest

from viper_sandbox.large_work import beside_loop, paid_by


def compute(spent_s=0.02):
    end_s = time.thread_time() + spent_s
    while time.thread_time() < end_s:
        pass


async def order_of(hostile, clients):
    """Return in which order pieces are done: many of hostile clients, and then one of each other client."""
    ended = []

    async def piece(client, name):
        with paid_by(client, lambda _: None):
            await beside_loop(lambda: (compute(0.004), ended.append(name)))

    tasks = [asyncio.ensure_future(piece(client, "hostile")) for client in hostile]
    await asyncio.sleep(0.001)
    tasks += [asyncio.ensure_future(piece(client, f"other {client}")) for client in clients]
    await asyncio.gather(*tasks)
    return ended


def test_clients_take_turns_however_much_one_of_them_sends():
    ended = asyncio.run(order_of(["a"] * 12, ["b", "c"]))
    assert {ended.index("other b"), ended.index("other c")} <= set(range(5))


def test_control_one_client_waits_for_all_that_it_sent():
    ended = asyncio.run(order_of(["a"] * 12, ["a"]))
    assert ended[-1] == "other a"


def test_the_loop_goes_on_meanwhile_and_gets_half_of_the_time():
    async def talk():
        turns = 0

        async def others():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.001)

        at_work = asyncio.ensure_future(others())
        started_s, spent_s = time.monotonic(), time.process_time()
        await asyncio.gather(*(beside_loop(lambda: compute(0.03)) for _ in range(8)))
        took_s = time.monotonic() - started_s
        at_work.cancel()
        return turns, took_s, time.process_time() - spent_s

    turns, took_s, _ = asyncio.run(talk())
    assert turns >= 20
    assert took_s >= 0.03 * (8 + 7)  # it rests seven times


@pytest.mark.parametrize("pieces", [1, 5])
def test_each_piece_is_charged_to_its_client_from_another_loop_as_well(pieces):
    charged = []
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def work():
        await asyncio.gather(*(beside_loop(compute) for _ in range(pieces)))

    async def ask():
        with paid_by("somebody", charged.append):
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), loop))
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), loop))  # not charged

    try:
        asyncio.run(ask())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    assert len(charged) == pieces
    assert all(0.02 <= spent_s < 0.2 for spent_s in charged)


@pytest.mark.parametrize("error", [ValueError("wrong"), SystemExit(3)], ids=repr)
def test_errors_are_raised_where_the_work_was_asked_for_and_leave_no_cycle(error):
    class Held:
        pass

    async def talk():
        held = Held()
        gone = weakref.ref(held)

        def fail(held):
            raise type(error)(*error.args)

        with contextlib.suppress(type(error)):
            await beside_loop(partial(fail, held))
            raise AssertionError("no error was raised")
        del held
        await beside_loop(lambda: None)
        return gone() is None

    gc.disable()
    try:
        assert asyncio.run(talk())
    finally:
        gc.enable()


@pytest.mark.parametrize("when", ["running", "waiting", "given the turn"])
def test_work_that_is_cancelled_holds_up_nobody(when):
    async def talk():
        tasks = [asyncio.ensure_future(beside_loop(compute)) for _ in range(4)]
        await asyncio.sleep(0.005 if when != "given the turn" else 0)
        tasks[0 if when == "running" else 1].cancel()
        if when == "given the turn":
            tasks[0].cancel()
        async with asyncio.timeout(20):
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await beside_loop(compute)
        return [isinstance(result, asyncio.CancelledError) for result in results]

    assert any(asyncio.run(talk()))
