"""`sandbox`: the cost of running a program in the sandbox.

| figure | meaning |
|---|---|
| `start_ms` | warm start: from `Jail.run` to the arrival of the call that is the program's first statement |
| `start_after_pause_ms` | the same after a pause of 20 ms, as between programs that a language model writes |
| `call_us` | one vision call, sandbox alone: from one call of a program to its next |
| `scheduled_call_us` | the same through dispatcher, model pool and model thread; the backend costs nothing |
| `eight_call_program_ms` | a typical program of eight calls, from request to result |
| `in_process_ms` | the same program compiled and run in this process, with the same answers |
| `fresh_interpreter_ms` | the same in a `python -I` with RestrictedPython that is started for it |
| `programs_per_s` | typical programs with 16 in flight |
| `idle_session_kb` | memory of the host per waiting session: the larger of resident and traced |

Every figure is the median over all values of all rounds; each round measures all of them in turn, so that
compared figures were measured within the same seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from viper_benchmarks.perf.command import (
    BenchmarkError,
    Result,
    Row,
    benchmark,
    figure,
    machine_text,
    rounds_option,
    with_machine,
)
from viper_benchmarks.perf.samples import Samples
from viper_benchmarks.perf.sandbox_figures import IdleMemory, SandboxFigures, comparison_ms
from viper_benchmarks.perf.unconfined import run_in_fresh_interpreter, run_in_process
from viper_sandbox import Jail

__all__ = ["GOALS", "Sizes", "measure", "sandbox", "table"]

_TIMED = (
    "start_ms start_after_pause_ms call_us scheduled_call_us eight_call_program_ms in_process_ms "
    "fresh_interpreter_ms programs_per_s"
).split()
_SESSION_US = "session_us"
# Ten times the time to make a child, and less than any language model needs for a program.
_PAUSE_S = 0.02


GOALS: dict[str, tuple[str, dict[str, float]]] = {
    "start_ms": ("warm start of a confined child, one after the other", {"at_most": 2.5}),
    "call_us": ("one vision call, sandbox alone", {"at_most": 60}),
    "scheduled_call_us": ("… through model pool and model thread", {"at_most": 120}),
    "over_in_process_ms": ("eight calls, compared with exec in this process", {"at_most": 5}),
    "ratio_fresh": ("faster than a new interpreter per program", {"at_least": 10}),
    "programs_per_s": ("programs of eight calls, 16 in flight", {"at_least": 400}),
    "idle_session_kb": ("host memory per waiting session", {"at_most": 50}),
}
"""Figure → meaning, bound; for a machine with two cores, as in benchmarks/results."""


class Sizes(NamedTuple):
    """Number of measurements per round."""

    starts: int = 40
    calls: int = 1_000
    eight_call_programs: int = 40
    fresh_interpreters: int = 5
    flights: int = 320
    in_flight: int = 16
    idle_sessions: int = 200


@with_machine("RestrictedPython")
def measure(rounds: int, sizes: Sizes) -> Result:
    """Take every figure and return the result as a JSON value.

    Raises:
        BenchmarkError: There is no sandbox on this machine, or a program did not do its work.
    """
    return asyncio.run(_measure(rounds, sizes))


async def _measure(rounds: int, sizes: Sizes) -> Result:
    samples = {name: Samples() for name in (*_TIMED, _SESSION_US)}
    async with Jail() as jail:
        report = await jail.level()
        if report.level == "none":
            raise BenchmarkError(report.sentence)
        figures = SandboxFigures(jail)
        await figures.programs_per_s(2 * sizes.in_flight, sizes.in_flight)  # everything is warm now
        for _ in range(rounds):
            scheduled = await figures.scheduled_calls(sizes.calls)
            for name, values in {
                "start_ms": await figures.starts_ms(sizes.starts),
                "start_after_pause_ms": await figures.starts_ms(sizes.starts, pause_s=_PAUSE_S),
                "call_us": await figures.calls_us(sizes.calls),
                "scheduled_call_us": scheduled.call_us,
                _SESSION_US: scheduled.session_us,
                "eight_call_program_ms": await figures.eight_call_programs_ms(
                    sizes.eight_call_programs
                ),
                "in_process_ms": comparison_ms(run_in_process, sizes.eight_call_programs),
                "fresh_interpreter_ms": comparison_ms(
                    run_in_fresh_interpreter, sizes.fresh_interpreters
                ),
                "programs_per_s": [await figures.programs_per_s(sizes.flights, sizes.in_flight)],
            }.items():
                samples[name].add_round(values)
        idle = await figures.idle_memory(sizes.idle_sessions)
    return {
        **_summary(samples, idle),
        "level": report.level,
        "in_flight": sizes.in_flight,
        "idle_sessions": sizes.idle_sessions,
    }


def table(result: Result) -> list[Row]:
    """Return the rows of the printed table; first those with goals."""
    return [
        *(figure(result, name, meaning, **bound) for name, (meaning, bound) in GOALS.items()),
        figure(result, "start_after_pause_ms", "warm start after 20 ms of rest"),
        figure(result, "eight_call_program_ms", "a program of eight calls in the sandbox"),
        figure(result, "in_process_ms", "the same in this process, without confinement"),
        figure(result, "fresh_interpreter_ms", "the same in an interpreter started for it"),
        Row("level", result["level"], "", machine_text(result)),
    ]


def _summary(samples: Mapping[str, Samples], idle: IdleMemory) -> Result:
    medians = {name: samples[name].median for name in samples}
    in_process_ms, sandbox_ms = medians["in_process_ms"], medians["eight_call_program_ms"]
    return {
        **{name: _rounded(medians[name]) for name in _TIMED},
        "over_in_process_ms": _rounded(sandbox_ms - in_process_ms),
        "ratio_fresh": _rounded(medians["fresh_interpreter_ms"] / sandbox_ms),
        "idle_session_kb": _rounded(max(idle)),
        "idle_session_parts_kb": {name: _rounded(kb) for name, kb in idle._asdict().items()},
        "scheduled_call_parts_us": {
            "session_to_model_and_back": _rounded(medians[_SESSION_US]),
            "sandbox": _rounded(medians["scheduled_call_us"] - medians[_SESSION_US]),
        },
        "p95": {name: _rounded(samples[name].p95) for name in _TIMED if name != "programs_per_s"},
        "round_medians": {
            name: [_rounded(value) for value in samples[name].round_medians] for name in _TIMED
        },
        "samples": {name: len(samples[name].values) for name in _TIMED},
    }


def _rounded(value: float) -> float:
    """Round to four significant digits, the precision of the clocks."""
    return float(f"{value:.4g}")


@benchmark(table)
@rounds_option
def sandbox(rounds: int) -> Result:
    """Measure the cost of the sandbox: start, calls, whole programs, memory.

    \b
    python -m viper_benchmarks.perf sandbox
    python -m viper_benchmarks.perf sandbox --json --output benchmarks/results/sandbox.json
    """
    try:
        result = measure(rounds, Sizes())
    except ExceptionGroup as group:  # from programs that ran at the same time: the first suffices
        raise group.exceptions[0] from group
    return result
