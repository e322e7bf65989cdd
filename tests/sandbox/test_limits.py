import asyncio
import os
import signal
import sys

import pytest

from fakes.processes import programs_of
from viper_sandbox import Jail, Limits


def body(*lines):
    return "def execute_command(image):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_limit_must_be_positive(value):
    with pytest.raises(ValueError, match=r"Limits\.calls must be positive and finite, but got"):
        Limits(calls=value)


@pytest.mark.parametrize("value", [None, "30", True])
def test_a_limit_must_be_a_number(value):
    with pytest.raises(TypeError, match=r"Limits\.program_s must be a number, but got"):
        Limits(program_s=value)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
def test_wall_time_ends_a_program_that_waits(run_jailed):
    # A child that is stopped uses no CPU time: only the clock outside can end it.
    async def stop(call):
        os.kill(programs_of(jail)[0], signal.SIGSTOP)
        return True

    jail = Jail(Limits(program_s=0.3))
    result = run_jailed(body("return image.exists('x')"), stop, jail=jail)
    assert result.failure.kind == "timeout"
    assert result.failure.message == "The program ran longer than 0.3 s."
    assert 0.3 <= result.own_s < 2


def test_the_clock_stands_still_while_a_call_is_served(run_jailed):
    async def slow(call):
        await asyncio.sleep(0.4)
        return True

    result = run_jailed(body("return image.exists('x') and image.exists('y')"), slow, program_s=0.3)
    assert result.value is True
    assert result.own_s < 0.3


def test_cpu_time_of_the_host_is_not_charged_either(run_jailed):
    async def slow(call):
        await asyncio.sleep(0.3)
        return True

    lines = ["for i in range(3):", "    image.exists('x')", "return 1"]
    assert run_jailed(body(*lines), slow, cpu_s=0.2).value == 1
