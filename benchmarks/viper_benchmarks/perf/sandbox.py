"""`sandbox`: what the wall around a program costs.

| figure | what it is |
|---|---|
| `start_ms` | warm start: from `Jail.run` to the arrival of the call that is the program's first statement |
| `start_after_pause_ms` | the same after 20 ms of rest, as between programs that a model writes |
| `call_us` | one vision call, sandbox alone: from one call of a program to its next |
| `scheduled_call_us` | the same through session, scheduler and model thread; the backend costs nothing |
| `eight_call_program_ms` | a typical program of eight calls, from request to result |
| `in_process_ms` | the same program compiled and run in this process, with the same answers |
| `fresh_interpreter_ms` | the same in a `python -I` with RestrictedPython that is started for it |
| `programs_per_s` | typical programs with 16 in flight |
| `idle_session_kb` | memory of the host per session that waits: the larger of resident and traced |

Every figure is the median over all values of all rounds; a round takes each of them in turn, so that
what is compared was measured within the same seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from viper_benchmarks.perf.publish import BenchmarkError, Row, publish, result_options

if TYPE_CHECKING:
    from viper_benchmarks.perf.samples import Samples
    from viper_benchmarks.perf.sandbox_figures import IdleMemory

__all__ = ["GOALS", "Goal", "Sizes", "measure", "sandbox", "table"]

_TIMED = (
    "start_ms",
    "start_after_pause_ms",
    "call_us",
    "scheduled_call_us",
    "eight_call_program_ms",
    "in_process_ms",
    "fresh_interpreter_ms",
    "programs_per_s",
)
_SESSION_US = "session_us"
_PAUSE_S = 0.02
# Ten times what it takes to make a child, and less than any model takes to write a program.


class Goal(NamedTuple):
    """What a figure of the result is to reach."""

    figure: str
    bound: float
    at_most: bool
    unit: str
    meaning: str

    def reached(self, value: float) -> bool:
        """Tell whether a value is good enough."""
        return value <= self.bound if self.at_most else value >= self.bound


GOALS = (
    Goal("start_ms", 2.5, True, "ms", "warm start of a confined child, one after the other"),
    Goal("call_us", 60, True, "µs", "one vision call, sandbox alone"),
    Goal("scheduled_call_us", 120, True, "µs", "… through scheduler and model thread"),
    Goal(
        "over_in_process_ms", 5, True, "ms", "what eight calls cost more than exec in this process"
    ),
    Goal("ratio_fresh", 10, False, "×", "how much faster than a new interpreter per program"),
    Goal("programs_per_s", 400, False, "/s", "programs of eight calls, 16 in flight"),
    Goal("idle_session_kb", 50, True, "KB", "host memory per waiting session"),
)
"""Set for a machine with two cores, such as that of the results in benchmarks/results."""


class Sizes(NamedTuple):
    """How much one round measures."""

    starts: int = 40
    calls: int = 1_000
    eight_call_programs: int = 40
    fresh_interpreters: int = 5
    flights: int = 320
    in_flight: int = 16
    idle_sessions: int = 200


@click.command()
@result_options
def sandbox(rounds: int, as_json: bool, output: Path | None) -> None:
    """Measure what the sandbox costs: start, calls, whole programs, memory.

    \b
    python -m viper_benchmarks.perf sandbox
    python -m viper_benchmarks.perf sandbox --json --output benchmarks/results/sandbox.json
    """
    try:
        result = asyncio.run(measure(rounds, Sizes()))
    except ExceptionGroup as group:  # of programs that ran at the same time: the first says enough
        raise group.exceptions[0] from group
    publish(result, table(result), as_json=as_json, output=output)


async def measure(rounds: int, sizes: Sizes) -> dict[str, Any]:
    """Take every figure and return the result as a JSON value.

    Raises:
        BenchmarkError: There is no sandbox on this machine, or a program did not do what it was to do.
    """
    from viper_benchmarks.perf.machine import describe_machine, describe_versions
    from viper_benchmarks.perf.samples import Samples
    from viper_benchmarks.perf.sandbox_figures import (
        SandboxFigures,
        fresh_interpreters_ms,
        in_process_ms,
    )
    from viper_sandbox import Jail

    machine = describe_machine()  # before the load of the benchmark itself
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
                "in_process_ms": in_process_ms(sizes.eight_call_programs),
                "fresh_interpreter_ms": fresh_interpreters_ms(sizes.fresh_interpreters),
                "programs_per_s": [await figures.programs_per_s(sizes.flights, sizes.in_flight)],
            }.items():
                samples[name].add_round(values)
        idle = await figures.idle_memory(sizes.idle_sessions)
    return {
        **_summary(samples, idle),
        "level": report.level,
        "in_flight": sizes.in_flight,
        "idle_sessions": sizes.idle_sessions,
        "machine": machine,
        "versions": describe_versions(("viper-vision", "RestrictedPython")),
    }


def table(result: dict[str, Any]) -> list[Row]:
    """Return the result as lines for people; goals first, then what they were computed of."""
    rows = []
    for goal in GOALS:
        value = result[goal.figure]
        word = "reached" if goal.reached(value) else "missed"
        bound = f"{'≤' if goal.at_most else '≥'} {goal.bound:g} {goal.unit}, {word}"
        rows.append(Row(goal.figure, f"{value:g} {goal.unit}", bound, goal.meaning))
    for name, meaning in (
        ("start_after_pause_ms", "warm start after 20 ms of rest"),
        ("eight_call_program_ms", "a program of eight calls in the sandbox"),
        ("in_process_ms", "the same in this process, without any wall"),
        ("fresh_interpreter_ms", "the same in an interpreter started for it"),
    ):
        rows.append(Row(name, f"{result[name]:g} ms", "", meaning))
    machine = result["machine"]
    rows.append(
        Row(
            "level",
            result["level"],
            "",
            f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, load "
            f"{machine['load_average_1min']}, {result['versions']['python']}",
        )
    )
    return rows


def _summary(samples: Mapping[str, Samples], idle: IdleMemory) -> dict[str, Any]:
    medians = {name: samples[name].median for name in samples}
    in_process_ms, sandbox_ms = medians["in_process_ms"], medians["eight_call_program_ms"]
    resident_kb = None if idle.resident_kb is None else _rounded(idle.resident_kb)
    return {
        **{name: _rounded(medians[name]) for name in _TIMED},
        "over_in_process_ms": _rounded(sandbox_ms - in_process_ms),
        "ratio_fresh": _rounded(medians["fresh_interpreter_ms"] / sandbox_ms),
        "idle_session_kb": _rounded(max(idle.resident_kb or 0.0, idle.traced_kb)),
        "idle_session_parts_kb": {"resident": resident_kb, "traced": _rounded(idle.traced_kb)},
        "scheduled_call_parts_us": {
            "session_to_model_and_back": _rounded(medians[_SESSION_US]),
            "sandbox": _rounded(medians["scheduled_call_us"] - medians[_SESSION_US]),
        },
        "p95": {name: _rounded(samples[name].p95) for name in _TIMED if name != "programs_per_s"},
        "round_medians": {
            name: [_rounded(value) for value in samples[name].round_medians] for name in _TIMED
        },
        "samples": {name: samples[name].count for name in _TIMED},
    }


def _rounded(value: float) -> float:
    """Keep four significant digits: more would claim a precision that no clock here has."""
    return float(f"{value:.4g}")
