"""`runner`: what scoring a sample costs beside answering it, and whether memory grows with the samples.

| figure | what it is |
|---|---|
| `samples_per_s` | samples scored per second with stub models: grammar, sandbox, judging, rows on disk |
| `engine_per_s` | the same questions on the same engine, without the runner |
| `runner_per_s` | the runner with an engine that has its answer ready: what is left is the runner's own |
| `overhead_us` | time of the runner per sample, from that |
| `rss_growth` | growth of the process's memory from a tenth of `--long` samples to all of them |

Three kinds of questions in turn, one picture of 90×80 pixels; the first figures are medians of rounds.
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viper_benchmarks.perf.publish import Row, publish, result_options

if TYPE_CHECKING:
    from viper.engine.answer import Answer
    from viper.engine.engine import Engine
    from viper.engine.query import Query
    from viper_benchmarks.sample import Sample

__all__ = ["GOAL_SAMPLES_PER_S", "measure", "runner", "table"]

GOAL_SAMPLES_PER_S = 200
"""Samples with stub models per second, on two cores."""
GOAL_GROWTH = 0.05
"""Growth of memory that is called constant."""
_SAMPLES = 1_000
_CONCURRENCY = 16
_QUESTIONS = ("How many cups are there?", "Is there a red cup?", "What color is the cup?")
_MEMORY_POINTS = 20


@click.command()
@result_options
@click.option(
    "--long",
    "long_n",
    type=click.IntRange(min=100),
    help="Also score this many samples in one run and watch the memory, such as 100000.",
)
def runner(rounds: int, as_json: bool, output: Path | None, long_n: int | None) -> None:
    """Measure what scoring costs beside answering.

    \b
    python -m viper_benchmarks.perf runner
    python -m viper_benchmarks.perf runner --long 100000 --json
    """
    result = measure(rounds, long_n=long_n)
    publish(result, table(result), as_json=as_json, output=output)


def measure(rounds: int, *, samples: int = _SAMPLES, long_n: int | None = None) -> dict[str, Any]:
    """Score samples and return what it took as a JSON value."""
    from viper.engine.engine import Engine
    from viper.engine.query import Query
    from viper_benchmarks.perf.machine import describe_machine, describe_versions

    machine = describe_machine()  # before the load of the benchmark itself
    figures: dict[str, list[float]] = {"samples_per_s": [], "engine_per_s": [], "runner_per_s": []}
    with tempfile.TemporaryDirectory() as name, Engine("stub") as engine:
        folder = Path(name)
        data = list(_rows(folder, samples))
        queries = [Query(s.image, s.query, s.task) for s in data]
        ready = _Ready(engine.batch(queries[: len(_QUESTIONS)]))
        for number in range(rounds):
            whole = folder / f"whole-{number}"
            alone = folder / f"alone-{number}"
            figures["samples_per_s"].append(_per_s(samples, partial(_score, data, engine, whole)))
            figures["engine_per_s"].append(
                _per_s(samples, lambda: engine.batch(queries, concurrency=_CONCURRENCY))
            )
            figures["runner_per_s"].append(_per_s(samples, partial(_score, data, ready, alone)))
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
        "machine": machine,
        "versions": describe_versions(("viper-vision", "numpy", "RestrictedPython")),
    }


class _Ready:
    """Stands in for an engine: it has answers of a real one ready."""

    def __init__(self, answers: list[Answer]) -> None:
        self._answers = itertools.cycle(answers)

    async def arun(self, query: Query) -> Answer:
        """Return the next answer."""
        return next(self._answers)


def _rows(folder: Path, n: int) -> Iterator[Sample]:
    """Write a picture and a file of rows as a user's are; return its samples."""
    import numpy as np
    from PIL import Image

    from viper_benchmarks.tasks.jsonl import JsonlSamples

    Image.fromarray(np.zeros((80, 90, 3), dtype=np.uint8)).save(folder / "a.png")
    path = folder / f"rows-{n}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for i in range(n):
            row = {
                "id": str(i),
                "image": "a.png",
                "query": _QUESTIONS[i % 3],
                "answer": "3",
                "tags": ["cups"],
            }
            file.write(json.dumps(row) + "\n")
    return iter(JsonlSamples(path))


def _score(
    samples: Any,
    engine: Engine | _Ready,
    output: Path,
    on_result: Callable[..., None] | None = None,
) -> None:
    """Run samples as `viper bench` does; `samples` is a list or a file's."""
    from viper_benchmarks.evaluator import LocalEvaluator
    from viper_benchmarks.runner import RunPlan, run
    from viper_benchmarks.scorer import Scorer

    solver = LocalEvaluator(engine, Scorer(data_folder=output.parent))  # type: ignore[arg-type]  # _Ready
    plan = RunPlan("jsonl", samples, data_folder=output.parent)
    run(plan, solver, concurrency=_CONCURRENCY, output=output, on_result=on_result)


def _per_s(n: int, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return n / (time.perf_counter() - started)


def _memory(folder: Path, engine: Engine, n: int) -> dict[str, Any]:
    """Score a long file and return what the process's memory did."""
    from viper_benchmarks.perf.memory import rss_mb
    from viper_benchmarks.tasks.jsonl import JsonlSamples

    list(_rows(folder, n))
    done = 0
    points: list[tuple[int, float]] = []

    def watch(*_: object) -> None:
        nonlocal done
        done += 1
        if done % max(1, n // _MEMORY_POINTS) == 0:
            points.append((done, rss_mb()))

    started = time.perf_counter()
    _score(JsonlSamples(folder / f"rows-{n}.jsonl"), engine, folder / "long", watch)
    wall_s = time.perf_counter() - started
    early = next(mb for count, mb in points if count >= n // 10)
    return {
        "long_samples": n,
        "long_samples_per_s": round(n / wall_s, 1),
        "rss_mb": [[count, round(mb, 1)] for count, mb in points],
        "rss_after_report_mb": round(rss_mb(), 1),
        "rss_growth": round(points[-1][1] / early - 1, 4),
    }


def table(result: dict[str, Any]) -> list[Row]:
    """Return the result as lines for people."""

    def word(reached: bool) -> str:
        return "reached" if reached else "missed"

    machine, versions = result["machine"], result["versions"]
    rows = [
        Row(
            "samples_per_s",
            f"{result['samples_per_s']:g} /s",
            f"≥ {GOAL_SAMPLES_PER_S} /s, {word(result['samples_per_s'] >= GOAL_SAMPLES_PER_S)}",
            "scored with stub models, sandbox and all",
        ),
        Row("engine_per_s", f"{result['engine_per_s']:g} /s", "", "answered by the engine alone"),
        Row(
            "runner_per_s", f"{result['runner_per_s']:g} /s", "", "by the runner with answers ready"
        ),
        Row("overhead_us", f"{result['overhead_us']:g} µs", "", "the runner's own time per sample"),
    ]
    if "rss_growth" in result:
        rows.append(
            Row(
                "rss_growth",
                f"{100 * result['rss_growth']:+.1f} %",
                f"≤ {100 * GOAL_GROWTH:g} %, {word(result['rss_growth'] <= GOAL_GROWTH)}",
                f"memory from {result['long_samples'] // 10:,} to {result['long_samples']:,} samples",
            )
        )
    rows.append(
        Row(
            "samples",
            f"{result['samples']:,}",
            "",
            f"a round; {machine['cpu']}, {machine['cores']} cores, load "
            f"{machine['load_average_1min']}, {versions['python']}",
        )
    )
    return rows
