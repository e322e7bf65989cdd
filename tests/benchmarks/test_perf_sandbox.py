"""The benchmark of the sandbox: that it measures what it says, never how fast it is."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest
from click.testing import CliRunner

from viper import Engine
from viper_benchmarks.perf import sandbox_figures
from viper_benchmarks.perf.__main__ import perf
from viper_benchmarks.perf.command import BenchmarkError
from viper_benchmarks.perf.machine import describe_machine, describe_versions
from viper_benchmarks.perf.programs import EIGHT_CALLS, EIGHT_CALLS_VALUE, IMAGE_SIZE
from viper_benchmarks.perf.samples import Samples
from viper_benchmarks.perf.sandbox import GOALS, Sizes, measure, sandbox, table
from viper_benchmarks.perf.sandbox_figures import SandboxFigures
from viper_benchmarks.perf.unconfined import run_in_fresh_interpreter, run_in_process
from viper_sandbox import Jail, Limits

SMALL = Sizes(2, 20, 2, 1, 4, 2, 3)


@pytest.fixture(scope="module")
def result():
    return measure(2, SMALL)


@pytest.fixture
def with_figures():
    """Run a coroutine function on the figures of a real jail."""

    def run(take, **limits):
        async def once():
            async with Jail(Limits(**limits)) as jail:
                return await take(SandboxFigures(jail))

        return asyncio.run(once())

    return run


# -- what is compared does the same work


def test_the_typical_program_makes_eight_calls_and_gives_its_value_in_the_engine():
    with Engine("stub") as engine:
        picture = np.zeros((IMAGE_SIZE[1], IMAGE_SIZE[0], 3), dtype=np.uint8)
        answer = engine.run_program(EIGHT_CALLS, picture)
    assert answer.failure is None
    assert answer.value == EIGHT_CALLS_VALUE
    assert len(answer.trace.attempts[0].calls) == 8


@pytest.mark.parametrize("run", [run_in_process, run_in_fresh_interpreter])
def test_the_comparisons_give_the_same_value(run):
    assert run(EIGHT_CALLS) == EIGHT_CALLS_VALUE


def test_an_interpreter_that_ends_without_a_value_is_an_error():
    with pytest.raises(RuntimeError, match="ended without a value; its exit status is 1"):
        run_in_fresh_interpreter("def execute_command(image):\n    return 1 / 0\n")


def test_the_interpreter_that_is_compared_with_does_not_see_the_environment(monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('found by PYTHONPATH')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run_in_fresh_interpreter(EIGHT_CALLS) == EIGHT_CALLS_VALUE


# -- figures


def test_a_figure_has_one_value_per_program_or_call(with_figures):
    async def take(figures):
        scheduled = await figures.scheduled_calls(20)
        return [
            await figures.starts_ms(2),
            await figures.starts_ms(2, pause_s=0.01),
            await figures.calls_us(20),
            scheduled.call_us,
            scheduled.session_us,
            await figures.eight_call_programs_ms(2),
        ]

    figures = with_figures(take)
    assert [len(values) for values in figures] == [2, 2, 20, 20, 20, 2]
    assert all(value > 0 for values in figures for value in values)


def test_a_program_that_does_not_do_its_work_gives_no_figure(with_figures):
    with pytest.raises(BenchmarkError, match=r"A program of the benchmark failed: .*'limit'"):
        with_figures(lambda figures: figures.calls_us(20), calls=3)


def test_a_program_that_gives_something_else_gives_no_figure(with_figures, monkeypatch):
    monkeypatch.setattr(sandbox_figures, "EIGHT_CALLS", "return 'something else'")
    with pytest.raises(
        BenchmarkError, match="returned 'something else' instead of 'red, one of 3'"
    ):
        with_figures(lambda figures: figures.eight_call_programs_ms(1))
    with pytest.raises(BenchmarkError, match="The comparison returned"):
        sandbox_figures.comparison_ms(lambda source: "something else", 1)


def test_calls_that_the_run_answers_from_its_table_give_no_figure(with_figures, monkeypatch):
    same = "for _ in range(70):\n    image.simple_query('x')\nreturn 1"
    monkeypatch.setattr(sandbox_figures, "many_questions", lambda count: same)
    with pytest.raises(BenchmarkError, match="70 different questions took 1 forwards"):
        with_figures(lambda figures: figures.scheduled_calls(20))


def test_a_session_that_waits_costs_the_host_some_memory(with_figures):
    memory = with_figures(lambda figures: figures.idle_memory(3))
    assert 0 < memory.traced < 10_000  # a task, a socket and frames: far from nothing, and bounded


# -- the result


def test_the_result_has_the_published_keys_and_what_it_was_measured_on(result):
    published = [
        "start_ms", "call_us", "scheduled_call_us", "eight_call_program_ms", "in_process_ms",
        "fresh_interpreter_ms", "programs_per_s",
    ]  # fmt: skip
    assert all(isinstance(result[key], float) and result[key] > 0 for key in published)
    assert result["samples"] == {
        "start_ms": 4, "start_after_pause_ms": 4, "call_us": 40, "scheduled_call_us": 40,
        "eight_call_program_ms": 4, "in_process_ms": 4, "fresh_interpreter_ms": 2,
        "programs_per_s": 2,
    }  # fmt: skip
    assert all(len(medians) == 2 for medians in result["round_medians"].values())
    assert result["level"] in ("full", "partial")
    assert result["machine"]["cores"] >= 1
    assert result["versions"]["RestrictedPython"].startswith("9.")
    assert json.loads(json.dumps(result)) == result


def test_ratios_are_computed_from_the_figures_of_the_same_run(result):
    ratio = result["fresh_interpreter_ms"] / result["eight_call_program_ms"]
    assert result["ratio_fresh"] == pytest.approx(ratio, rel=2e-3)  # both are rounded to 4 digits
    difference = result["eight_call_program_ms"] - result["in_process_ms"]
    assert result["over_in_process_ms"] == pytest.approx(difference, rel=2e-3)
    parts = result["scheduled_call_parts_us"]
    assert sum(parts.values()) == pytest.approx(result["scheduled_call_us"], rel=2e-3)


def test_the_table_names_every_goal_and_whether_it_is_reached(result):
    best = {
        **result,
        "start_ms": 2.5,
        "programs_per_s": 400.0,
    }  # the bound itself counts as reached
    worst = {**result, "start_ms": 2.6, "programs_per_s": 399.0}
    assert [row.figure for row in table(best)][: len(GOALS)] == list(GOALS)
    for shown, word in ((best, "reached"), (worst, "missed")):
        rows = {row.figure: row for row in table(shown)}
        assert rows["start_ms"].goal == f"≤ 2.5 ms, {word}"
        assert rows["programs_per_s"].goal == f"≥ 400 /s, {word}"


def test_the_command_prints_one_object_and_writes_it(result, tmp_path, monkeypatch):
    def measured(rounds, sizes):
        return {**result, "rounds": rounds}

    monkeypatch.setattr("viper_benchmarks.perf.sandbox.measure", measured)
    path = tmp_path / "new" / "sandbox.json"
    done = CliRunner().invoke(perf, ["sandbox", "--rounds", "3", "--json", "--output", str(path)])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {**result, "rounds": 3} == json.loads(path.read_text())
    shown = CliRunner().invoke(perf, ["sandbox"]).stdout
    assert all(f"\n{name} " in shown for name in GOALS)


@pytest.mark.parametrize("together", [False, True], ids=["alone", "among_others"])
def test_a_benchmark_that_cannot_measure_says_why_in_one_line(together, monkeypatch):
    def measured(rounds, sizes):
        error = BenchmarkError("There is no sandbox on this machine: none.")
        raise ExceptionGroup("programs", [error]) if together else error

    monkeypatch.setattr("viper_benchmarks.perf.sandbox.measure", measured)
    done = CliRunner().invoke(sandbox, [])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: There is no sandbox on this machine: none.\n"


def test_an_unknown_benchmark_is_a_usage_error():
    assert CliRunner().invoke(perf, ["sandbx"]).exit_code == 2


# -- parts


def test_statistics_of_rounds():
    samples = Samples()
    samples.add_round([float(n) for n in range(1, 20)])
    samples.add_round([1000.0])
    assert len(samples.values) == 20
    assert samples.median == 10.5
    assert samples.p95 == 19.0  # 19 of 20 values are no larger
    assert samples.round_medians == [10.0, 1000.0]
    with pytest.raises(ValueError, match="at least one value"):
        samples.add_round([])


def test_a_distribution_that_is_missing_is_said_to_be():
    versions = describe_versions(("viper-vision", "no-such-distribution"))
    assert versions["no-such-distribution"] == "not installed"
    assert versions["viper-vision"] != "not installed"


def test_a_system_that_tells_nothing_of_itself_is_described_all_the_same(monkeypatch):
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: _raise(OSError()))
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.delattr("os.getloadavg", raising=False)
    monkeypatch.setattr("platform.processor", lambda: "")
    machine = describe_machine()
    assert machine["cpu"] == "unknown"
    assert machine["cores"] >= 1
    assert machine["load_average_1min"] is None


def _raise(error):
    raise error
