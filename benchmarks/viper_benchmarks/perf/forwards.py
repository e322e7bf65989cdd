"""`forwards`: how often models are run for the same answers, naively and by the engine.

| figure | what it is |
|---|---|
| `naive_forwards` | one run per vision call, one per patch for `best_image_match`, as in the original |
| `engine_forwards` | runs of models by the engine, text encoders included, counted outside of it |
| `ratio` | how many times fewer |
| `median_ratio`, `share_below_2x` | of single programs; a forward that several shared counts for each |
| `cold_ratio` | the same with all memory taken away before each program, one at a time |
| `cold_limit` | what `cold_ratio` would be with one forward per kind of forward that a program needs |
| `wasted_items` | requests that were guessed, computed, and not used by the answer that guessed them |
| `differing_answers` | answers or patches unlike those without memory, lookahead and batches |

300 programs (`perf/suite/`) look at 45 scenes through true perception, which takes no time. With several
programs at once a run of a model therefore lasts `--model-ms`, or else no requests would gather. How much
that matters is in `docs/performance.md`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from viper_benchmarks.perf.publish import BenchmarkError, Row, output_options, publish

if TYPE_CHECKING:
    from viper.engine.answer import Answer
    from viper.engine.query import Query

__all__ = ["forwards", "measure", "naive_forwards", "table"]

GOALS = {1: 6.0, 16: 20.0}
"""Least ratio, by programs at once."""
_MODEL_MS = 50.0
_SWEEP_MS = (0.0, 10.0, 25.0, 100.0)


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Programs at once.",
)
@click.option(
    "--model-ms",
    type=click.FloatRange(min=0),
    help=f"Time that a run of a model takes.  [default: 0, or {_MODEL_MS:g} for several programs at once]",
)
@click.option(
    "--sweep",
    is_flag=True,
    help=f"Also with runs that take {', '.join(f'{ms:g}' for ms in _SWEEP_MS)} ms.",
)
@output_options
def forwards(
    concurrency: int, model_ms: float | None, sweep: bool, as_json: bool, output: Path | None
) -> None:
    """Count runs of models, naive and engine.

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
    publish(result, table(result), as_json=as_json, output=output)


def measure(
    concurrency: int = 1, *, model_ms: float = 0.0, limit: int | None = None
) -> dict[str, Any]:
    """Run the suite naively and by the engine; return the counts as a JSON value.

    Args:
        concurrency: Programs at once, in the engine.
        model_ms: Time that a run of a model takes, in the engine.
        limit: Take the first programs of each style only.
    """
    from viper.engine.query import Query
    from viper_benchmarks.perf import suite
    from viper_benchmarks.perf.machine import describe_machine, describe_versions

    machine = describe_machine()
    rows = suite.programs()
    if limit is not None:
        styles = dict.fromkeys(row.style for row in rows)
        rows = [r for style in styles for r in [r for r in rows if r.style == style][:limit]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suite.draw_pictures(folder)
        queries = [Query(folder / row.image, "", program=row.program) for row in rows]
        plain = _run(queries, 1, cache_mb=0.0, prefetch=False, max_batch=1)
        engine = _run(queries, concurrency, model_ms=model_ms)
        cold = _run(queries, 1, forget=True)
    naive = [naive_forwards(answer) for answer in plain.answers]
    ratios = [
        count / max(1, sum(answer.trace.forwards.values()))
        for count, answer in zip(naive, engine.answers, strict=True)
    ]
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
        "wasted_items": sum(a.trace.prefetch["wasted"] for a in engine.answers),
        "lookahead": {
            name: sum(answer.trace.prefetch[name] for answer in engine.answers)
            for name in ("items", "hits", "wasted")
        },
        "differing_answers": _differing(plain.answers, engine.answers)
        + _differing(plain.answers, cold.answers),
        "concurrency": concurrency,
        "model_ms": model_ms,
        "seconds": {
            "naive": round(plain.seconds, 2),
            "engine": round(engine.seconds, 2),
            "cold": round(cold.seconds, 2),
        },
        "share_of_three_calls_or_fewer": round(
            sum(len(answer.trace.calls) <= 3 for answer in plain.answers) / len(rows), 3
        ),
        "suite_version": suite.SUITE_VERSION,
        "machine": machine,
        "versions": describe_versions(("viper-vision", "numpy")),
    }


class _Done(NamedTuple):
    """What running the suite gave."""

    answers: list[Answer]
    forwards: int
    items: int
    seconds: float


def _run(
    queries: Sequence[Query],
    concurrency: int,
    *,
    model_ms: float = 0.0,
    forget: bool = False,
    **options: Any,  # of the engine
) -> _Done:
    from viper.engine.engine import Engine
    from viper_benchmarks.perf.counting import Counts, counting_opener
    from viper_benchmarks.perf.suite import scene_file

    counts = Counts()
    with Engine(
        f"truth:{scene_file()}", opener=counting_opener(counts, model_ms=model_ms), **options
    ) as engine:
        engine.capabilities()
        started = time.perf_counter()
        if forget:
            answers = []
            for query in queries:
                answers += engine.batch([query], concurrency=1)
                engine.forget()
        else:
            answers = engine.batch(queries, concurrency=concurrency)
        seconds = time.perf_counter() - started
        counted = sum(load.forwards for load in engine.load().values())
    if counted != counts.forwards:
        raise BenchmarkError(
            f"The engine says that it ran models {counted} times, but they were run "
            f"{counts.forwards} times."
        )
    return _Done(answers, counts.forwards, counts.items, seconds)


def naive_forwards(answer: Answer) -> int:
    """Return how often the original would have run a model for an answer's calls."""
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
    """Return with how few forwards a program could do that starts without memory."""
    methods = {call.method.rpartition(".")[2] for call in answer.trace.calls}
    return len({kind for method in methods for kind in _KINDS[method]})


def _differing(one: Sequence[Answer], other: Sequence[Answer]) -> int:
    return sum(
        (a.text, a.failure, a.patches) != (b.text, b.failure, b.patches)
        for a, b in zip(one, other, strict=True)
    )


def table(result: dict[str, Any]) -> list[Row]:
    """Return the result as lines for people."""
    goal = GOALS.get(result["concurrency"])
    reached = "" if goal is None else "reached" if result["ratio"] >= goal else "missed"
    same = "reached" if not result["differing_answers"] else "missed"
    at_once = result["concurrency"]
    return [
        Row("naive_forwards", f"{result['naive_forwards']:,}", "", "one per call and patch"),
        Row("engine_forwards", f"{result['engine_forwards']:,}", "", f"{at_once} programs at once"),
        Row(
            "ratio",
            f"{result['ratio']:g} ×",
            f"≥ {goal:g} ×, {reached}" if goal else "",
            "times fewer",
        ),
        Row(
            "cold_ratio",
            f"{result['cold_ratio']:g} ×",
            "",
            f"no memory from program to program; at best {result['cold_limit']:g} ×",
        ),
        Row("median_ratio", f"{result['median_ratio']:g} ×", "", "of a single program"),
        Row("share_below_2x", f"{result['share_below_2x']:.1%}", "", "of the programs"),
        Row("wasted_items", f"{result['wasted_items']:,}", "", "guessed for nothing"),
        Row("differing_answers", f"{result['differing_answers']}", f"0, {same}", ""),
        Row("programs", f"{result['programs']}", "", f"suite {result['suite_version']}"),
    ]
