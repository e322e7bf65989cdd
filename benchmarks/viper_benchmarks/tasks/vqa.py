"""The tasks `okvqa` and `vqav2`: questions with ten human answers each (Marino 2019; Goyal 2017).

Both come in the format of VQA: a file of questions, a file of annotations, COCO images of 2014.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from viper_benchmarks.sample import Sample
from viper_benchmarks.task import STANDARD_SUBSETS, BenchmarkTask
from viper_benchmarks.tasks.json_files import Expected, Row, first_existing

__all__ = ["OKVQA", "VQAV2", "read_vqa"]

_IMAGE_PLACES = ("", "images", "mscoco")
_EXPOSURE = (
    "All images are COCO's of 2014: detectors trained on COCO, and most models that answer questions about "
    "images, were trained on those of train."
)


def read_vqa(prefix: str, origin: str, folder: Path, split: str) -> list[Sample]:
    """Read the questions of a split with all answers.

    Args:
        prefix: Prefix of the file names: `v2_` or empty.
        origin: Source of the files, for errors.
        folder: With both files and the folder of images.
        split: `train` or `val`.

    Raises:
        InputError: A file or a value is missing or malformed; the message names the expected content.
    """
    part = f"{split}2014"
    questions = Expected(
        "an object with a list 'questions' of 'question_id', 'image_id' and 'question'", origin
    )
    annotations = Expected(
        "an object with a list 'annotations' of 'question_id' and ten 'answers'", origin
    )
    hint = (
        "--data must name the folder with the files and the images, --split train or val (test has no "
        "answers). "
    )
    questions_path = folder / f"{prefix}OpenEnded_mscoco_{part}_questions.json"
    annotations_path = folder / f"{prefix}mscoco_{part}_annotations.json"
    rows = questions.rows(questions_path, questions.json(questions_path, hint), "questions")
    content = annotations.json(annotations_path)
    by_question = {
        row.number("question_id"): row
        for row in annotations.rows(annotations_path, content, "annotations")
    }
    types = content.get("question_types")
    images = first_existing(folder / place / part for place in _IMAGE_PLACES)
    samples = []
    for row in rows:
        number = row.number("question_id")
        if number not in by_question:
            raise row.wrong(
                f"has the question_id {number}, which is not in {annotations_path.name}."
            )
        image = images / f"COCO_{part}_{row.number('image_id'):012d}.jpg"
        names = types if isinstance(types, dict) else {}
        samples.append(_sample(row, by_question[number], image, names))
    return samples


def _sample(question: Row, annotation: Row, image: Path, type_names: Mapping[str, Any]) -> Sample:
    number = question.number("question_id")
    answers = []
    for position, value in enumerate(annotation.items("answers")):
        given = Row(value, f"question {number}: answer {position}")
        # OK-VQA stems 'answer'; the original answer is in 'raw_answer'.
        answers.append(given.text("raw_answer" if "raw_answer" in given.raw else "answer"))
    type_ = annotation.optional_text("question_type")
    tags = {
        "type": type_ and type_names.get(type_, type_),
        "answer": annotation.optional_text("answer_type"),
    }
    return Sample(
        id=str(number),
        task="vqa",
        image=image,
        query=question.text("question"),
        answer=Counter(answers).most_common(1)[0][0],
        answers=tuple(answers),
        tags=tuple(f"{kind}:{value}" for kind, value in tags.items() if value is not None),
    )


def _task(
    name: str, prefix: str, summary: str, origin: str, sizes: Mapping[str, int]
) -> BenchmarkTask:
    return BenchmarkTask(
        name=name,
        version=1,
        summary=summary,
        layout=f"{prefix}OpenEnded_mscoco_val2014_questions.json\n"
        f"{prefix}mscoco_val2014_annotations.json\n"
        "val2014/COCO_val2014_000000297147.jpg     or images/val2014, mscoco/val2014",
        origin=origin,
        read=partial(read_vqa, prefix, origin),
        splits=sizes,
        default_split="val",
        subsets=STANDARD_SUBSETS,
        exposure=_EXPOSURE,
        presupposes_answer=True,
        images="cocodataset.org (2014 images)",
    )


OKVQA = _task(
    "okvqa",
    "",
    "Questions about photographs that need outside knowledge; ten answers each.",
    "okvqa.allenai.org and cocodataset.org (images)",
    {"train": 9_009, "val": 5_046},
)
VQAV2 = _task(
    "vqav2",
    "v2_",
    "Questions about photographs in balanced pairs; ten answers each.",
    "visualqa.org/download.html and cocodataset.org (images)",
    {"train": 443_757, "val": 214_354},
)
