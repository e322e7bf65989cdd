"""One zygote, many children: what is shared, what is not, and what happens when none can be made."""

import asyncio
import os
import signal
import sys
from collections import deque
from pathlib import Path

import pytest

from fakes.processes import children_of, programs_of, until, zygote_of
from viper_sandbox import Jail, Limits, zygote
from viper_sandbox.process import describe_exit

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")


def run(coroutine_of, **options):
    async def once():
        async with Jail(**options) as jail:
            return await coroutine_of(jail)

    return asyncio.run(once())


@pytest.mark.parametrize("spare", [True, False], ids=["made in advance", "made when needed"])
def test_every_program_has_a_process_of_its_own(request_for, spare):
    async def once(jail):
        async def look(call):
            pids.append(programs_of(jail)[0])
            return True

        for _ in range(5):
            result = await jail.run(request_for("return image.exists('x')"), look)
            assert result.value is True
            await until(lambda: settled(programs_of(jail)))
        return zygote_of(jail)

    def settled(programs):
        # The number alone would do before the next is made and after the last has gone.
        return pids[-1] not in programs and len(programs) == int(spare)

    pids = []
    parent = run(once, spare=spare)
    assert len({*pids, parent, os.getpid()}) == 7


def test_what_one_program_does_to_its_process_no_other_sees(request_for, stub_handler):
    async def once(jail):
        source = "def execute_command(image):\n    import re\n    re.compile('x')\n    return len(str(image))"
        return [await jail.run(request_for(source), stub_handler) for _ in range(2)]

    first, second = run(once)
    assert first.value == second.value


def test_programs_of_several_apis_run_side_by_side(request_for, api_wire):
    async def once(jail):
        async def serve(call):
            return call.name

        for number in [*range(12), 0, 11, 5]:  # more than the zygote keeps
            name = f"ask_{number}"
            entry = api_wire["functions"]["llm_query"]
            wire = {**api_wire, "functions": {**api_wire["functions"], name: entry}}
            result = await jail.run(request_for(f"return {name}('why?')", api=wire), serve)
            assert result.value == name
            other = await jail.run(request_for("return ask_99('why?')", api=wire), serve)
            assert other.failure.kind == "check"

    run(once)


def test_an_api_that_is_changed_in_place_is_another_one(request_for, api_wire, stub_handler):
    async def once(jail):
        wire = {**api_wire, "functions": dict(api_wire["functions"])}
        before = await jail.run(request_for("return llm_query('why?')", api=wire), stub_handler)
        del wire["functions"]["llm_query"]
        after = await jail.run(request_for("return llm_query('why?')", api=wire), stub_handler)
        return before, after

    before, after = run(once)
    assert before.value == "stub"
    assert after.failure.kind == "check"


def test_an_api_that_cannot_be_read_is_the_callers_error(request_for, api_wire, stub_handler):
    async def once(jail):
        with pytest.raises(ValueError, match="The specification is incomplete"):
            await jail.run(request_for("return 1", api={"methods": {}}), stub_handler)
        return await jail.run(request_for("return 1"), stub_handler)

    assert run(once).value == 1


def test_the_zygote_keeps_no_descriptor_of_its_children(request_for, stub_handler):
    async def once(jail):
        counts = []
        for _ in range(3):
            await asyncio.gather(
                *(jail.run(request_for("return 1"), stub_handler) for _ in range(10))
            )
            await until(lambda: len(programs_of(jail)) == 1)
            counts.append(len(list(Path(f"/proc/{zygote_of(jail)}/fd").iterdir())))
        return counts

    if os.geteuid() != 0:
        pytest.skip("only root may look at the descriptors of a process that cannot be traced")
    counts = run(once)
    assert len(set(counts)) == 1
    assert counts[0] <= 7  # three that lead nowhere, the control socket, a pipe, the ruleset


def test_a_child_that_cannot_be_made_is_a_failure_of_the_sandbox(
    request_for, stub_handler, monkeypatch
):
    async def once(jail):
        await jail.level()
        zygote_client = jail._zygote_client
        send = zygote_client._send

        def fail(message, descriptor=None):
            if message[0] != "fork":
                return send(message, descriptor)
            descriptor.close()
            return zygote_client._handle(
                ["fork_failed", message[1], "Resource temporarily unavailable"]
            )

        with monkeypatch.context() as patch:
            patch.setattr(zygote_client, "_send", fail)
            failed = await jail.run(request_for("return 1"), stub_handler)
        return failed, await jail.run(request_for("return 1"), stub_handler)

    failed, later = run(once, spare=False)
    assert failed.failure.kind == "sandbox"
    assert failed.failure.message == (
        "No sandbox process can be started: Resource temporarily unavailable"
    )
    assert later.value == 1


def test_the_zygote_reports_a_fork_that_fails_and_goes_on():
    said, closed = [], []

    class Deaf:
        def send(self, message):
            said.append(message)

    def refuse():
        raise OSError(11, "Resource temporarily unavailable")

    forker = zygote._ProgramZygote.__new__(zygote._ProgramZygote)
    forker._host = Deaf()
    forker._descriptors = deque([9])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fork", refuse)
        patch.setattr(os, "close", closed.append)
        forker.fork(3, lambda fd: None)
    assert said == [["fork_failed", 3, "[Errno 11] Resource temporarily unavailable"]]
    assert closed == [9]


def test_the_zygote_is_the_first_process_of_a_namespace_so_that_its_death_is_everybodys():
    async def once(jail):
        report = await jail.level()
        if any("namespace" in name for name, _ in report.missing):
            pytest.skip(report.sentence)
        status = Path(f"/proc/{zygote_of(jail)}/status").read_text()
        return next(line.split() for line in status.splitlines() if line.startswith("NSpid"))

    assert run(once)[-1] == "1"


def test_nothing_runs_as_root(request_for):
    async def once(jail):
        async def look(call):
            for pid in (zygote_of(jail), *programs_of(jail)):
                status = Path(f"/proc/{pid}/status").read_text()
                fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
                seen.append((pid, fields["Uid"].split(), fields["Groups"].split()))
            status = Path(f"/proc/{programs_of(jail)[0]}/status").read_text()
            capabilities.extend(w.split()[1] for w in status.splitlines() if w.startswith("Cap"))
            return True

        await jail.run(request_for("return image.exists('x')"), look)

    seen, capabilities = [], []
    run(once)
    assert len(seen) >= 2
    assert not any("0" in uids for _, uids, _ in seen)
    if os.geteuid() == 0:
        assert all(groups == [] for _, _, groups in seen)
    effective = [int(word, 16) for word in capabilities[:3]]  # inheritable, permitted, effective
    assert effective == [0, 0, 0]


def test_the_zygote_ends_with_its_jail_although_a_program_runs(request_for):
    async def once(jail):
        async def begun(call):
            started.set()
            return True

        started = asyncio.Event()
        source = "image.exists('x')\nwhile True:\n    pass\nreturn 1"
        running = asyncio.ensure_future(jail.run(request_for(source), begun))
        await started.wait()
        first = jail._zygote_client.pid
        await jail.close()
        result = await running
        return result.failure, children_of(first)

    failure, left = run(once)
    assert failure.message == "The jail was closed while the program ran."
    assert left == []


@pytest.mark.parametrize(
    ("status", "out_of_memory", "kind", "words"),
    [
        (-signal.SIGXCPU, False, "timeout", "more than 2 s of CPU time"),
        (-signal.SIGPROF, False, "timeout", "more than 2 s of CPU time"),
        (73, False, "memory", "more than the 64 MiB"),
        (-signal.SIGKILL, True, "memory", "The machine ran out of memory"),
        (-signal.SIGKILL, False, "sandbox", "killed from outside"),
        (-signal.SIGSYS, False, "sandbox", "a system call that the sandbox does not allow"),
        (-signal.SIGSYS, True, "sandbox", "a system call that the sandbox does not allow"),
        (-signal.SIGSEGV, False, "sandbox", "crashed its interpreter (SIGSEGV)"),
        (3, False, "sandbox", "ended with status 3"),
        (0, False, "sandbox", "ended with status 0"),
    ],
)
def test_a_death_is_described_by_its_status(status, out_of_memory, kind, words):
    said = describe_exit(status, Limits(cpu_s=2.0, memory_mb=64), out_of_memory=out_of_memory)
    assert said[0] == kind
    assert words in said[1]


def test_a_set_has_the_same_order_in_every_sandbox(request_for, stub_handler):
    async def order(jail):
        source = "return [x for x in {'cat', 'dog', 'mug', 'bus', 'hat', 'pen', 'cow'}]"
        return (await jail.run(request_for(source), stub_handler)).value

    # Of seven texts there are 5,040 orders; interpreters choose one by chance, unless told not to.
    assert run(order) == run(order)
