import asyncio
import os
import platform
import sys

import pytest

from viper_sandbox import Jail
from viper_sandbox.confine import Confinement
from viper_sandbox.level import Act, LevelReport

ACTS = {
    "open a file",
    "connect to the network",
    "run another program",
    "signal another process",
    "trace another process",
    "share memory",
    "start a process",
}
needs_seccomp = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="needs a Linux machine that the filter is written for",
)


def level(**options):
    async def measure():
        async with Jail(**options) as jail:
            first = await jail.level()
            assert await jail.level() is first
            return first

    return asyncio.run(measure())


@needs_seccomp
def test_with_everything_in_force_the_kernel_refuses_every_act():
    report = level()
    assert report.level == "full"
    assert {act.name for act in report.acts} == ACTS
    assert all(act.refused for act in report.acts)
    assert report.missing == ()
    assert report.sentence == ("The sandbox is full: the kernel refuses every forbidden act.")


def test_without_seccomp_the_level_is_partial_and_says_what_would_close_it():
    report = level(confinement=Confinement(seccomp=False))
    assert report.level == "partial"
    refused = {act.name for act in report.acts if act.refused}
    assert "open a file" in refused  # no descriptor can be made any more
    assert "run another program" not in refused
    assert report.missing == (("seccomp", "it was switched off"),)
    assert report.sentence.startswith(
        "The sandbox is partial: a confined program could run another"
    )
    assert "A Linux kernel with seccomp filters" in report.sentence


def test_without_any_confinement_the_acts_succeed_so_that_the_probe_proves_something():
    report = level(confinement=Confinement(limits=False, seccomp=False))
    got_through = {act.name for act in report.acts if not act.refused}
    assert {"open a file", "connect to the network", "run another program"} <= got_through
    assert {"signal another process", "start a process"} <= got_through


def test_without_processes_there_is_no_sandbox(monkeypatch):
    monkeypatch.delattr(os, "fork")
    report = level()
    assert report.level == "none"
    assert report.sentence.startswith("There is no sandbox on this machine: ")


def test_an_interpreter_that_does_not_start_is_no_sandbox():
    report = level(python="/nonexistent/python")
    assert report.level == "none"
    assert "No sandbox process can be started" in report.sentence


def test_an_interpreter_that_dies_is_no_sandbox():
    report = level(python="/bin/false")
    assert report.level == "none"
    assert "died" in report.sentence


def test_programs_do_not_run_below_their_level(request_for, stub_handler):
    async def run(least_level):
        async with Jail(confinement=Confinement(seccomp=False)) as jail:
            return await jail.run(request_for("return 1"), stub_handler, least_level=least_level)

    failure = asyncio.run(run("full")).failure
    assert failure.kind == "sandbox"
    assert failure.message.startswith(
        "The program needs a sandbox of level 'full'. The sandbox is partial"
    )
    assert asyncio.run(run("partial")).value == 1


def test_no_level_reaches_none():
    assert not LevelReport("none", ()).reaches("none")
    assert not LevelReport("none", ()).reaches("partial")
    assert LevelReport("partial", (Act("x", False, "got through"),)).reaches("partial")
    assert LevelReport("full", ()).reaches("partial")


def test_a_child_that_is_confined_less_than_measured_is_refused(request_for, stub_handler):
    async def run():
        async with Jail() as jail:
            await jail.level()
            jail._confinement = Confinement(seccomp=False)
            return await jail.run(request_for("return 1"), stub_handler)

    failure = asyncio.run(run()).failure
    assert failure.kind == "sandbox"
    assert "confined less than when the level was measured: seccomp" in failure.message
