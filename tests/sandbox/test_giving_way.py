"""A program that computes for long leaves the processor to others, so that it takes little from each."""

import asyncio
import os
import sys

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
