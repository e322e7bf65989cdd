"""`builtin`: what the built-in models cost, in time and in bytes.

| figure | what it is |
|---|---|
| `load_ms` | time to load the network's weights, its libraries imported |
| `picture_ms` | everything about a new picture of 480×320: find its things, embed and range each of them |
| `question_ms` | time of the answerer for one question about a part of that picture |
| `first_answer_s` | a whole process of `viper ask … --models builtin`, from its start to its end |
| `weights_mb` | all weights that come with Viper |

All but `first_answer_s` are wall times inside of one process, with as many threads as torch takes by itself.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from viper_benchmarks.perf.publish import BenchmarkError, Row, publish, result_options

__all__ = ["GOALS", "builtin", "measure", "table"]

GOALS = {"load_ms": 1000.0, "picture_ms": 150.0, "first_answer_s": 6.0, "weights_mb": 15.0}
"""Figure → what it must not exceed."""
_PICTURES = 12
# In a round, each of another scene.
_SIZE = (480, 320)
_FIRST_SEED = 50_000_000


@click.command()
@result_options
def builtin(rounds: int, as_json: bool, output: Path | None) -> None:
    """Measure what the built-in models cost.

    \b
    python -m viper_benchmarks.perf builtin
    python -m viper_benchmarks.perf builtin --json
    """
    result = measure(rounds)
    publish(result, table(result), as_json=as_json, output=output)


def measure(rounds: int, pictures: int = _PICTURES) -> dict[str, Any]:
    """Look at pictures and return what it took as a JSON value."""
    import torch

    from viper.builtin import answerer, depth, detector, matcher
    from viper.builtin.loading import NETWORK_FILE, SHIPPED, load_network
    from viper.builtin.world import render, sample_scene
    from viper.images.decoding import open_image
    from viper.images.image import View
    from viper.models.roles import AnswerRequest, DetectRequest
    from viper_benchmarks.perf.machine import describe_machine, describe_versions
    from viper_benchmarks.perf.samples import Samples

    machine = describe_machine()  # before the load of the benchmark itself
    finds, matches, ranges = (module.load("", {}) for module in (detector, matcher, depth))
    speaks = answerer.load("", {})
    images = [
        open_image(render(sample_scene(_FIRST_SEED + n, size=_SIZE, randomised=False)).pixels)
        for n in range(rounds * pictures + 1)
    ]
    whole = (0.0, 0.0, float(_SIZE[0]), float(_SIZE[1]))

    def look(number: int) -> list[View]:
        image = images[number]
        (things,) = finds.detect([DetectRequest(View(image, whole), ("thing",))])
        views = [View(image, thing.box_xyxy) for thing in things]
        matches.embed_images(views)
        ranges.measure(views)
        return views

    look(rounds * pictures)  # what is slow only once is done now
    loaded, looked, asked, answered = Samples(), Samples(), Samples(), Samples()
    for number in range(rounds):
        loaded.add_round([_ms(lambda: load_network(SHIPPED / NETWORK_FILE))])
        times, questions = [], []
        for picture in range(number * pictures, (number + 1) * pictures):
            start_s = time.perf_counter()
            views = look(picture)
            times.append(1000 * (time.perf_counter() - start_s))
            request = AnswerRequest((views or [View(images[picture], whole)])[0], "What is this?")
            questions.append(_ms(lambda request=request: speaks.answer([request])))
        looked.add_round(times)
        asked.add_round(questions)
        answered.add_round([_first_answer_s(images[number].pixels())])
    weights = sum(path.stat().st_size for path in SHIPPED.rglob("*.safetensors"))
    return {
        "load_ms": round(loaded.median, 1),
        "picture_ms": round(looked.median, 1),
        "picture_p95_ms": round(looked.p95, 1),
        "question_ms": round(asked.median, 1),
        "first_answer_s": round(answered.median, 2),
        "weights_mb": round(weights / 1e6, 2),
        "pictures": looked.count,
        "size": list(_SIZE),
        "threads": torch.get_num_threads(),
        "machine": machine,
        "versions": describe_versions(("viper-vision", "torch", "torchvision", "timm", "numpy")),
    }


def table(result: dict[str, Any]) -> list[Row]:
    """Return the result as lines for people."""

    def goal(figure: str, unit: str) -> str:
        most = GOALS[figure]
        return f"≤ {most:g} {unit}, {'reached' if result[figure] <= most else 'missed'}"

    machine = result["machine"]
    return [
        Row("load_ms", f"{result['load_ms']:g} ms", goal("load_ms", "ms"), "to load the network"),
        Row(
            "picture_ms",
            f"{result['picture_ms']:g} ms",
            goal("picture_ms", "ms"),
            "all about a new picture of 480×320",
        ),
        Row("question_ms", f"{result['question_ms']:g} ms", "", "of the answerer"),
        Row(
            "first_answer_s",
            f"{result['first_answer_s']:g} s",
            goal("first_answer_s", "s"),
            "a whole process of viper ask",
        ),
        Row("weights_mb", f"{result['weights_mb']:g} MB", goal("weights_mb", "MB"), "all weights"),
        Row(
            "pictures",
            str(result["pictures"]),
            "",
            f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_average_1min']}, "
            f"{result['threads']} threads, {result['versions']['python']}, "
            f"torch {result['versions']['torch']}",
        ),
    ]


def _ms(work: Any) -> float:
    start_s = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start_s)


def _first_answer_s(pixels: Any) -> float:
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        Image.fromarray(pixels).save(picture)
        question = "How many metal things are there?"
        command = [sys.executable, "-m", "viper", "ask", str(picture), question]
        start_s = time.perf_counter()
        done = subprocess.run(  # noqa: S603 # this interpreter, and a file of this function
            [*command, "--models", "builtin"], capture_output=True, text=True, check=False
        )
        took_s = time.perf_counter() - start_s
    if done.returncode != 0:
        raise BenchmarkError(f"viper ask failed: {done.stderr.strip()}")
    return took_s
