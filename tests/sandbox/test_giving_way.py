"""A program that computes for long leaves the processor to others, so that it takes little from each."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from fakes.processes import programs_of
from viper_sandbox import Jail
from viper_sandbox import process as processes
from viper_sandbox.zygote_loop import _YIELDING_NICENESS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")

PROGRAMS = {
    "computes": "while True:\n        pass",
    "computes in C code": "while True:\n        sorted([3, 1, 2] * 100_000)",
    "calls again": "while True:\n        sorted([3, 1, 2] * 10_000)\n        image.exists('dog')",
}


def niceness(pid):
    return os.getpriority(os.PRIO_PROCESS, pid)


async def run_for(jail, request, seconds):
    """The niceness of a program's process at its first call, and some time later."""
    seen, begun = [], asyncio.Event()

    async def handler(call):
        if not begun.is_set():
            seen.extend(programs_of(jail)[:1])
            seen.append(niceness(seen[0]))
            begun.set()
        return True

    run = asyncio.ensure_future(jail.run(request, handler))
    async with asyncio.timeout(30):
        await begun.wait()
    await asyncio.sleep(seconds)
    after = niceness(seen[0])
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    return seen[1], after


def source(name):
    return f"def execute_command(image):\n    image.exists('start')\n    {PROGRAMS[name]}\n"


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(processes, "_GIVES_WAY_AFTER_S", 0.05)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_runs_for_long_gives_way(request_for, soon, name):
    async def scenario():
        async with Jail() as jail:
            return await run_for(jail, request_for(source(name)), 0.5)

    begun, later = asyncio.run(scenario())
    assert later == begun + _YIELDING_NICENESS


def test_control_a_short_program_has_the_priority_of_the_host(request_for, monkeypatch):
    monkeypatch.setattr(processes, "_GIVES_WAY_AFTER_S", 60.0)

    async def scenario():
        async with Jail() as jail:
            return await run_for(jail, request_for(source("computes")), 0.2)

    assert set(asyncio.run(scenario())) == {niceness(0)}


def test_the_next_program_begins_with_the_priority_of_the_host(request_for, soon):
    async def scenario():
        async with Jail() as jail:
            await run_for(jail, request_for(source("computes")), 0.5)
            return await run_for(jail, request_for(source("computes")), 0)

    assert asyncio.run(scenario())[0] == niceness(0)


def cpu_s(pid):
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def begun(jail, request):
    """Start a program; return its task and its process."""
    pids = asyncio.get_running_loop().create_future()
    known = set(programs_of(jail)) if jail._zygote_client else set()

    async def handler(call):
        if not pids.done():
            pids.set_result(next(pid for pid in programs_of(jail) if pid not in known))
        return True

    run = asyncio.ensure_future(jail.run(request, handler))
    async with asyncio.timeout(30):
        return run, await pids


@pytest.fixture
def one_core():
    """This process and those that it starts share one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.parametrize(("gives_way", "least", "most"), [(True, 0.0, 0.4), (False, 0.5, 2.0)])
def test_what_gives_way_gets_little_of_a_core_that_others_want(
    request_for, monkeypatch, one_core, gives_way, least, most
):
    """Of two programs that compute, the first gives way; the control is that it does not."""

    async def scenario():
        async with Jail(spare=False) as jail:
            monkeypatch.setattr(processes, "_GIVES_WAY_AFTER_S", 0.01 if gives_way else 60.0)
            first, one = await begun(jail, request_for(source("computes")))
            await asyncio.sleep(0.1)
            monkeypatch.setattr(processes, "_GIVES_WAY_AFTER_S", 60.0)
            second, other = await begun(jail, request_for(source("computes")))
            start = cpu_s(one), cpu_s(other)
            await asyncio.sleep(1.5)
            used = cpu_s(one) - start[0], cpu_s(other) - start[1]
            for run in (first, second):
                run.cancel()
            await asyncio.gather(first, second, return_exceptions=True)
            return used

    one, other = asyncio.run(scenario())
    assert least <= one / other <= most
