"""The benchmark with a hostile client: that it measures what it says, and that every attack arrives."""

from __future__ import annotations

import asyncio
import copy

import pytest
from click.testing import CliRunner

pytest.importorskip("starlette", reason="the extra [serve] is not installed")

from viper_benchmarks.perf import hostile
from viper_benchmarks.perf.__main__ import perf
from viper_benchmarks.perf.attacks import ADDRESS, ATTACKS, Target, attack
from viper_benchmarks.perf.command import BenchmarkError
from viper_benchmarks.perf.hostile import GOAL_RATIO, measure, table

RESULT = {
    "requests": 500, "concurrency": 32, "clients": 8, "pairs": 1,
    "attacks": {"busy_loops": {
        "turned_away": 0, "lost": 0, "wrong": 0, "p50_ms": {"without": [1.0], "with": [1.0]},
        "p99_ms": {"without": [2.0], "with": [3.0]}, "ratios": [1.5], "ratio": 1.5, "sent": 9,
    }},
    "machine": {"cpu": "x", "cores": 2, "load_average_1min": 0.1}, "versions": {"python": "3"},
}  # fmt: skip


@pytest.mark.parametrize(("figure", "value"), [("lost", 1), ("wrong", 1), ("ratio", 2.01)])
def test_the_table_says_whether_each_goal_is_reached(figure, value):
    assert GOAL_RATIO == 2
    assert "missed" not in table(RESULT)[0].goal
    worse = copy.deepcopy(RESULT)
    worse["attacks"]["busy_loops"][figure] = value
    assert "missed" in table(worse)[0].goal


def test_it_is_an_option_of_the_benchmark_of_the_server():
    result = CliRunner().invoke(perf, ["serve", "--help"])
    assert "--hostile" in result.stdout
    assert all(name in result.stdout for name in ATTACKS)
    assert CliRunner().invoke(perf, ["serve", "--hostile", "--attack", "none"]).exit_code == 2


class Listener:
    """Takes connections, keeps what arrives, and answers nothing."""

    def __init__(self):
        self.received: dict[tuple[str, int], bytes] = {}

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.target = Target(f"http://127.0.0.1:{port}")
        return self

    async def __aexit__(self, *error):
        self.server.close()
        await self.server.wait_closed()

    async def _take(self, reader, writer):
        peer = writer.get_extra_info("peername")
        self.received[peer] = b""
        try:
            while data := await reader.read(65_536):
                self.received[peer] = (self.received[peer] + data)[:2_000]
        except OSError:
            pass
        finally:
            writer.transport.abort()


@pytest.mark.parametrize("name", sorted(set(ATTACKS) - {"large_images"}))
def test_every_attack_arrives_from_an_address_of_its_own(name):
    async def scenario():
        async with Listener() as listener:
            work = asyncio.ensure_future(ATTACKS[name](listener.target))
            async with asyncio.timeout(20):
                while len(listener.received) < 20 or not (
                    name == "connections" or any(listener.received.values())
                ):
                    await asyncio.sleep(0.01)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            assert {host for host, _ in listener.received} == {ADDRESS}
            assert listener.target.sent >= 20
            await asyncio.sleep(0.05)

    asyncio.run(scenario())


def test_an_attack_is_a_small_function_that_is_repeated(monkeypatch):
    monkeypatch.setattr("viper_benchmarks.perf.attacks.ATTACKS", {})
    times = 0

    @attack
    async def mine(target):
        nonlocal times
        times += 1
        await asyncio.sleep(0)
        if times % 2:
            raise ConnectionResetError

    async def scenario():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await mine(Target("http://127.0.0.1:1"))

    asyncio.run(scenario())
    assert times > 100


def test_an_attack_that_does_not_run_is_no_figure(monkeypatch):
    monkeypatch.setattr(hostile, "_HEAD_START_S", 1.0)
    monkeypatch.setattr(hostile.sys, "executable", "/bin/false")
    run = hostile._attacking("busy_loops", "http://127.0.0.1:1")
    with pytest.raises(BenchmarkError, match="ended by itself"), run:
        pass


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["busy_loops", "connections", "slow_bodies", "unread_streams"])
def test_beside_a_hostile_client_nothing_is_lost_or_wrong(name):
    result = measure(100, 32, (name,), 1)["attacks"][name]
    assert (result["lost"], result["wrong"]) == (0, 0)
    assert result["sent"] > 20
    assert result["ratio"] < 5 * GOAL_RATIO  # of one pair on a busy machine
