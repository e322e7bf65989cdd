"""A host that forks: what was used before belongs to the parent, and says so in the child at once."""

import asyncio
import os
import signal
import sys
import time
import traceback

import pytest

from viper.engine.loop import LoopThread
from viper_sandbox import Jail

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
# A child that waited for its parent's thread or zygote would do so for ever.
AT_ONCE_S = 30


def in_fork(act):
    """Run something in a fork of this process; return what it returned or raised, as text."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(AT_ONCE_S)
        said = "nothing"
        try:
            said = repr(act())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
            traceback.clear_frames(error.__traceback__)
        finally:
            os.write(writer, said.encode())
            os._exit(0)
    os.close(writer)
    began = time.monotonic()
    said = os.read(reader, 10_000).decode()
    os.close(reader)
    os.waitpid(pid, 0)
    assert time.monotonic() - began < AT_ONCE_S
    return said


@pytest.fixture
def used_loop():
    loop = LoopThread("test")
    assert loop.run(one()) == 1
    yield loop
    assert loop.run(one()) == 1  # the parent's still works
    loop.close()


async def one():
    return 1


@pytest.mark.parametrize("name", ["run", "submit"])
def test_a_loop_that_was_used_before_a_fork_says_so(used_loop, name):
    said = in_fork(lambda: getattr(used_loop, name)(one()))
    assert said.startswith("RuntimeError: This engine was used before os.fork().")


def test_closing_it_in_the_child_does_nothing(used_loop):
    assert in_fork(used_loop.close) == "None"


def test_a_loop_whose_lock_was_held_says_so_as_well(used_loop):
    with used_loop._lock:
        said = in_fork(lambda: used_loop.run(one()))
    assert "os.fork()" in said


def test_a_loop_that_was_made_but_not_used_works_in_both():
    loop = LoopThread("test")
    assert in_fork(lambda: loop.run(one())) == "1"
    assert loop.run(one()) == 1
    loop.close()


def test_without_the_check_the_child_would_wait_for_ever(used_loop, monkeypatch):
    """The control: the future of a loop without a thread is never done."""
    owner, used_loop._owner_pid = used_loop._owner_pid, None

    def wait():
        return used_loop.submit(one()).result(timeout=0.3)

    assert in_fork(wait).startswith("TimeoutError")
    used_loop._owner_pid = owner


@pytest.mark.skipif(sys.platform != "linux", reason="needs a sandbox")
@pytest.mark.parametrize("use", ["run", "check", "level", "warm"])
def test_a_jail_that_was_used_before_a_fork_says_so(request_for, stub_handler, api_wire, use):
    async def act(jail):
        if use == "run":
            return await jail.run(request_for("return 1"), stub_handler)
        if use == "check":
            return await jail.check("return 1", api_wire)
        return jail.warm(api_wire) if use == "warm" else await jail.level()

    with asyncio.Runner() as runner:
        jail = Jail()
        assert runner.run(jail.run(request_for("return 1"), stub_handler)).value == 1
        said = in_fork(lambda: asyncio.run(act(jail)))
        assert said.startswith("RuntimeError: This jail was used before os.fork().")
        assert runner.run(jail.run(request_for("return 2"), stub_handler)).value == 2
        runner.run(jail.close())


@pytest.mark.skipif(sys.platform != "linux", reason="needs a sandbox")
def test_a_fork_that_ends_or_closes_the_jail_leaves_the_parents_alone(request_for, stub_handler):
    with asyncio.Runner() as runner:
        jail = Jail()
        assert runner.run(jail.run(request_for("return 1"), stub_handler)).value == 1
        assert in_fork(lambda: asyncio.run(jail.close())) == "None"
        assert in_fork(jail._zygote_client._finalizer) == "None"
        assert runner.run(jail.run(request_for("return 2"), stub_handler)).value == 2
        runner.run(jail.close())


@pytest.mark.skipif(sys.platform != "linux", reason="needs a sandbox")
def test_a_fork_that_lives_on_does_not_delay_the_end_of_the_jail(
    request_for, stub_handler, monkeypatch
):
    monkeypatch.setattr("viper_sandbox.zygote_client.EXIT_TIMEOUT_S", AT_ONCE_S)
    with asyncio.Runner() as runner:
        jail = Jail()
        assert runner.run(jail.run(request_for("return 1"), stub_handler)).value == 1
        zygote = jail._zygote_client
        pid = os.fork()
        if pid == 0:
            time.sleep(3 * AT_ONCE_S)
            os._exit(0)
        try:
            # It ends by itself, because it reads the end of its socket, not because it is killed.
            runner.run(jail.close())
            assert zygote._process._process.returncode == 72
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a sandbox")
def test_an_unused_jail_works_in_the_child(request_for, stub_handler):
    jail = Jail()

    async def once():
        async with jail:
            return (await jail.run(request_for("return 1"), stub_handler)).value

    assert in_fork(lambda: asyncio.run(once())) == "1"
    assert asyncio.run(once()) == 1
