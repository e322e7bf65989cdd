"""The task `jsonl`: bring your own questions, one JSON object a line.

    {"id": "7", "task": "vqa", "image": "cat.jpg", "query": "Is the cat on the car?",
     "choices": ["yes", "no"], "answer": "no"}
    {"id": "8", "task": "grounding", "image": "park.jpg", "query": "left dog",
     "box_xyxy": [10, 20, 110, 90]}

`image` is relative to the file; `box_xyxy: null` means that nothing fits; `tags` group the report;
a row with a `program` runs it as it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from viper.boxes import read_box
from viper.errors import InputError
from viper_benchmarks.sample import Sample

__all__ = ["read_jsonl"]


def read_jsonl(path: Path, *, limit: int | None = None) -> list[Sample]:
    """Read a file of samples.

    Args:
        path: The file.
        limit: Read no more than this many rows.

    Raises:
        InputError: The file is missing, or a row is not as it must be; the message names the line.
    """
    if not path.is_file():
        raise InputError(
            f"There is no file {str(path)!r}. --data must name a .jsonl file with one object a line: "
            '{"id", "task", "image", "query", "answer" or "box_xyxy"}.'
        )
    samples: list[Sample] = []
    seen: set[str] = set()
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if limit is not None and len(samples) >= limit:
                break
            if not line.strip():
                continue
            sample = _sample(line, path, f"{path.name}:{number}")
            if sample.id in seen:
                raise InputError(f"{path.name}:{number}: the id {sample.id!r} occurs twice.")
            seen.add(sample.id)
            samples.append(sample)
    if not samples:
        raise InputError(f"{str(path)!r} holds no samples.")
    return samples


def _sample(line: str, path: Path, where: str) -> Sample:
    try:
        row: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{where} is not JSON: {error.msg} at column {error.colno}.") from error
    if not isinstance(row, dict):
        raise InputError(f"{where} must be a JSON object, but got {type(row).__name__}.")
    for name in ("id", "image", "query"):
        if not isinstance(row.get(name), (str, int)):
            raise InputError(f"{where} has no {name!r}.")
    task = row.get("task", "grounding" if "box_xyxy" in row else "vqa")
    if task not in ("vqa", "grounding"):
        raise InputError(f"{where}: task must be 'vqa' or 'grounding', but got {task!r}.")
    right = "answer" if task == "vqa" else "box_xyxy"
    if right not in row:
        raise InputError(f"{where} has the task {task!r} but no {right!r}.")
    return Sample(
        id=str(row["id"]),
        task=task,
        image=path.parent / str(row["image"]),
        query=str(row["query"]),
        choices=tuple(str(choice) for choice in row.get("choices") or ()),
        answer=str(row["answer"]) if task == "vqa" else None,
        box_xyxy=None
        if task == "vqa" or row["box_xyxy"] is None
        else read_box(row["box_xyxy"], where),
        tags=tuple(str(tag) for tag in row.get("tags") or ()),
        program=row.get("program"),
    )
