"""The task `clevr`: a split of CLEVR in its official layout.

    questions/CLEVR_val_questions.json    {"questions": [{"image_filename", "question", "answer", …}]}
    images/val/CLEVR_val_000000.png
    scenes/CLEVR_val_scenes.json          for --models truth:scenes/CLEVR_val_scenes.json

Answers are texts in the release, numbers and truth values as the generator writes them; the nodes of a
program say `function` in the release and `type` in the generator's files. Both are read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from viper.errors import InputError
from viper_benchmarks.sample import Sample

__all__ = ["read_clevr"]

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


def read_clevr(folder: Path, split: str, *, limit: int | None = None) -> list[Sample]:
    """Read the questions of a split.

    Args:
        folder: The data folder, with `questions`, `images` and `scenes`.
        split: `train`, `val`, or another one that has answers.
        limit: Read no more than this many questions.

    Raises:
        InputError: The file or a value is missing or malformed; the message says what it should hold.
    """
    path = folder / "questions" / f"CLEVR_{split}_questions.json"
    questions = _questions(path)
    samples: list[Sample] = []
    seen: set[str] = set()
    for position, row in enumerate(questions[:limit]):
        sample = _sample(row, position, folder / "images" / split, path.name)
        if sample.id in seen:
            raise InputError(
                f"{path.name}: question {position}: the question_index {sample.id} occurs twice."
            )
        seen.add(sample.id)
        samples.append(sample)
    return samples


def _questions(path: Path) -> list[Any]:
    expected = "It should hold an object with a list 'questions', as in the official release."
    if not path.is_file():
        raise InputError(
            f"There is no file {str(path)!r}. --data must name CLEVR's folder, with questions/, images/ "
            f"and scenes/, and --split a split of it. {expected}"
        )
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{str(path)!r} is no JSON file ({error}). {expected}") from error
    questions = content.get("questions") if isinstance(content, dict) else None
    if not isinstance(questions, list) or not questions:
        raise InputError(f"{str(path)!r} holds no questions. {expected}")
    return questions


def _sample(row: Any, position: int, images: Path, file: str) -> Sample:
    where = f"{file}: question {position}"
    if not isinstance(row, dict):
        raise InputError(f"{where} must be an object, but got {type(row).__name__}.")
    for name in ("image_filename", "question"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise InputError(f"{where} has no {name!r}.")
    if row.get("answer") is None:
        raise InputError(
            f"{where} has no 'answer': a split without answers, such as test, cannot be scored. "
            "Choose --split val."
        )
    return Sample(
        id=str(row.get("question_index", position)),
        task="vqa",
        # The name alone: a file of questions must not reach outside the folder of images.
        image=images / Path(row["image_filename"]).name,
        query=row["question"],
        answer=_answer(row["answer"]),
        tags=_tags(row),
    )


def _answer(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _tags(row: dict[str, Any]) -> tuple[str, ...]:
    tags = []
    program = row.get("program")
    if isinstance(program, list) and program and isinstance(program[-1], dict):
        last = program[-1].get("function") or program[-1].get("type")
        if last in _FAMILIES:
            tags.append(_FAMILIES[last])
    if isinstance(row.get("template_filename"), str):
        tags.append(row["template_filename"])
    return tuple(tags)
