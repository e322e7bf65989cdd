"""No process, descriptor or task stays behind, however a run ends."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from fakes.processes import alive, descendants_of, descriptors, programs_of, until, wait_until
from viper_sandbox import Jail, Limits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")

LOOP = "def execute_command(image):\n    image.exists('start')\n    while True:\n        pass\n"
CALL = "def execute_command(image):\n    return image.exists('dog')\n"


class Started:
    """A handler that tells when the program has begun, and which process it is."""

    def __init__(self, jail):
        self.jail = jail
        self.pids = []
        self.began = asyncio.Event()

    async def __call__(self, call):
        self.pids = programs_of(self.jail)
        self.began.set()
        return True


class Hanging(Started):
    async def __call__(self, call):
        await super().__call__(call)
        await asyncio.sleep(60)


@pytest.mark.parametrize("kind", [Started, Hanging], ids=["while it runs", "during a call"])
def test_cancelling_kills_the_child(request_for, kind):
    async def cancel():
        async with Jail() as jail:
            handler = kind(jail)
            run = asyncio.ensure_future(jail.run(request_for(LOOP), handler))
            await handler.began.wait()
            child = handler.pids[0]
            assert alive(child)
            await asyncio.sleep(0.05)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            assert not alive(child)

    asyncio.run(cancel())


def test_the_end_of_the_loop_leaves_nothing_although_nobody_closed_the_jail(request_for):
    async def leave():
        jail = Jail()
        handler = Started(jail)
        runs.append(asyncio.ensure_future(jail.run(request_for(LOOP), handler)))
        await handler.began.wait()
        family.extend([jail._zygote_client.pid, *descendants_of(jail._zygote_client.pid)])

    runs, family = [], []
    before = descriptors()
    asyncio.run(leave())
    assert runs[0].cancelled()
    runs.clear()
    gc.collect()
    assert len(family) >= 2
    assert not any(alive(pid) for pid in family)
    assert descriptors() == before


def test_closing_the_jail_ends_its_programs_and_refuses_new_ones(request_for):
    async def close():
        jail = Jail()
        handler = Started(jail)
        run = asyncio.ensure_future(jail.run(request_for(LOOP), handler))
        await handler.began.wait()
        family = [jail._zygote_client.pid, *descendants_of(jail._zygote_client.pid)]
        await jail.close()
        assert not any(alive(pid) for pid in family)
        result = await run
        assert (result.failure.kind, result.failure.message) == (
            "sandbox",
            "The jail was closed while the program ran.",
        )
        with pytest.raises(RuntimeError, match="The jail is closed"):
            await jail.run(request_for(CALL), handler)
        await jail.close()

    asyncio.run(close())


def test_a_jail_goes_on_in_another_loop_with_another_zygote(request_for, stub_handler):
    async def run():
        result = await jail.run(request_for(CALL), stub_handler)
        return result.value, jail._zygote_client.pid

    async def close():
        await jail.close()

    jail = Jail()
    (first, old), (second, new) = asyncio.run(run()), asyncio.run(run())
    assert (first, second) == (True, True)
    assert old != new
    assert not alive(old)
    asyncio.run(close())


def test_many_programs_at_once_leave_nothing_behind(request_for, stub_handler):
    async def run():
        async with Jail(Limits(cpu_s=0.2)) as jail:
            await jail.run(request_for(CALL), stub_handler)
            await asyncio.sleep(0)
            before = descriptors()
            sources = [CALL, "return 1 / 0", LOOP, "not a program"] * 4
            results = await asyncio.gather(
                *(jail.run(request_for(source), stub_handler) for source in sources)
            )
            assert descriptors() == before
            # The spare and nothing else: what was dismissed is reaped within a moment.
            await until(lambda: len(programs_of(jail)) == 1)
            assert len(jail._zygote_client._children) == 1
        return results

    results = asyncio.run(run())
    assert [r.failure.kind if r.failure else r.value for r in results] == [
        True,
        "runtime",
        "timeout",
        "syntax",
    ] * 4


HOST = textwrap.dedent(
    """
    import asyncio
    from viper.programs.api_spec import load_spec
    from viper_sandbox import Jail, PatchRef, Request
    async def main():
        jail = Jail()
        async def serve(call):
            if call.id == 1:
                print(jail._zygote_client.pid, flush=True)
            return True
        image = PatchRef(1, (0.0, 0.0, 9.0, 9.0))
        source = "while image.exists('x'):\\n    pass\\nreturn 1"
        await jail.run(Request(source, load_spec().to_wire(), image, (9, 9)), serve)
    asyncio.run(main())
    """
)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_everything_dies_with_a_host_that_is_killed(how):
    with subprocess.Popen(
        [sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True
    ) as parent:
        first = int(parent.stdout.readline())
        family = [first, *descendants_of(first)]
        assert len(family) >= 2
        assert all(alive(pid) for pid in family)
        os.kill(parent.pid, how)
    wait_until(lambda: not any(alive(pid) for pid in family))
