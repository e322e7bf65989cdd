import asyncio
import os
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from viper_sandbox import Jail, Limits, identity
from viper_sandbox.confine import Confinement
from viper_sandbox.level import Act, LevelReport

ACTS = {
    "open a file",
    "connect to the network",
    "connect to a local service",
    "run another program",
    "signal another process",
    "trace another process",
    "share memory",
    "start a process",
    "look at a file",
    "change a file",
    "create, rename or remove a file",
    "change another process",
    "make a namespace",
    "use keyrings",
    "use complex parts of the kernel",
    "administer the machine",
    "raise its limits",
    "use memory without bound",
    "use CPU time without bound",
}
BOUNDS = {"use memory without bound", "use CPU time without bound"}
# What only the filter refuses: the others have no word for it.
FILTER_ALONE = {"change another process", "use keyrings"}
NOTHING = Confinement(identity=False, namespaces=False, limits=False, landlock=False, seccomp=False)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs mechanisms of Linux")
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


@needs_linux
def test_the_probe_leaves_nothing_behind():
    def left():
        return set(Path("/tmp").glob("viper-probe-*"))

    before = left()
    for _ in range(5):
        level()
    # Tests beside this one probe as well: what is theirs goes, what was left behind stays.
    left_over = left() - before
    deadline_s = time.monotonic() + 20
    while left_over and time.monotonic() < deadline_s:
        time.sleep(0.05)
        left_over = {path for path in left_over if path.exists()}
    assert not left_over


def missing(report):
    return {name for name, _ in report.missing}


def got_through(report):
    return {act.name for act in report.acts if not act.refused}


@needs_linux
def test_with_no_mechanism_every_act_succeeds_so_that_the_probe_proves_something():
    report = level(confinement=NOTHING)
    assert report.level == "partial"
    only_root = {"trace another process", "administer the machine"}
    expected = ACTS if os.geteuid() == 0 else ACTS - only_root
    assert got_through(report) >= expected


@needs_seccomp
@pytest.mark.parametrize(
    ("taken", "names"),
    [
        ("identity", {"no root"}),
        ("namespaces", {"user, PID and network namespace", "IPC namespace", "UTS namespace"}),
        ("landlock", {"Landlock"}),
    ],
)
def test_without_one_mechanism_the_filter_refuses_every_act_and_the_report_says_what_is_missing(
    taken, names
):
    report = level(confinement=Confinement(**{taken: False}))
    assert report.level == "full"
    assert missing(report) == names
    assert all(why == "it was switched off" for _, why in report.missing)


@needs_seccomp
def test_the_filter_and_the_limits_alone_refuse_every_act():
    assert level(confinement=replace(NOTHING, seccomp=True, limits=True)).level == "full"


@needs_seccomp
def test_without_limits_memory_and_time_have_no_bound_and_the_level_says_so():
    report = level(confinement=Confinement(limits=False))
    assert missing(report) == {"limits"}
    assert report.level == "partial"
    assert got_through(report) == BOUNDS
    assert "setrlimit" in report.advice
    assert "seccomp" not in report.advice


@needs_linux
@pytest.mark.parametrize(
    ("taken", "acts", "remedy"),
    [
        (("seccomp",), set(), "allow the system calls prctl and seccomp"),
        (("seccomp", "landlock"), {"signal another process"}, "lsm="),
        (
            ("seccomp", "namespaces"),
            {"look at a file", "change a file", "make a namespace", "share memory"},
            "kernel.unprivileged_userns_clone",
        ),
        (
            ("seccomp", "landlock", "namespaces"),
            {
                *("look at a file", "change a file", "create, rename or remove a file"),
                *("make a namespace", "share memory"),
                *("run another program", "signal another process"),
            },
            "lsm=",
        ),
        (
            ("seccomp", "limits"),
            {"start a process", "use complex parts of the kernel", "raise its limits", *BOUNDS},
            "setrlimit",
        ),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, tuple) else "",
)
def test_without_the_filter_the_level_is_partial_and_says_what_would_close_it(taken, acts, remedy):
    whole = level()
    report = level(confinement=Confinement(**dict.fromkeys(taken, False)))
    if missing(whole):
        pytest.skip(f"this machine lacks {missing(whole)}")
    assert report.level == "partial"
    assert got_through(report) == acts | FILTER_ALONE
    assert report.sentence.startswith("The sandbox is partial: a confined program could ")
    assert all(act in report.sentence for act in acts)
    assert remedy in report.sentence


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
        async with Jail(confinement=Confinement(seccomp=False, landlock=False)) as jail:
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


@pytest.mark.parametrize("first", [True, False], ids=["before it is measured again", "later"])
def test_a_child_that_is_confined_less_than_measured_does_not_read_its_program(
    request_for, stub_handler, first
):
    async def run():
        async with Jail(confinement=Confinement(seccomp=False)) as jail:
            if not first:
                await jail.run(request_for("return 1"), stub_handler)
                await jail._zygote_client.close()
            jail._report = LevelReport("full", ())  # as if it had been in force then
            return await jail.run(request_for("return 1"), stub_handler)

    result = asyncio.run(run())
    assert result.failure.kind == "sandbox"
    assert "confined less than when the level was measured: seccomp" in result.failure.message
    assert result.checked is None


def test_a_machine_other_than_linux_says_so_for_each_mechanism(monkeypatch):
    from viper_sandbox import confine, kernel, seccomp

    kernel._libc.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(identity, "drop_root", lambda: None)
    plan = confine.prepare(Confinement(), Limits(), 0)
    reason = "it is a feature of Linux, and this is darwin"
    assert plan.in_force == {
        "no root": "",
        "no new privileges": reason,
        "no tracing": reason,
        "death with parent": reason,
        "user, PID and network namespace": reason,
        "Landlock": reason,
    }
    assert seccomp.unsupported_reason() == "seccomp is a feature of Linux, and this is darwin"


def answer(request, needed, **options):
    """Run a program; return its value, whether the level was measured, and the spare child made before."""

    async def once():
        async def serve(call):
            return True

        async with Jail(**options) as jail:
            jail.warm(request.api, "partial")
            await jail._warming
            spare = jail._zygote_client._spare
            result = await jail.run(request, serve, least_level=needed)
            return result.value, jail._report is not None, spare

    return asyncio.run(once())


@needs_seccomp
def test_a_program_that_needs_little_does_not_wait_for_a_measurement(request_for):
    request = request_for("return 7")
    assert answer(request, "partial")[:2] == (7, False)
    assert answer(request, "full")[:2] == (7, True)  # control


@needs_linux
@pytest.mark.parametrize("mechanism", ["landlock", "seccomp", "limits", "namespaces"])
def test_where_a_mechanism_is_missing_every_program_waits_for_the_measurement(
    request_for, mechanism
):
    lacking = Confinement(**{mechanism: False})
    assert answer(request_for("return 7"), "partial", confinement=lacking)[:2] == (7, True)


@needs_linux
def test_a_child_made_before_the_measurement_gets_no_program_that_needs_it(request_for):
    value, measured, spare = answer(request_for("return 7"), "full")
    assert (value, measured, spare.dismissed) == (7, True, True)
    # The control: a program that needs no measurement uses it.
    used = []

    async def once():
        async with Jail() as jail:
            request = request_for("return image.exists('x')")
            jail.warm(request.api, "partial")
            await jail._warming
            spare = jail._zygote_client._spare

            async def serve(call):
                used.append(spare.confined)
                return True

            await jail.run(request, serve, least_level="partial")

    asyncio.run(once())
    assert used == [True]
