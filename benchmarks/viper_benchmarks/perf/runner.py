"""`runner`: the cost of scoring a sample compared with answering it, and the growth of memory with samples.

| figure | meaning |
|---|---|
| `samples_per_s` | samples scored per second with stub models: grammar, sandbox, scoring, rows on disk |
| `engine_per_s` | the same questions on the same engine, without the runner |
| `runner_per_s` | the runner with an engine that replays answers: the runner's own speed |
| `overhead_us` | time of the runner per sample, computed from that |
| `rss_growth` | growth of the process's memory from a tenth of `--long` samples to all of them |

Three kinds of questions in turn, one image of 90×80 pixels; the first figures are medians of rounds.
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from viper.engine.answer import Answer
from viper.engine.engine import Engine
from viper.engine.query import Query
from viper_benchmarks.evaluator import LocalEvaluator
from viper_benchmarks.perf.command import (
    Result,
    Row,
    benchmark,
    figure,
    machine_text,
    rounds_option,
    with_machine,
)
from viper_benchmarks.perf.memory import MemoryCurve, growth_row, rss_mb
from viper_benchmarks.perf.samples import timed_ms
from viper_benchmarks.runner import RunPlan, run
from viper_benchmarks.scorer import Scorer
from viper_benchmarks.tasks.jsonl import JsonlSamples

__all__ = ["measure", "runner", "table"]

GOAL_SAMPLES_PER_S = 200
"""Samples with stub models per second, on two cores."""
_SAMPLES = 1_000
_CONCURRENCY = 16
_QUESTIONS = ("How many cups are there?", "Is there a red cup?", "What color is the cup?")
_MEMORY_POINTS = 20


@with_machine("numpy", "RestrictedPython")
def measure(rounds: int, *, samples: int = _SAMPLES, long_n: int | None = None) -> Result:
    """Score samples and return the rates as a JSON value."""
    figures: dict[str, list[float]] = {"samples_per_s": [], "engine_per_s": [], "runner_per_s": []}
    with tempfile.TemporaryDirectory() as temporary, Engine("stub") as engine:
        folder = Path(temporary)
        data = list(_samples(folder, samples))
        queries = [Query(s.image, s.query, s.task) for s in data]
        ready = _Ready(engine.batch(queries[: len(_QUESTIONS)]))
        for number in range(rounds):
            works: dict[str, Callable[[], object]] = {
                "samples_per_s": partial(_score, data, engine, folder / f"whole-{number}"),
                "engine_per_s": partial(engine.batch, queries, concurrency=_CONCURRENCY),
                "runner_per_s": partial(_score, data, ready, folder / f"alone-{number}"),
            }
            for name, work in works.items():
                figures[name].append(1000 * samples / timed_ms(work))
        memory = {} if long_n is None else _memory(folder, engine, long_n)
    medians = {name: round(statistics.median(values), 1) for name, values in figures.items()}
    return {
        **medians,
        "overhead_us": round(1e6 / medians["runner_per_s"], 1),
        "share_of_engine": round(medians["samples_per_s"] / medians["engine_per_s"], 3),
        **memory,
        "rounds": {name: [round(v, 1) for v in values] for name, values in figures.items()},
        "samples": samples,
        "concurrency": _CONCURRENCY,
    }


class _Ready:
    """Replaces an engine and replays the answers of a real one."""

    def __init__(self, answers: list[Answer]) -> None:
        self._answers = itertools.cycle(answers)

    async def arun(self, query: Query) -> Answer:
        """Return the next answer."""
        return next(self._answers)


def _samples(folder: Path, n: int) -> JsonlSamples:
    """Write an image and a file of rows as users do; return its samples."""
    Image.fromarray(np.zeros((80, 90, 3), dtype=np.uint8)).save(folder / "a.png")
    path = folder / f"rows-{n}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for i in range(n):
            row = {"id": str(i), "image": "a.png", "query": _QUESTIONS[i % 3], "answer": "3"}
            file.write(json.dumps({**row, "tags": ["cups"]}) + "\n")
    return JsonlSamples(path)


def _score(
    samples: Any,
    engine: Engine | _Ready,
    output: Path,
    on_result: Callable[..., None] | None = None,
) -> None:
    """Run samples as `viper bench` does; `samples` is a list or a file's."""
    evaluator = LocalEvaluator(engine, Scorer(data_folder=output.parent))  # type: ignore[arg-type]  # _Ready
    plan = RunPlan("jsonl", samples, data_folder=output.parent)
    run(plan, evaluator, concurrency=_CONCURRENCY, output=output, on_result=on_result)


def _memory(folder: Path, engine: Engine, n: int) -> Result:
    """Score a long file and return the memory of the process over time."""
    samples = _samples(folder, n)
    done = 0
    curve = MemoryCurve()

    def watch(*_: object) -> None:
        nonlocal done
        done += 1
        if done % max(1, n // _MEMORY_POINTS) == 0:
            curve.add(done)

    ms = timed_ms(lambda: _score(samples, engine, folder / "long", watch))
    return {
        "long_samples": n,
        "long_samples_per_s": round(1000 * n / ms, 1),
        **curve.result(n // 10),
        "rss_after_report_mb": round(rss_mb(), 1),
    }


def table(result: Result) -> list[Row]:
    """Return the rows of the printed table."""
    rows = [
        figure(
            result,
            "samples_per_s",
            "scored with stub models, sandbox included",
            at_least=GOAL_SAMPLES_PER_S,
        ),
        figure(result, "engine_per_s", "answered by the engine alone"),
        figure(result, "runner_per_s", "by the runner with answers ready"),
        figure(result, "overhead_us", "the runner's own time per sample"),
    ]
    if "rss_growth" in result:
        rows.append(growth_row(result, "samples"))
    return [*rows, figure(result, "samples", f"per round; {machine_text(result)}")]


@benchmark(table)
@rounds_option
@click.option(
    "--long",
    "long_n",
    type=click.IntRange(min=100),
    help="Also score this many samples in one run and watch the memory, such as 100000.",
)
def runner(rounds: int, long_n: int | None) -> Result:
    """Measure the cost of scoring compared with answering.

    \b
    python -m viper_benchmarks.perf runner
    python -m viper_benchmarks.perf runner --long 100000 --json
    """
    return measure(rounds, long_n=long_n)
