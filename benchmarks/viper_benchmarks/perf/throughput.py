"""`throughput`: programs per second with real architectures, against naive calls and the models alone.

| figure | meaning |
|---|---|
| `programs_per_s` | by the engine, sandbox included, with this many programs at once |
| `naive_per_s` | the same calls one by one, each with forwards of its own; no sandbox |
| `ceiling_per_s` | the same items, none twice, through the models alone in their best batches; no sandbox |
| `mean_batch` | requests per forward of the engine |
| `busy_share` | share of the time during which at least one model was running |
| `same_answers` | answers that differ from those without caches, prefetch and batches, with their scores |

Every program looks at a new image of 640×480 pixels: it finds two kinds of objects, tests each, measures
depth, and compares. Weights are random (`random_models.py`): the time of a forward does not depend on
them. `small` models are for a CPU, `real` ones for a GPU.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from viper.engine.answer import Answer
from viper.engine.engine import Engine
from viper.engine.query import Query
from viper_benchmarks.perf.answer_differences import compare
from viper_benchmarks.perf.command import (
    BenchmarkError,
    Result,
    Row,
    benchmark,
    figure,
    goal,
    number_option,
    with_machine,
)
from viper_benchmarks.perf.random_models import save_random_models

__all__ = ["measure", "table", "throughput"]

GOALS = {"ceiling": 0.80, "naive": 10.0, "naive_alone": 3.0}
"""Lowest ratios: to ceiling and naive on a GPU with 64 programs at once, to naive on a CPU with one."""
_MAX_OBJECTS = 8
# Programs whose answers are compared with those of an engine without caches, prefetch and batches.
_COMPARED = 12
_SIZE = (640, 480)
# So that a difference between answers can be looked at again.
_SEED = 0

_PROGRAM = f"""\
def execute_command(image):
    image_patch = ImagePatch(image)
    dogs = image_patch.find("dog")[:{_MAX_OBJECTS}]
    red = [dog for dog in dogs if dog.verify_property("dog", "red")]
    sleeping = [dog for dog in dogs if dog.verify_property("dog", "sleeping")]
    cats = image_patch.find("cat")[:{_MAX_OBJECTS}]
    best = best_image_match(cats, ["a white cat"])
    nearest = sorted(dogs, key=lambda dog: dog.compute_depth())
    color = nearest[0].best_text_match(["black", "white", "brown"])
    return f"{{len(red)}} {{len(sleeping)}} {{color}} {{best.horizontal_center:.0f}}"
"""
"""Find, test each twice, find, choose, sort by depth, describe."""


@with_machine("torch", "transformers", "numpy")
def measure(size: str, levels: Sequence[int], *, programs: int) -> Result:
    """Measure each level of concurrency; return the rows as a JSON value."""
    import torch

    from viper_benchmarks.perf.models_alone import ModelBench

    on_gpu = torch.cuda.is_available()
    images_of = partial(_images, np.random.default_rng(_SEED))
    if size == "auto":
        size = "real" if on_gpu else "small"
    rows: list[Result] = []
    with tempfile.TemporaryDirectory() as name:
        bench = ModelBench()
        backends = save_random_models(Path(name), size)
        threshold = bench.calibrate(backends["detector"], images_of(2), objects=_MAX_OBJECTS)
        backends["detector"] += f"?score_threshold={threshold:.6f}"
        with Engine("none", backends=backends, opener=bench.open) as engine:
            warm = _answer(engine, images_of(4), concurrency=2)[0]
            naive_per_s = bench.naive_per_s(warm, images_of(4))
            for level in levels:
                count = programs if level > 1 else max(8, programs // 4)
                bench.begin()
                before = engine.load()
                answers, seconds = _answer(engine, images_of(count), concurrency=level)
                loads = [
                    (now.forwards - old.forwards, now.requests - old.requests)
                    for now, old in zip(engine.load().values(), before.values(), strict=True)
                ]
                forwards, requests = map(sum, zip(*loads, strict=True))
                rows.append(
                    {
                        "device": "cuda" if on_gpu else "cpu",
                        "concurrency": level,
                        "programs_per_s": round(count / seconds, 3),
                        "naive_per_s": round(naive_per_s, 3),
                        "mean_batch": round(requests / forwards, 2),
                        "busy_share": round(bench.busy_s() / seconds, 3),
                        "forwards_per_program": round(forwards / count, 2),
                        "programs": count,
                        "failed": sum(answer.failure is not None for answer in answers),
                    }
                )
            ceiling_per_s, best_batch = bench.ceiling()
            images = images_of(_COMPARED)
            engine_answers, _ = _answer(engine, images, concurrency=_COMPARED)
        with Engine("none", backends=backends, cache_mb=0.0, prefetch=False, max_batch=1) as engine:
            plain, _ = _answer(engine, images, concurrency=1)
    for row in rows:
        row["ceiling_per_s"] = round(ceiling_per_s, 3)
        row["of_ceiling"] = round(row["programs_per_s"] / ceiling_per_s, 3)
        row["times_naive"] = round(row["programs_per_s"] / row["naive_per_s"], 2)
    return {
        "rows": rows,
        "size": size,
        "same_answers": compare(plain, engine_answers),
        "calls_per_program": len(warm[0].trace.calls),
        "best_batch": best_batch,
        "machine": {"gpu": torch.cuda.get_device_name() if on_gpu else None},
    }


def _images(rng: np.random.Generator, count: int) -> list[NDArray[Any]]:
    """Return images that no engine has in its cache: noise in large blocks, other ones in each call."""
    width, height = _SIZE
    blocks = rng.integers(0, 255, (count, height // 32, width // 32, 3), dtype=np.uint8)
    return list(blocks.repeat(32, axis=1).repeat(32, axis=2))


def _answer(
    engine: Engine, images: Sequence[NDArray[Any]], *, concurrency: int
) -> tuple[list[Answer], float]:
    queries = [Query(image, "", program=_PROGRAM) for image in images]
    started = time.perf_counter()
    answers = engine.batch(queries, concurrency=concurrency)
    seconds = time.perf_counter() - started
    failed = [answer.failure for answer in answers if answer.failure is not None]
    if len(failed) > len(answers) // 4:
        raise BenchmarkError(f"{len(failed)} of {len(answers)} programs failed: {failed[0]}.")
    return answers, seconds


def table(result: Result) -> list[Row]:
    """Return the rows of the printed table."""
    rows: list[Row] = []
    for row in result["rows"]:
        level, gpu = row["concurrency"], row["device"] == "cuda"
        goals: list[str] = []
        if gpu and level == 64:
            goals = [
                goal(row["of_ceiling"], GOALS["ceiling"], "of ceiling", at_least=True),
                goal(row["times_naive"], GOALS["naive"], "× naive", at_least=True),
            ]
        elif not gpu and level == 1:
            goals = [goal(row["times_naive"], GOALS["naive_alone"], "× naive", at_least=True)]
        rows.append(
            Row(
                f"{level} at once",
                f"{row['programs_per_s']:g} /s",
                ", ".join(goals),
                f"naive {row['naive_per_s']:g} /s (× {row['times_naive']:g}), ceiling "
                f"{row['ceiling_per_s']:g} /s ({row['of_ceiling']:.0%}), mean batch "
                f"{row['mean_batch']:g}, busy {row['busy_share']:.0%}",
            )
        )
    same = result["same_answers"]
    about = (
        f"of {same['programs']} without caches, prefetch and batches; scores differ by at most "
        f"{same['largest_score_difference']:.1g}"
    )
    device = result["machine"]["gpu"] or result["machine"]["cpu"]
    return [
        *rows,
        figure(same, "differing_answers", about, at_most=0),
        Row("models", result["size"], "", f"{device}; best batch {result['best_batch']}"),
    ]


@benchmark(table)
@click.option(
    "--size",
    type=click.Choice(["auto", "small", "real"]),
    default="auto",
    show_default=True,
    help="Size of the models; auto is real on CUDA, else small.",
)
@number_option(
    "--concurrency",
    "levels",
    multiple=True,
    default=(1, 4, 16, 64),
    text="Programs at once; repeatable.",
)
@number_option("--programs", least=8, default=96, text="Programs per row.")
def throughput(size: str, levels: tuple[int, ...], programs: int) -> Result:
    """Measure programs per second with real architectures.

    \b
    python -m viper_benchmarks.perf throughput
    python -m viper_benchmarks.perf throughput --size real --concurrency 64 --json
    """
    return measure(size, levels, programs=programs)
