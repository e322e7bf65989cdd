"""Processes that are killed at the wrong moment, and what is left of them."""

import asyncio
import gc
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fakes.processes import (
    alive,
    descendants_of,
    descriptors,
    programs_of,
    until,
    wait_until,
    zygote_of,
)
from viper_sandbox import Jail, Limits, process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")

THREE = "return [image.exists('a'), image.exists('b'), image.exists('c')]"
SPIN = "def execute_command(image):\n    image.exists('a')\n    while True:\n        pass\n"
WORK = (
    "def execute_command(image):\n    found = []\n    for word in 'abcdefgh':\n"
    "        found.append(image.simple_query(word))\n    return sum(range(20_000)), found\n"
)
WORK_VALUE = (199_990_000, ["stub"] * 8)


def run(coroutine_of):
    async def once():
        async with Jail() as jail:
            return await coroutine_of(jail)

    return asyncio.run(once())


def memory_kb():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


@pytest.mark.parametrize("victim", ["zygote", "keeper"])
def test_a_program_of_a_dead_zygote_runs_again_and_pays_for_no_call_twice(request_for, victim):
    asked = []

    async def serve(call):
        asked.append(call.arguments[0])
        if asked == ["a", "b"]:
            pid = zygote_of(jails[0]) if victim == "zygote" else jails[0]._zygote_client.pid
            os.kill(pid, signal.SIGKILL)
        return True

    async def once(jail):
        jails.append(jail)
        first = await jail.run(request_for(THREE), serve)
        return first, await jail.run(request_for("return 5"), serve)

    jails = []
    first, second = run(once)
    assert first.failure is None
    assert first.value == [True, True, True]
    assert asked == ["a", "b", "c"]
    assert second.value == 5


def test_the_zygote_may_die_while_a_program_computes(request_for):
    async def serve(call):
        asked.append(call.arguments[0])
        if len(asked) == 1:
            asyncio.get_running_loop().call_later(0.05, os.kill, zygote_of(jails[0]), 9)
        return True

    async def once(jail):
        jails.append(jail)
        source = (
            "def execute_command(image):\n    a = image.exists('a')\n"
            "    return sum(range(3_000_000)) and [a, image.exists('b')]"
        )
        return await jail.run(request_for(source), serve)

    jails, asked = [], []
    assert run(once).value == [True, True]
    assert asked == ["a", "b"]


def test_a_second_death_is_a_failure_of_the_sandbox(request_for):
    async def serve(call):
        raise AssertionError("the program asks for nothing")

    async def once(jail):
        await jail.level()
        running = asyncio.ensure_future(
            jail.run(request_for("while True:\n    pass\nreturn 1"), serve)
        )
        for deaths in (1, 2):
            zygote_client = jail._zygote_client
            await until(lambda: not running.done() and len(programs_of(jail)) > 1)
            await asyncio.sleep(0.05)
            os.kill(zygote_of(jail), signal.SIGKILL)
            if deaths == 1:
                await until(
                    lambda zygote_client=zygote_client: jail._zygote_client is not zygote_client
                )
        return await running

    failure = run(once).failure
    assert failure.kind == "sandbox"
    assert failure.message.startswith("The sandbox died twice while the program ran.")


def test_a_check_is_made_again_by_another_zygote(api_wire, stub_handler, request_for):
    async def once(jail):
        await jail.run(request_for("return 1"), stub_handler)
        os.kill(zygote_of(jail), signal.SIGKILL)
        return await jail.check("return 1", api_wire)

    assert run(once).findings == ()


def test_a_child_that_is_killed_from_outside_is_no_matter_of_memory(request_for):
    async def kill(call):
        os.kill(programs_of(jails[0])[0], signal.SIGKILL)
        return True

    async def once(jail):
        jails.append(jail)
        return await jail.run(request_for("return image.exists('x')"), kill)

    jails = []
    failure = run(once).failure
    assert (failure.kind, failure.message) == (
        "sandbox",
        "The program's process was killed from outside (SIGKILL). Run it again.",
    )


def test_a_child_that_is_killed_when_the_kernel_ran_out_of_memory_says_so(request_for, monkeypatch):
    async def kill(call):
        os.kill(programs_of(jails[0])[0], signal.SIGKILL)
        monkeypatch.setattr(process.OutOfMemoryCount, "_read", lambda self: 10**9)
        return True

    async def once(jail):
        jails.append(jail)
        return await jail.run(request_for("return image.exists('x')"), kill)

    jails = []
    failure = run(once).failure
    assert failure.kind == "memory"
    assert failure.message.startswith("The machine ran out of memory")


def test_a_spare_that_was_killed_is_replaced(request_for, stub_handler):
    async def once(jail):
        assert (await jail.run(request_for("return 1"), stub_handler)).value == 1
        await until(lambda: len(programs_of(jail)) == 1)
        os.kill(programs_of(jail)[0], signal.SIGKILL)
        await until(lambda: not jail._zygote_client._spare.alive)
        return await jail.run(request_for("return 2"), stub_handler)

    assert run(once).value == 2


def test_a_stopped_zygote_does_not_keep_a_program_alive(request_for, monkeypatch):
    monkeypatch.setattr(process, "_KILL_TIMEOUT_S", 0.2)

    async def stop(call):
        os.kill(zygote_of(jails[0]), signal.SIGSTOP)
        return True

    async def once(jail):
        jails.append(jail)
        family = [jail._zygote_client.pid] if jail._zygote_client else []
        result = await jail.run(request_for(SPIN), stop)
        return result, family

    async def limited():
        async with Jail(Limits(program_s=0.3)) as jail:
            return await once(jail)

    jails = []
    result, _ = asyncio.run(limited())
    assert result.failure.kind == "timeout"


async def work_under_fire(jail, request_for, handler, *, programs, kills, seed):
    """Run programs while children and zygotes are killed at random; return all results."""
    chance = random.Random(seed)
    results = []

    async def worker(share):
        for _ in range(share):
            results.append(await jail.run(request_for(WORK), handler))

    async def assassin():
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.005, 0.06))
            zygote_client = jail._zygote_client
            if zygote_client is None or not zygote_client.usable:
                continue
            try:
                victims = descendants_of(zygote_client.pid)
                os.kill(chance.choice([zygote_client.pid, *victims]), signal.SIGKILL)
            except (IndexError, ProcessLookupError, FileNotFoundError):
                continue

    await jail.run(request_for(WORK), handler)
    await asyncio.gather(assassin(), *(worker(programs // 8) for _ in range(8)))
    return results


def check_aftermath(results):
    for result in results:
        if result.failure is None:
            assert result.value == WORK_VALUE
        else:
            assert result.failure.kind == "sandbox", result


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_at_random_moments_spoil_single_programs_only(request_for, stub_handler, seed):
    async def once(jail):
        results = await work_under_fire(
            jail, request_for, stub_handler, programs=80, kills=10, seed=seed
        )
        family = [jail._zygote_client.pid, *descendants_of(jail._zygote_client.pid)]
        last = await jail.run(request_for(WORK), stub_handler)
        return results, family, last

    before = descriptors()
    results, family, last = run(once)
    check_aftermath(results)
    assert len(results) == 80
    assert sum(r.failure is None for r in results) >= 40
    assert last.value == WORK_VALUE
    wait_until(lambda: not any(alive(pid) for pid in family))
    gc.collect()
    assert descriptors() == before


async def in_a_row(jail, request_for, handler, programs):
    for _ in range(programs):
        assert (await jail.run(request_for("return 1 + 1"), handler)).value == 2


def test_two_hundred_at_once_leave_nothing_behind(request_for, stub_handler):
    async def once(jail):
        await in_a_row(jail, request_for, stub_handler, 2)
        await asyncio.sleep(0)
        before = descriptors()
        results = await asyncio.gather(
            *(jail.run(request_for(WORK), stub_handler) for _ in range(200))
        )
        assert {r.failure for r in results} == {None}
        assert all(r.value == WORK_VALUE for r in results)
        await until(lambda: len(programs_of(jail)) == 1)
        assert descriptors() == before

    threads = threading.active_count()
    run(once)
    assert threading.active_count() == threads


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_in_a_row_leave_nothing_behind(request_for, stub_handler):
    async def once(jail):
        await in_a_row(jail, request_for, stub_handler, 500)
        gc.collect()
        before = descriptors(), memory_kb(), threading.active_count()
        zygote = zygote_of(jail)
        await in_a_row(jail, request_for, stub_handler, 10_000)
        gc.collect()
        await until(lambda: len(programs_of(jail)) == 1)
        assert zygote_of(jail) == zygote
        assert (descriptors(), threading.active_count()) == (before[0], before[2])
        assert memory_kb() - before[1] < 2_000

    run(once)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(5))
def test_a_long_siege_spoils_single_programs_only(request_for, stub_handler, seed):
    async def once(jail):
        results = await work_under_fire(
            jail, request_for, stub_handler, programs=1_600, kills=200, seed=seed
        )
        return results, await jail.run(request_for(WORK), stub_handler)

    before = descriptors()
    results, last = run(once)
    check_aftermath(results)
    assert last.value == WORK_VALUE
    gc.collect()
    assert descriptors() == before
    assert len(results) == 1_600


HOST = """
import asyncio
from viper.programs.api_spec import load_spec
from viper_sandbox import Jail, PatchRef, Request
async def main():
    jail = Jail()
    async def serve(call):
        return True
    image = PatchRef(1, (0.0, 0.0, 9.0, 9.0))
    request = Request("return [image.exists('x') for i in range(50)]", load_spec().to_wire(), image, (9, 9))
    await jail.run(request, serve)
    print(jail._zygote_client.pid, flush=True)
    async def forever():
        while True:
            await jail.run(request, serve)
    await asyncio.gather(*(forever() for _ in range(4)))
asyncio.run(main())
"""


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_host_that_is_killed_under_load_leaves_nothing_behind(seed):
    with subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True) as host:
        first = int(host.stdout.readline())
        threading.Event().wait(random.Random(seed).uniform(0.05, 0.3))
        family = [first, *descendants_of(first)]
        host.kill()
    wait_until(lambda: not any(alive(pid) for pid in family))
    assert len(family) >= 2
