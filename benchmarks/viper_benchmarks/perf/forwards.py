"""`forwards`: how often models run for the same answers, naively and by the engine.

| figure | meaning |
|---|---|
| `naive_forwards` | one run per vision call, one per patch for `best_image_match`, as in the original |
| `engine_forwards` | runs of models by the engine, text encoders included, counted outside it |
| `ratio` | naive forwards per forward of the engine |
| `median_ratio`, `share_below_2x` | of single programs; a shared forward counts for each |
| `cold_ratio` | the same with all caches cleared before each program, one program at a time |
| `cold_limit` | what `cold_ratio` would be with one forward per kind of forward that a program needs |
| `wasted_items` | prefetched requests that were computed but not used by the answer that prefetched them |
| `differing_answers` | answers or patches unlike those without caches, prefetch and batches |

The 300 programs of `perf/suite/` look at 45 scenes through the oracle, which takes no time. With several
programs at once, a run of a model therefore lasts `--model-ms`: otherwise no requests would gather. See
`docs/performance.md` for the effect.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from viper.engine.answer import Answer
from viper.engine.engine import Engine
from viper.engine.query import Query
from viper_benchmarks.perf import suite
from viper_benchmarks.perf.answer_differences import compare
from viper_benchmarks.perf.command import (
    BenchmarkError,
    Result,
    Row,
    benchmark,
    figure,
    number_option,
    with_machine,
)
from viper_benchmarks.perf.observed import Counts, counting_opener
from viper_benchmarks.perf.samples import timed_ms

__all__ = ["forwards", "measure", "naive_forwards", "table"]

GOALS = {1: 6.0, 16: 20.0}
"""Programs at once → lowest ratio."""
_MODEL_MS = 50.0
_SWEEP_MS = (0.0, 10.0, 25.0, 100.0)


@with_machine("numpy")
def measure(concurrency: int = 1, *, model_ms: float = 0.0, limit: int | None = None) -> Result:
    """Run the suite naively and by the engine; return the counts as a JSON value.

    Args:
        concurrency: Programs at once, in the engine.
        model_ms: Duration of a run of a model, in the engine.
        limit: Use only this many programs of each style, the first ones.
    """
    rows = suite.programs()
    if limit is not None:
        styles = dict.fromkeys(row.style for row in rows)
        rows = [r for style in styles for r in [r for r in rows if r.style == style][:limit]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suite.draw_images(folder)
        queries = [Query(folder / row.image, "", program=row.program) for row in rows]
        plain = _run(queries, 1, cache_mb=0.0, prefetch=False, max_batch=1)
        engine = _run(queries, concurrency, model_ms=model_ms)
        cold = _run(queries, 1, clear_caches=True)
    naive = [naive_forwards(answer) for answer in plain.answers]
    ratios = [
        count / max(1, sum(answer.trace.forwards.values()))
        for count, answer in zip(naive, engine.answers, strict=True)
    ]
    prefetch = {
        name: sum(answer.trace.prefetch[name] for answer in engine.answers)
        for name in ("items", "hits", "wasted")
    }
    failed = [a.failure for a in plain.answers if a.failure is not None]
    if failed:
        raise BenchmarkError(f"{len(failed)} programs of the suite failed, such as: {failed[0]}.")
    return {
        "programs": len(rows),
        "naive_forwards": sum(naive),
        "engine_forwards": engine.forwards,
        "ratio": round(sum(naive) / engine.forwards, 2),
        "median_ratio": round(statistics.median(ratios), 2),
        "share_below_2x": round(sum(ratio < 2 for ratio in ratios) / len(ratios), 3),
        "cold_ratio": round(sum(naive) / cold.forwards, 2),
        "cold_limit": round(sum(naive) / sum(map(_fewest_forwards, plain.answers)), 2),
        "items": engine.items,
        "wasted_items": prefetch["wasted"],
        "lookahead": prefetch,
        "differing_answers": sum(
            compare(plain.answers, run.answers)["differing_answers"] for run in (engine, cold)
        ),
        "concurrency": concurrency,
        "model_ms": model_ms,
        "seconds": {
            name: round(run.seconds, 2)
            for name, run in (("naive", plain), ("engine", engine), ("cold", cold))
        },
        "share_of_three_calls_or_fewer": round(
            sum(len(answer.trace.calls) <= 3 for answer in plain.answers) / len(rows), 3
        ),
        "suite_version": suite.SUITE_VERSION,
    }


class _SuiteRun(NamedTuple):
    """The answers and costs of one run of the suite."""

    answers: list[Answer]
    forwards: int
    items: int
    seconds: float


def _run(
    queries: Sequence[Query],
    concurrency: int,
    *,
    model_ms: float = 0.0,
    clear_caches: bool = False,
    **options: Any,  # of the engine
) -> _SuiteRun:
    counts = Counts()
    opener = counting_opener(counts, model_ms=model_ms)
    with Engine(f"truth:{suite.scene_file()}", opener=opener, **options) as engine:
        engine.capabilities()
        answers: list[Answer] = []

        def answer() -> None:
            if not clear_caches:
                answers.extend(engine.batch(queries, concurrency=concurrency))
                return
            for query in queries:
                answers.extend(engine.batch([query], concurrency=1))
                engine.forget()

        seconds = timed_ms(answer) / 1000
        counted = sum(load.forwards for load in engine.load().values())
    if counted != counts.forwards:
        raise BenchmarkError(
            f"The engine counted {counted} forwards of models, but there were {counts.forwards}."
        )
    return _SuiteRun(answers, counts.forwards, counts.items, seconds)


def naive_forwards(answer: Answer) -> int:
    """Return how often ViperGPT would have run a model for an answer's calls."""
    return sum(
        len(call.arguments[0]) if call.method == "best_image_match" else 1
        for call in answer.trace.calls
    )


_KINDS = {
    "find": ("detect",),
    "exists": ("detect",),
    "verify_property": ("images", "texts"),
    "best_text_match": ("images", "texts"),
    "best_image_match": ("images", "texts"),
    "compute_depth": ("depth",),
    "simple_query": ("answer",),
}


def _fewest_forwards(answer: Answer) -> int:
    """Return the fewest forwards that a program could need with empty caches."""
    methods = {call.method.rpartition(".")[2] for call in answer.trace.calls}
    return len({kind for method in methods for kind in _KINDS[method]})


def table(result: Result) -> list[Row]:
    """Return the rows of the printed table."""
    concurrency, limit = result["concurrency"], result["cold_limit"]
    return [
        figure(result, "naive_forwards", "one per call and patch"),
        figure(result, "engine_forwards", f"{concurrency} programs at once"),
        figure(result, "ratio", "times fewer", at_least=GOALS.get(concurrency)),
        figure(result, "cold_ratio", f"with cleared caches; at best {limit:g} ×"),
        figure(result, "median_ratio", "for a single program"),
        Row("share_below_2x", f"{result['share_below_2x']:.1%}", "", "of the programs"),
        figure(result, "wasted_items", "computed in vain"),
        figure(result, "differing_answers", at_most=0),
        figure(result, "programs", f"suite {result['suite_version']}"),
    ]


@benchmark(table)
@number_option("--concurrency", default=1, text="Programs at once.")
@click.option(
    "--model-ms",
    type=click.FloatRange(min=0),
    help=f"Duration of a run of a model.  [default: 0, or {_MODEL_MS:g} for several programs at once]",
)
@click.option(
    "--sweep",
    is_flag=True,
    help=f"Also measure with runs of {', '.join(f'{ms:g}' for ms in _SWEEP_MS)} ms.",
)
def forwards(concurrency: int, model_ms: float | None, sweep: bool) -> Result:
    """Count runs of models, naively and by the engine.

    \b
    python -m viper_benchmarks.perf forwards
    python -m viper_benchmarks.perf forwards --concurrency 16 --json
    """
    if model_ms is None:
        model_ms = _MODEL_MS if concurrency > 1 else 0.0
    result = measure(concurrency, model_ms=model_ms)
    if sweep:
        more = [measure(concurrency, model_ms=ms) for ms in _SWEEP_MS]
        kept = ("model_ms", "engine_forwards", "ratio", "wasted_items", "differing_answers")
        runs = [{name: run[name] for name in kept} for run in (result, *more)]
        result["sweep"] = sorted(runs, key=lambda run: run["model_ms"])
    return result
