"""The task `clevr`: a split of CLEVR in its official layout (Johnson et al. 2017).

Answers are texts in the release, but numbers and booleans in files of the generator; the nodes of a program
have `function` in the release and `type` in files of the generator. Both formats are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from viper_benchmarks.sample import Sample
from viper_benchmarks.task import STANDARD_SUBSETS, BenchmarkTask
from viper_benchmarks.tasks.json_files import Expected, Row, image_path

__all__ = ["CLEVR", "read_clevr"]

_QUESTIONS = Expected(
    "an object with a list 'questions', as in the official release",
    "CLEVR_v1.0.zip of cs.stanford.edu/people/jcjohns/clevr",
)

_ATTRIBUTES = ("color", "material", "shape", "size")
_FAMILIES = {
    "exist": "exist",
    "count": "count",
    **dict.fromkeys(("equal_integer", "less_than", "greater_than"), "compare_integer"),
    **{f"equal_{attribute}": "compare_attribute" for attribute in _ATTRIBUTES},
    **{f"query_{attribute}": "query_attribute" for attribute in _ATTRIBUTES},
}
"""A program's last function → the question types of the CLEVR paper (Johnson et al. 2017, table 1)."""


def read_clevr(folder: Path, split: str) -> list[Sample]:
    """Read the questions of a split.

    Args:
        folder: The data folder, with `questions`, `images` and `scenes`.
        split: `train`, `val`, or another one that has answers.

    Raises:
        InputError: The file or a value is missing or malformed; the message names the expected content.
    """
    path = folder / "questions" / f"CLEVR_{split}_questions.json"
    hint = (
        "--data must name CLEVR's folder, with questions/, images/ and scenes/, and --split a split "
        "of it. "
    )
    samples: dict[str, Sample] = {}
    for row in _QUESTIONS.rows(path, _QUESTIONS.json(path, hint), "questions"):
        sample = _sample(row, str(len(samples)), folder / "images" / split)
        if samples.setdefault(sample.id, sample) is not sample:
            raise row.wrong(f"repeats the question_index {sample.id}.")
    return list(samples.values())


def _sample(row: Row, position: str, images: Path) -> Sample:
    image, question = row.text("image_filename"), row.text("question")
    if (answer := row.raw.get("answer")) is None:
        raise row.wrong(
            "has no 'answer': a split without answers, such as test, cannot be scored. "
            "Choose --split val."
        )
    if isinstance(answer, bool):
        answer = "yes" if answer else "no"
    return Sample(
        id=str(row.raw.get("question_index", position)),
        task="vqa",
        image=image_path(images, image),
        query=question,
        answer=str(answer),
        tags=tuple(_tags(row)),
    )


def _tags(row: Row) -> Iterator[str]:
    program = row.raw.get("program")
    if isinstance(program, list):
        steps = [
            step.get("function") or step.get("type") for step in program if isinstance(step, dict)
        ]
        if steps and isinstance(steps[-1], str) and steps[-1] in _FAMILIES:
            yield _FAMILIES[steps[-1]]
        yield f"hops:{steps.count('relate')}"
    if template := row.optional_text("template_filename"):
        yield template


def _scenes(folder: Path, split: str) -> Path | None:
    path = folder / "scenes" / f"CLEVR_{split}_scenes.json"
    return path if path.is_file() else None


CLEVR = BenchmarkTask(
    name="clevr",
    version=1,
    summary="Compositional questions about rendered cubes, spheres and cylinders.",
    layout="questions/CLEVR_val_questions.json\nimages/val/CLEVR_val_000000.png\n"
    "scenes/CLEVR_val_scenes.json          for --models truth:scenes/CLEVR_val_scenes.json and\n"
    "                                      --attribute-errors",
    origin=_QUESTIONS.origin,
    read=read_clevr,
    splits={"train": 699_989, "val": 149_991},
    default_split="val",
    subsets=STANDARD_SUBSETS,
    truth=_scenes,
    images=_QUESTIONS.origin,
    exposure="The built-in models were trained on their own images, which imitate these.",
)
