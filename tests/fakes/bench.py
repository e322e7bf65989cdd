"""Small benchmarks: a folder with a picture and a file of rows, and a run over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from viper import Engine
from viper.programs.program import Doubt
from viper_benchmarks.evaluator import LocalEvaluator
from viper_benchmarks.row import SampleResult
from viper_benchmarks.runner import RunPlan, run
from viper_benchmarks.sample import Sample
from viper_benchmarks.scorer import Scorer
from viper_benchmarks.tally import Tally
from viper_benchmarks.tasks.jsonl import JsonlSamples

HAT = Doubt("wearing a hat", "no matcher is served", "matcher")

ROWS: list[dict[str, Any]] = [
    {"id": "count", "image": "a.png", "query": "How many cups?", "answer": "3", "tags": ["n"]},
    {"id": "wrong", "image": "a.png", "query": "Is there a cup?", "answer": "no"},
    {"id": "fails", "image": "a.png", "query": "x", "answer": "no", "program": "return [][0]"},
    {"id": "gone", "image": "b.png", "query": "Is there a cup?", "answer": "yes"},
    {"id": "box", "task": "grounding", "image": "a.png", "query": "left cup",
     "box_xyxy": [0, 0, 30, 80], "tags": ["n"]},
    {"id": "none", "task": "grounding", "image": "a.png", "query": "cup", "box_xyxy": None,
     "program": "def execute_command(image):\n    return None"},
]  # fmt: skip
"""Right with the preset `stub`: count, box, none."""


def folder(path: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    """Write a picture and a file of rows; return the file."""
    Image.fromarray(np.zeros((80, 90, 3), dtype=np.uint8)).save(path / "a.png")
    file = path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return file


def score(data: Path, engine: Engine, *, samples: Any = None, **options: Any) -> dict[str, Any]:
    """Run a file of rows with an engine."""
    plan = RunPlan(
        "jsonl", JsonlSamples(data) if samples is None else samples, data_folder=data.parent
    )
    return run(plan, LocalEvaluator(engine, Scorer(data_folder=data.parent)), **options)


def row(id_: str, score: float = 1.0, **more: Any) -> SampleResult:
    """Return a row as a run makes it."""
    given: dict[str, Any] = {
        "task": "vqa", "prediction": "x", "box_xyxy": None, "correct": score >= 0.5, "iou": None,
        "failure": None, "message": None, "calls": 2, "forwards": {"detector": 1}, "ms": 1.0, "tags": (),
        "program": None, "unverified": (), "score": score, "scores": {"normalised": score},
    }  # fmt: skip
    return SampleResult(id=id_, **{**given, **more})


def report(task: str, results: list[SampleResult], wall_s: float) -> dict[str, Any]:
    """Return the report of some rows."""
    tally = Tally()
    for result in results:
        tally.add(result)
    return tally.to_json(task, tally.n / wall_s)


def vqa(answer: str = "no", **more: Any) -> Sample:
    """Return a sample that asks for words."""
    return Sample("1", "vqa", Path("a.png"), "Is it?", answer=answer, **more)
