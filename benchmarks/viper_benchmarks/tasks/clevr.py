"""The task `clevr`: a split of CLEVR in its official layout (Johnson et al. 2017).

Answers are texts in the release, numbers and truth values as the generator writes them; the nodes of a
program say `function` in the release and `type` in the generator's files. Both are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from viper.errors import InputError
from viper_benchmarks.sample import Sample
from viper_benchmarks.task import STANDARD_SUBSETS, BenchmarkTask
from viper_benchmarks.tasks.json_files import Expected, Row, inside

__all__ = ["CLEVR", "read_clevr"]

_QUESTIONS = Expected(
    "an object with a list 'questions', as in the official release",
    "CLEVR_v1.0.zip of cs.stanford.edu/people/jcjohns/clevr",
)

_FAMILIES = {
    "exist": "exist",
    "count": "count",
    "equal_integer": "compare_integer",
    "less_than": "compare_integer",
    "greater_than": "compare_integer",
    "equal_color": "compare_attribute",
    "equal_material": "compare_attribute",
    "equal_shape": "compare_attribute",
    "equal_size": "compare_attribute",
    "query_color": "query_attribute",
    "query_material": "query_attribute",
    "query_shape": "query_attribute",
    "query_size": "query_attribute",
}
"""A program's last function → the question types of the CLEVR paper (Johnson et al. 2017, table 1)."""


def read_clevr(folder: Path, split: str) -> list[Sample]:
    """Read the questions of a split.

    Args:
        folder: The data folder, with `questions`, `images` and `scenes`.
        split: `train`, `val`, or another one that has answers.

    Raises:
        InputError: The file or a value is missing or malformed; the message says what it should hold.
    """
    path = folder / "questions" / f"CLEVR_{split}_questions.json"
    hint = (
        "--data must name CLEVR's folder, with questions/, images/ and scenes/, and --split a split "
        "of it. "
    )
    samples: list[Sample] = []
    seen: set[str] = set()
    for position, row in enumerate(_QUESTIONS.listed(path, "questions", hint)):
        sample = _sample(row, position, folder / "images" / split, path.name)
        if sample.id in seen:
            raise InputError(
                f"{path.name}: question {position}: the question_index {sample.id} occurs twice."
            )
        seen.add(sample.id)
        samples.append(sample)
    return samples


def _sample(value: Any, position: int, images: Path, file: str) -> Sample:
    row = Row(value, f"{file}: question {position}")
    name, question = row.text("image_filename"), row.text("question")
    if row.raw.get("answer") is None:
        raise row.wrong(
            "has no 'answer': a split without answers, such as test, cannot be scored. "
            "Choose --split val."
        )
    return Sample(
        id=str(row.raw.get("question_index", position)),
        task="vqa",
        image=inside(images, name),
        query=question,
        answer=_answer(row.raw["answer"]),
        tags=_tags(row.raw),
    )


def _answer(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _tags(row: dict[str, Any]) -> tuple[str, ...]:
    tags = []
    program = row.get("program")
    if isinstance(program, list):
        steps = [
            step.get("function") or step.get("type") for step in program if isinstance(step, dict)
        ]
        if steps and steps[-1] in _FAMILIES:
            tags.append(_FAMILIES[steps[-1]])
        tags.append(f"hops:{sum(step == 'relate' for step in steps)}")
    if isinstance(row.get("template_filename"), str):
        tags.append(row["template_filename"])
    return tuple(tags)


def _scenes(folder: Path, split: str) -> Path | None:
    path = folder / "scenes" / f"CLEVR_{split}_scenes.json"
    return path if path.is_file() else None


CLEVR = BenchmarkTask(
    name="clevr",
    version=1,
    summary="Compositional questions about rendered cubes, spheres and cylinders.",
    layout="questions/CLEVR_val_questions.json\nimages/val/CLEVR_val_000000.png\n"
    "scenes/CLEVR_val_scenes.json          for --models truth:scenes/CLEVR_val_scenes.json and --blame",
    origin=_QUESTIONS.origin,
    read=read_clevr,
    splits={"train": 699_989, "val": 149_991},
    default_split="val",
    subsets=STANDARD_SUBSETS,
    truth=_scenes,
    exposure="The built-in models were trained on pictures of their own, made to look like these.",
)
