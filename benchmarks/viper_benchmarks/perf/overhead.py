"""`overhead`: what the engine costs beside its parts, with models that cost nothing.

| figure | what it is |
|---|---|
| `engine_ms` | a program of eight calls on a new picture, from `Engine.run_program` to its answer |
| `parts_ms` | the sum of its parts alone: opening the picture, the sandbox with ready replies, the models |
| `overhead_ms` | the difference: session, methods, keys, cache, queue, threads, lookahead, trace |

Figures are medians; engine and parts take turns in each round, so that a slow moment of the machine hits
both.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viper_benchmarks.perf.publish import BenchmarkError, Row, publish, result_options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from viper.engine.engine import Engine

__all__ = ["measure", "overhead", "table"]

_PROGRAMS = 60
_WARM_UP = 5
_CALLS = 8


@click.command()
@result_options
def overhead(rounds: int, as_json: bool, output: Path | None) -> None:
    """Measure what the engine costs beside its parts.

    \b
    python -m viper_benchmarks.perf overhead
    python -m viper_benchmarks.perf overhead --json
    """
    result = measure(rounds)
    publish(result, table(result), as_json=as_json, output=output)


def measure(rounds: int, *, programs: int = _PROGRAMS) -> dict[str, Any]:
    """Return the medians as a JSON value."""
    from viper.engine.engine import Engine
    from viper_benchmarks.perf.instant import INSTANT_BACKENDS, open_instant
    from viper_benchmarks.perf.machine import describe_machine, describe_versions
    from viper_benchmarks.perf.sandbox_figures import SandboxFigures
    from viper_sandbox import Jail

    machine = describe_machine()
    engine_ms: list[float] = []
    parts: dict[str, list[float]] = {"image": [], "sandbox": [], "models": []}
    with Engine("none", backends=INSTANT_BACKENDS, opener=open_instant) as engine:
        _ask(engine, _pictures(_WARM_UP))
        with asyncio.Runner() as runner:
            jail = Jail()
            sandbox = SandboxFigures(jail)
            runner.run(sandbox.eight_call_programs_ms(_WARM_UP))
            for _ in range(rounds):
                pictures = _pictures(programs)
                engine_ms += _ask(engine, pictures)
                parts["image"] += _open(pictures)
                parts["sandbox"] += runner.run(sandbox.eight_call_programs_ms(programs))
                parts["models"] += _models(pictures)
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
        "machine": machine,
        "versions": describe_versions(("viper-vision", "numpy", "RestrictedPython")),
    }


def _pictures(count: int) -> list[NDArray[Any]]:
    """Return pictures that no engine has seen."""
    import numpy as np

    rng = np.random.default_rng()
    return [rng.integers(0, 255, (96, 128, 3), dtype=np.uint8) for _ in range(count)]


def _ask(engine: Engine, pictures: list[NDArray[Any]]) -> list[float]:
    from viper_benchmarks.perf.programs import EIGHT_CALLS

    times: list[float] = []
    for picture in pictures:
        started = time.perf_counter()
        answer = engine.run_program(EIGHT_CALLS, picture)
        times.append((time.perf_counter() - started) * 1000)
        if answer.failure is not None:
            raise BenchmarkError(f"The program failed: {answer.failure}.")
    return times


def _open(pictures: list[NDArray[Any]]) -> list[float]:
    from viper.images.decoding import open_image

    times: list[float] = []
    for picture in pictures:
        started = time.perf_counter()
        open_image(picture)
        times.append((time.perf_counter() - started) * 1000)
    return times


def _models(pictures: list[NDArray[Any]]) -> list[float]:
    """Return how long the models take for what the program asks, each item alone."""
    from viper.images.decoding import open_image
    from viper.images.image import View
    from viper.models.roles import DetectRequest
    from viper_benchmarks.perf.instant import InstantModel

    model = InstantModel()
    times: list[float] = []
    for picture in pictures:
        image = open_image(picture)
        width, height = image.size
        whole = View(image, (0.0, 0.0, float(width), float(height)))
        started = time.perf_counter()
        model.detect([DetectRequest(whole, ("person",)), DetectRequest(whole, ("dog",))])
        model.embed_images([View(image, (0.0, 0.0, 9.0, 9.0 + n)) for n in range(3)])
        model.embed_texts(["wearing a hat person", "person", "red", "blue", "green"])
        model.estimate([image])
        times.append((time.perf_counter() - started) * 1000)
    return times


def table(result: dict[str, Any]) -> list[Row]:
    """Return the result as lines for people."""
    parts = ", ".join(f"{name} {ms:g}" for name, ms in result["parts"].items())
    return [
        Row("engine_ms", f"{result['engine_ms']:g} ms", "", "a program of eight calls"),
        Row("parts_ms", f"{result['parts_ms']:g} ms", "", f"measured alone: {parts}"),
        Row("overhead_ms", f"{result['overhead_ms']:g} ms", "", "the engine's own"),
        Row("overhead_us_per_call", f"{result['overhead_us_per_call']:g} µs", "", "of them"),
        Row("programs", f"{result['programs']}", "", result["machine"]["cpu"]),
    ]
