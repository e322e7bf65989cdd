"""`builtin`: the cost of the built-in models, in time and in bytes.

| figure | meaning |
|---|---|
| `load_ms` | time to open the network's graphs, after onnxruntime has been imported |
| `picture_ms` | all work on a new image of 480×320: find its objects, embed each and measure its depth |
| `question_ms` | time of the answerer for one question about a part of that image |
| `first_answer_s` | a whole process of `viper ask … --models builtin`, from its start to its end |
| `weights_mb` | all weights that come with Viper |

All but `weights_mb` are wall times; all times but `first_answer_s` are taken inside one process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from viper.images.decoding import open_image
from viper.images.image import ImageRef, View
from viper.models.roles import AnswerRequest, DetectRequest
from viper_benchmarks.perf.command import (
    BenchmarkError,
    Result,
    Row,
    benchmark,
    figure,
    machine_text,
    rounds_option,
    with_machine,
)
from viper_benchmarks.perf.samples import Samples, timed_ms

__all__ = ["GOALS", "builtin", "measure", "table"]

GOALS = {"load_ms": 1000.0, "picture_ms": 150.0, "first_answer_s": 6.0, "weights_mb": 15.0}
"""Figure → its upper bound."""
# Images per round, each of another scene.
_IMAGES = 12
_SIZE = (480, 320)
_FIRST_SEED = 50_000_000


@with_machine("onnxruntime", "numpy")
def measure(rounds: int, images_per_round: int = _IMAGES) -> Result:
    """Run the models on new images and return the times as a JSON value."""
    from viper.builtin import answerer, depth, detector, matcher
    from viper.builtin.graphs import THREADS, Graphs
    from viper.builtin.loading import SHIPPED
    from viper.builtin.world import render, sample_scene

    detect, match, measure_depth, answer = (
        module.load("", {}) for module in (detector, matcher, depth, answerer)
    )
    images = [
        open_image(render(sample_scene(_FIRST_SEED + n, size=_SIZE, randomised=False)).pixels)
        for n in range(rounds * images_per_round + 1)
    ]
    whole = (0.0, 0.0, float(_SIZE[0]), float(_SIZE[1]))

    def look(image: ImageRef) -> None:
        (found,) = detect.detect([DetectRequest(View(image, whole), ("thing",))])
        views = [View(image, detection.box_xyxy) for detection in found]
        match.embed_images(views)
        measure_depth.measure(views)
        requests[:] = [AnswerRequest((views or [View(image, whole)])[0], "What is this?")]

    requests: list[AnswerRequest] = []
    look(images[-1])  # the first use is slower
    load, look_at, question, first_answer = (Samples() for _ in range(4))
    for number in range(rounds):
        load.add_round([timed_ms(lambda: Graphs(SHIPPED))])
        times, questions = [], []
        for image in images[number * images_per_round :][:images_per_round]:
            times.append(timed_ms(partial(look, image)))
            questions.append(timed_ms(lambda: answer.answer(requests)))
        look_at.add_round(times)
        question.add_round(questions)
        first_answer.add_round([_first_answer_s(images[number].pixels())])
    weights = sum(path.stat().st_size for path in SHIPPED.rglob("*.onnx"))
    return {
        "load_ms": round(load.median, 1),
        "picture_ms": round(look_at.median, 1),
        "picture_p95_ms": round(look_at.p95, 1),
        "question_ms": round(question.median, 1),
        "first_answer_s": round(first_answer.median, 2),
        "weights_mb": round(weights / 1e6, 2),
        "pictures": len(look_at.values),
        "size": list(_SIZE),
        "threads": THREADS,
    }


def table(result: Result) -> list[Row]:
    """Return the rows of the printed table."""
    rows = [
        figure(result, name, meaning, at_most=GOALS.get(name))
        for name, meaning in (
            ("load_ms", "to load the network"),
            ("picture_ms", "all work on a new image of 480×320"),
            ("question_ms", "of the answerer"),
            ("first_answer_s", "a whole process of viper ask"),
            ("weights_mb", "all weights"),
        )
    ]
    about = (
        f"{machine_text(result)}, {result['threads']} threads, "
        f"onnxruntime {result['versions']['onnxruntime']}"
    )
    return [*rows, figure(result, "pictures", about)]


def _first_answer_s(pixels: Any) -> float:
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.png"
        Image.fromarray(pixels).save(path)
        command = [sys.executable, "-m", "viper", "ask", str(path)]

        def ask() -> None:
            done = subprocess.run(  # noqa: S603 # this interpreter, and a file of this function
                [*command, "How many metal things are there?", "--models", "builtin"],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise BenchmarkError(f"viper ask failed: {done.stderr.strip()}")

        return timed_ms(ask) / 1000


@benchmark(table)
@rounds_option
def builtin(rounds: int) -> Result:
    """Measure what the built-in models cost.

    \b
    python -m viper_benchmarks.perf builtin
    python -m viper_benchmarks.perf builtin --json
    """
    return measure(rounds)
