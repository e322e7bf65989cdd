"""`overhead`: the engine's own time compared with that of its parts, with models that cost nothing.

| figure | meaning |
|---|---|
| `engine_ms` | a program of eight calls on a new image, from `Engine.run_program` to its answer |
| `parts_ms` | the sum of its parts alone: opening the image, the sandbox with ready replies, the models |
| `overhead_ms` | the difference: dispatch, methods, keys, cache, queue, threads, prefetch, trace |

Figures are medians; engine and parts take turns in each round, so that a slow moment of the machine affects
both.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.engine.engine import Engine
from viper.images.decoding import open_image
from viper.images.image import View
from viper.models.roles import DetectRequest
from viper_benchmarks.perf.command import (
    BenchmarkError,
    Result,
    Row,
    benchmark,
    figure,
    rounds_option,
    with_machine,
)
from viper_benchmarks.perf.instant import INSTANT_BACKENDS, InstantModel, open_instant
from viper_benchmarks.perf.programs import EIGHT_CALLS
from viper_benchmarks.perf.samples import timed_ms
from viper_benchmarks.perf.sandbox_figures import SandboxFigures
from viper_sandbox import Jail

__all__ = ["measure", "overhead", "table"]

_PROGRAMS = 60
_WARM_UP = 5
_CALLS = 8


@with_machine("numpy", "RestrictedPython")
def measure(rounds: int, *, programs: int = _PROGRAMS) -> Result:
    """Return the medians as a JSON value."""
    engine_ms: list[float] = []
    parts: dict[str, list[float]] = {"image": [], "sandbox": [], "models": []}
    with Engine("none", backends=INSTANT_BACKENDS, opener=open_instant) as engine:
        list(_engine_ms(engine, _images(_WARM_UP)))
        with asyncio.Runner() as runner:
            jail = Jail()
            sandbox = SandboxFigures(jail)
            runner.run(sandbox.eight_call_programs_ms(_WARM_UP))
            for _ in range(rounds):
                images = _images(programs)
                engine_ms += _engine_ms(engine, images)
                parts["image"] += (timed_ms(partial(open_image, image)) for image in images)
                parts["sandbox"] += runner.run(sandbox.eight_call_programs_ms(programs))
                parts["models"] += _models_ms(images)
            runner.run(jail.close())
    medians = {name: round(statistics.median(values), 3) for name, values in parts.items()}
    whole, sum_of_parts = statistics.median(engine_ms), sum(medians.values())
    return {
        "engine_ms": round(whole, 3),
        "parts_ms": round(sum_of_parts, 3),
        "parts": medians,
        "overhead_ms": round(whole - sum_of_parts, 3),
        "overhead_us_per_call": round((whole - sum_of_parts) * 1000 / _CALLS, 1),
        "ratio": round(whole / sum_of_parts, 3),
        "programs": rounds * programs,
    }


def _images(count: int) -> list[NDArray[Any]]:
    """Return images that no engine has in its cache."""
    rng = np.random.default_rng()
    return [rng.integers(0, 255, (96, 128, 3), dtype=np.uint8) for _ in range(count)]


def _engine_ms(engine: Engine, images: list[NDArray[Any]]) -> Iterator[float]:
    def run(image: NDArray[Any]) -> None:
        answer = engine.run_program(EIGHT_CALLS, image)
        if answer.failure is not None:
            raise BenchmarkError(f"The program failed: {answer.failure}.")

    return (timed_ms(partial(run, image)) for image in images)


def _models_ms(images: list[NDArray[Any]]) -> Iterator[float]:
    """Yield how long the models take for the requests of the program, each item alone."""
    model = InstantModel()

    def run(whole: View) -> None:
        model.detect([DetectRequest(whole, ("person",)), DetectRequest(whole, ("dog",))])
        model.embed_images([View(whole.image, (0.0, 0.0, 9.0, 9.0 + n)) for n in range(3)])
        model.embed_texts(["wearing a hat person", "person", "red", "blue", "green"])
        model.estimate([whole.image])

    for array in images:
        image = open_image(array)
        width, height = image.size
        yield timed_ms(partial(run, View(image, (0.0, 0.0, float(width), float(height)))))


def table(result: Result) -> list[Row]:
    """Return the rows of the printed table."""
    parts = ", ".join(f"{name} {ms:g}" for name, ms in result["parts"].items())
    return [
        figure(result, "engine_ms", "a program of eight calls"),
        figure(result, "parts_ms", f"measured alone: {parts}"),
        figure(result, "overhead_ms", "the engine's own"),
        figure(result, "overhead_us_per_call", "the same per call"),
        figure(result, "programs", result["machine"]["cpu"]),
    ]


@benchmark(table)
@rounds_option
def overhead(rounds: int) -> Result:
    """Compare the engine's own time with that of its parts.

    \b
    python -m viper_benchmarks.perf overhead
    python -m viper_benchmarks.perf overhead --json
    """
    return measure(rounds)
