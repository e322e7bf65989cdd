"""One client cannot take from others what the server has a limited number of."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from fakes.asgi import Client, Reply, form, run, scope
from fakes.serving import PNG
from viper.images.shares import Shares
from viper.serve.admission import Admission
from viper.serve.api_error import ApiError
from viper.serve.clients import client_of
from viper.serve.connections import Connections
from viper.serve.worker_slots import RecalledError, WorkerSlots

ASK = form({"question": "How many cups are there?"}, file=PNG)
HOSTILE, GOOD, OTHER = "10.0.0.1", "10.0.0.2", "10.0.0.3"
LONG_S = 60.0


@pytest.fixture
def at_once(monkeypatch):
    """Slots are taken back without delay."""
    monkeypatch.setattr("viper.serve.worker_slots._RECALL_AFTER_S", 0.01)


def send(app, address, client=None, sent=ASK):
    client = client or Client([sent["body"]])

    async def exchange() -> Reply:
        asked = scope("POST", "/v1/ask", sent["headers"], client)
        await app({**asked, "client": (address, 40_000)}, client.receive, client.send)
        return client.reply

    return asyncio.ensure_future(exchange())


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


def deadline():
    return asyncio.get_running_loop().time() + LONG_S


class Users:
    """Requests that hold a worker slot until they are told to end, in the order in which they got it."""

    def __init__(self, slots):
        self.slots = WorkerSlots(slots)
        self.running: list[str] = []
        self.begun: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: list[asyncio.Task] = []

    def ask(self, *names):
        """A name is that of the client and a number, such as "a1"."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self.tasks.append(asyncio.ensure_future(self._use(name)))

    async def _use(self, name):
        again = False
        while True:
            try:
                async with self.slots.hold(name[0], deadline(), again=again):
                    self.running.append(name)
                    self.begun.append(name)
                    try:
                        await self._ends[name].wait()
                    finally:
                        self.running.remove(name)
                    return
            except RecalledError:
                again = True

    async def end(self, *names):
        for name in names:
            self._ends[name].set()
        await asyncio.sleep(0.01)

    async def finish(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        assert self.slots.in_use == 0
        assert not self.slots._lines


def with_users(slots, scenario):
    async def whole():
        users = Users(slots)
        try:
            await scenario(users)
        finally:
            await users.finish()

    run(whole())


# -- worker slots


def test_a_free_slot_goes_to_the_client_with_the_fewest():
    async def scenario(users):
        users.ask("a1", "a2", "a3", "a4", "a5", "b1", "b2", "c1")
        await asyncio.sleep(0.01)
        assert users.begun == ["a1", "a2", "a3"]
        await users.end("a1")
        await users.end("a2")
        assert users.begun == ["a1", "a2", "a3", "b1", "c1"]
        await users.end("a3", "b1", "c1")
        assert users.begun[5:] == ["a4", "b2", "a5"]

    with_users(3, scenario)


def test_with_one_slot_clients_take_turns_however_many_requests_one_has():
    async def scenario(users):
        users.ask(*(f"a{n}" for n in range(9)), "b0", "b1", "c0")
        for _ in range(6):
            await asyncio.sleep(0.005)
            await users.end(*users.running)
        assert users.begun[:6] == ["a0", "b0", "c0", "a1", "b1", "a2"]

    with_users(1, scenario)


def test_a_client_with_one_request_at_a_time_takes_turns_with_those_that_have_several():
    async def scenario(users):
        users.ask(*(f"a{n}" for n in range(9)), *(f"b{n}" for n in range(9)), "c0")
        for number in range(1, 9):
            await asyncio.sleep(0.005)
            (running,) = users.running
            await users.end(running)
            if running.startswith("c"):
                users.ask(f"c{number}")
        await asyncio.sleep(0.005)
        assert sorted(name[0] for name in users.begun) == list("aaabbbccc")

    with_users(1, scenario)


def test_alone_a_client_uses_all_slots():
    async def scenario(users):
        users.ask("a1", "a2", "a3", "a4")
        await asyncio.sleep(0.01)
        assert users.running == ["a1", "a2", "a3", "a4"]

    with_users(4, scenario)


def test_a_client_that_holds_all_slots_gives_them_back_when_others_wait(at_once):
    async def scenario(users):
        users.ask("a1", "a2", "a3", "a4")
        await asyncio.sleep(0.01)
        users.ask("b1", "c1", "d1")
        await until(lambda: len(users.begun) == 7)
        assert sorted(users.running) == ["a1", "b1", "c1", "d1"]  # one slot while others wait
        assert users.slots.recalls == 3
        await users.end("b1")
        assert users.begun[7:] == ["a2"]  # what was taken back begins again, the oldest first
        await users.end("a2", "a1", "c1", "d1")
        assert users.begun[8:] == ["a3", "a4"]

    with_users(4, scenario)


def test_control_without_recall_the_others_wait_as_long_as_the_runs_take(monkeypatch):
    monkeypatch.setattr("viper.serve.worker_slots._RECALL_AFTER_S", 1000.0)

    async def scenario(users):
        users.ask("a1", "a2", "a3", "a4")
        await asyncio.sleep(0.01)
        users.ask("b1")
        await asyncio.sleep(0.2)
        assert users.begun == ["a1", "a2", "a3", "a4"]

    with_users(4, scenario)


def test_between_equals_nothing_is_taken_back(at_once):
    async def scenario(users):
        users.ask("a1", "a2", "b1", "b2")
        await asyncio.sleep(0.01)
        users.ask("a3", "a4", "b3", "b4")
        await asyncio.sleep(0.1)
        assert users.slots.recalls == 0

    with_users(4, scenario)


def test_two_clients_end_up_with_half_each(at_once):
    async def scenario(users):
        users.ask(*(f"a{n}" for n in range(8)))
        await asyncio.sleep(0.01)
        users.ask(*(f"b{n}" for n in range(8)))
        await until(lambda: users.slots.recalls == 4)
        await asyncio.sleep(0.1)
        assert sorted(name[0] for name in users.running) == ["a"] * 4 + ["b"] * 4

    with_users(8, scenario)


@pytest.mark.parametrize("when", ["waiting", "just granted", "running", "recalled"])
def test_a_request_that_is_cancelled_leaves_nothing_behind(at_once, when):
    async def scenario(users):
        users.ask("a1", "a2")
        await asyncio.sleep(0.01)
        if when == "waiting":
            users.ask("a3")
            await asyncio.sleep(0)
            users.tasks[2].cancel()
        elif when == "just granted":
            users.ask("a3")
            await asyncio.sleep(0)
            users._ends["a1"].set()
            await asyncio.sleep(0)
            users.tasks[2].cancel()
        elif when == "running":
            users.tasks[0].cancel()
        else:
            users.ask("b1")
            await until(lambda: users.slots.recalls)
            users.tasks[1].cancel()
        await asyncio.sleep(0.05)
        await users.end("a1", "a2", "a3") if "a3" in users._ends else await users.end("a1", "a2")
        users.ask("c1", "d1")
        await until(lambda: {"c1", "d1"} <= {*users.running} or users.slots.in_use == 2)

    with_users(2, scenario)


def test_a_run_that_is_taken_back_is_cancelled_and_answered_later(make, held, at_once):
    app, service = make(held, concurrency=2, queue=8)

    async def scenario():
        hostile = [send(app, HOSTILE) for _ in range(2)]
        await until(lambda: held.started == 2)
        good = send(app, GOOD)
        await until(lambda: held.started == 3)
        assert held.cancelled == 1
        held.go.set()
        replies = await asyncio.gather(good, *hostile)
        assert [reply.status for reply in replies] == [200] * 3
        assert held.started == 4
        assert service.admission.outcomes()["recalled"] == 1
        assert service.admission.running == service.admission.admitted == 0

    run(scenario())


def test_a_stream_whose_run_is_taken_back_says_that_it_starts_again(make, held, at_once):
    app, _ = make(held, concurrency=2, queue=8)
    streamed = form({"question": "Is there a cup?", "stream": "true"}, file=PNG)

    async def scenario():
        hostile = [send(app, HOSTILE, sent=streamed) for _ in range(2)]
        await until(lambda: held.started == 2)
        good = send(app, GOOD)
        await until(lambda: held.started == 3)
        held.go.set()
        await good
        names = [[name for name, _ in (await one).events()] for one in hostile]
        assert sorted(events.count("started") for events in names) == [1, 2]
        assert all(events[-1] == "answer" for events in names)

    run(scenario())


# -- queue slots


@pytest.mark.parametrize("state", ["waits", "its body arrives", "its stream waits"])
def test_a_client_that_fills_the_queue_makes_room_for_another(make, held, state):
    app, service = make(held, concurrency=1, queue=3)
    streamed = form({"question": "Is there a cup?", "stream": "true"}, file=PNG)

    async def scenario():
        hostile = [send(app, HOSTILE)]
        await until(lambda: held.started == 1)
        for _ in range(3):
            slow = Client([b"-", ASK["body"]], pause_s=60) if "body" in state else None
            hostile.append(send(app, HOSTILE, slow, streamed if "stream" in state else ASK))
            await asyncio.sleep(0.01)
        assert service.admission.admitted == 4
        good = send(app, GOOD)
        lost = await asyncio.wait_for(hostile[3], 10)  # the newest one
        if "stream" in state:
            name, body = lost.events()[-1]
            assert (name, body["error"]["kind"]) == ("error", "overload")
            assert lost.ended
        else:
            assert (lost.status, lost.error["kind"]) == (429, "overload")
            assert lost.headers["retry-after"]
        held.go.set()
        assert (await good).status == 200
        for task in hostile:
            task.cancel()
        await asyncio.gather(*hostile, return_exceptions=True)
        assert service.admission.admitted == 0
        assert service.admission.outcomes()["evicted"] == 1

    run(scenario())


def test_a_queue_that_is_full_of_others_is_full_for_a_newcomer_with_as_many(make, held):
    app, service = make(held, concurrency=1, queue=3)

    async def scenario():
        inside = [send(app, address) for address in (HOSTILE, GOOD, OTHER, HOSTILE)]
        await until(lambda: service.admission.admitted == 4)
        refused = await send(app, GOOD)  # it has one, and nobody three
        assert refused.status == 429
        held.go.set()
        assert [reply.status for reply in await asyncio.gather(*inside)] == [200] * 4
        assert service.admission.outcomes()["rejected"] == 1

    run(scenario())


def test_a_request_that_runs_is_never_evicted():
    async def scenario():
        admission = Admission(2, 0)
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(2):
                slot = await stack.enter_async_context(admission.queue_slot(HOSTILE))
                await stack.enter_async_context(admission.worker_slot(slot, deadline()))
            with pytest.raises(ApiError):
                await stack.enter_async_context(admission.queue_slot(GOOD))
            await asyncio.sleep(0.01)
        assert admission.admitted == admission.running == 0

    run(scenario())


def test_control_one_client_alone_may_fill_the_queue(make, held):
    app, service = make(held, concurrency=1, queue=3)

    async def scenario():
        inside = [send(app, HOSTILE) for _ in range(4)]
        await until(lambda: service.admission.admitted == 4)
        assert (await send(app, HOSTILE)).status == 429
        held.go.set()
        assert [reply.status for reply in await asyncio.gather(*inside)] == [200] * 4

    run(scenario())


# -- who a client is


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("127.0.0.1", "127.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::1", "127.0.0.1", False),
    ],
)
def test_a_client_is_an_address_or_a_network_of_64_bits(one, other, same):
    assert (client_of((one, 1)) == client_of((other, 2))) == same


@pytest.mark.parametrize(
    "header",
    ["x-forwarded-for", "forwarded", "x-real-ip", "x-client-ip", "cf-connecting-ip", "user-agent"],
)
def test_no_header_makes_a_client_another_one(make, held, header):
    app, service = make(held, concurrency=1, queue=1)

    async def scenario():
        inside = []
        for number in range(3):
            sent = {**ASK, "headers": {**ASK["headers"], header: f"for=10.9.8.{number}"}}
            inside.append(send(app, HOSTILE, sent=sent))
            await asyncio.sleep(0.01)
        assert (await inside[2]).status == 429  # its own queue is full: nobody else's request went
        assert service.admission.outcomes()["evicted"] == 0
        held.go.set()
        await asyncio.gather(*inside)

    run(scenario())


def test_shares_give_the_newest_of_the_largest_first():
    shares: Shares[str] = Shares()
    for item in ("a1", "a2", "a3", "b1", "b2", "c1"):
        shares.add(item[0], item)
    assert [item for _, item in shares.excess("d")] == ["a3", "a2", "a1", "b2", "b1"]
    assert [item for _, item in shares.excess("c")] == ["a3", "a2", "a1"]
    assert [item for _, item in shares.excess("d", 1)] == ["a3", "a2", "a1"]
    assert list(shares.excess("a")) == []
    assert shares.remove("a", "a3")
    assert not shares.remove("a", "a3")
    assert (len(shares), shares.held("a"), shares.held("x")) == (5, 2, 0)


# -- connections


class Wire:
    """A connection."""

    def __init__(self, is_busy=False):
        self.is_busy, self.aborted = is_busy, False

    def abort(self):
        self.aborted = True


def test_connections_of_one_client_make_room_for_others():
    connections = Connections(0)
    hostile = [Wire(is_busy=number % 2 == 1) for number in range(connections.limit)]
    assert all(connections.open(one, (HOSTILE, n)) for n, one in enumerate(hostile))
    assert not connections.open(Wire(), (HOSTILE, 1))  # its own limit
    assert connections.open(Wire(), (GOOD, 1))
    assert [n for n, one in enumerate(hostile) if one.aborted] == [connections.limit - 2]
    assert len(connections) == connections.limit
    assert connections.outcomes == {"accepted": 65, "refused": 1, "evicted": 1}
    for number, one in enumerate(hostile):
        connections.close(one, (HOSTILE, number))
    assert len(connections) == 1


def test_every_client_gets_its_share_of_the_connections():
    connections = Connections(0)
    for number in range(500):
        connections.open(Wire(), (HOSTILE, number))
    for client in range(1, 9):
        assert all(connections.open(Wire(), (f"10.0.1.{client}", n)) for n in range(7))
    assert len(connections) == connections.limit
