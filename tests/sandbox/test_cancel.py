"""No process, descriptor or task stays behind, however a run ends."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from viper_sandbox import Jail, Limits, process

LOOP = "def execute_command(image):\n    while True:\n        pass\n"
CALL = "def execute_command(image):\n    return image.exists('dog')\n"


@pytest.fixture
def children(monkeypatch):
    """Every child process that the test starts."""
    started = []
    original = process.ChildProcess.__init__

    def remember(self, *arguments):
        original(self, *arguments)
        started.append(self)

    monkeypatch.setattr(process.ChildProcess, "__init__", remember)
    return started


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def descriptors():
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("needs /proc")
    return len(list(folder.iterdir()))


async def wait_for(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited 5 s in vain")


def test_cancelling_kills_the_child(request_for, stub_handler, children):
    async def cancel():
        async with Jail() as jail:
            run = asyncio.ensure_future(jail.run(request_for(LOOP), stub_handler))
            await wait_for(lambda: len(children) == 2)  # the probe and the program
            await asyncio.sleep(0.2)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            assert not alive(children[1].pid)

    asyncio.run(cancel())


def test_cancelling_during_a_call_kills_the_child(request_for, children):
    async def cancel():
        began = asyncio.Event()

        async def hang(call):
            began.set()
            await asyncio.sleep(60)

        async with Jail() as jail:
            run = asyncio.ensure_future(jail.run(request_for(CALL), hang))
            await began.wait()
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            assert not alive(children[1].pid)

    asyncio.run(cancel())


def test_the_end_of_the_loop_kills_the_child(request_for, stub_handler, children):
    async def leave():
        jail = Jail()
        runs.append(asyncio.ensure_future(jail.run(request_for(LOOP), stub_handler)))
        await wait_for(lambda: len(children) == 2)
        await asyncio.sleep(0.1)

    runs = []
    asyncio.run(leave())
    assert runs[0].cancelled()
    assert not alive(children[1].pid)


def test_closing_the_jail_ends_its_programs_and_refuses_new_ones(
    request_for, stub_handler, children
):
    async def close():
        jail = Jail()
        run = asyncio.ensure_future(jail.run(request_for(LOOP), stub_handler))
        await wait_for(lambda: len(children) == 2)
        await asyncio.sleep(0.2)
        await jail.close()
        assert not alive(children[1].pid)
        result = await run
        assert (result.failure.kind, result.failure.message) == (
            "sandbox",
            "The jail was closed while the program ran.",
        )
        with pytest.raises(RuntimeError, match="The jail is closed"):
            await jail.run(request_for(CALL), stub_handler)
        await jail.close()

    asyncio.run(close())


def test_a_child_that_is_killed_from_outside_is_a_failure(request_for, children):
    async def kill(call):
        os.kill(children[-1].pid, signal.SIGKILL)
        return True

    async def run():
        async with Jail() as jail:
            return await jail.run(request_for(CALL), kill)

    failure = asyncio.run(run()).failure
    assert failure.kind == "memory"
    assert "killed from outside" in failure.message


def test_many_programs_at_once_leave_nothing_behind(request_for, stub_handler, children):
    async def run():
        async with Jail(Limits(cpu_s=0.2)) as jail:
            await jail.level()
            before = descriptors()
            sources = [CALL, "return 1 / 0", LOOP, "not a program"] * 4
            results = await asyncio.gather(
                *(jail.run(request_for(source), stub_handler) for source in sources)
            )
            assert descriptors() == before
        return results

    results = asyncio.run(run())
    assert [r.failure.kind if r.failure else r.value for r in results] == [
        True,
        "runtime",
        "timeout",
        "syntax",
    ] * 4
    assert not any(alive(child.pid) for child in children)


@pytest.mark.skipif(sys.platform != "linux", reason="death with the parent is a feature of Linux")
def test_a_child_dies_with_a_host_that_is_killed(tmp_path):
    host = textwrap.dedent(
        """
        import asyncio, sys
        from viper.spec import load_spec
        from viper_sandbox import Jail, Limits, PatchRef, Request
        from viper_sandbox import process
        original = process.ChildProcess.__init__
        def announce(self, *arguments):
            original(self, *arguments)
            print(self.pid, flush=True)
        process.ChildProcess.__init__ = announce
        async def main():
            async def serve(call):
                print("serving", flush=True)
                await asyncio.sleep(60)
            image = PatchRef(1, (0.0, 0.0, 9.0, 9.0))
            request = Request("return image.exists('x')", load_spec().to_wire(), image, (9, 9))
            await Jail().run(request, serve)
        asyncio.run(main())
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", host], stdout=subprocess.PIPE, text=True
    ) as parent:
        lines = [parent.stdout.readline().strip() for _ in range(3)]
        assert lines[2] == "serving"
        child = int(lines[1])
        assert alive(child)
        parent.kill()
    for _ in range(500):
        if not alive(child):
            return
        time.sleep(0.01)
    raise AssertionError("the child outlived its host")
