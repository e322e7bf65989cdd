"""The task `jsonl`: bring your own questions, one JSON object per line.

    {"id": "7", "task": "vqa", "image": "cat.jpg", "query": "Is the cat on the car?",
     "choices": ["yes", "no"], "answer": "no"}
    {"id": "8", "task": "grounding", "image": "park.jpg", "query": "left dog",
     "box_xyxy": [10, 20, 110, 90]}

`image` is relative to the file; `box_xyxy: null` means that no object fits; `answers` has the answers of
several annotators; `tags` group the report; a `program` is run instead of a generated one.

Answers may be JSON numbers and booleans: `2.0` is "2", `true` is "yes" (or the choice "true", if there is one
and none is "yes"). Several right answers are several annotators, and stand in `answers`.

The whole file is checked before the first sample, then read again line by line: it may be larger than the
memory.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from viper.errors import InputError
from viper.images.boxes import read_box
from viper.storage.bounded_json import bounded_lines, parse_json
from viper.storage.files import open_regular_file
from viper_benchmarks.digests import Digests
from viper_benchmarks.sample import Sample
from viper_benchmarks.task import STANDARD_SUBSETS, BenchmarkTask

__all__ = ["JSONL", "JsonlSamples"]

# A program has at most 200,000 bytes.
_MAX_LINE_BYTES = 1_000_000
_MAX_LINE_VALUES = 100_000
# Whole numbers of this size and more are not exact as floats.
_EXACT = 2**53
_CONTENT = 'one object per line: {"id", "task", "image", "query", "answer" or "box_xyxy"}'


class JsonlSamples:
    """The samples of a file, read again for each iteration.

    Args:
        path: The file.

    Raises:
        InputError: The file is missing, or a row is malformed; the message names the line.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(
                f"There is no file {str(path)!r}. --data must name a .jsonl file with {_CONTENT}."
            )
        self._path = path
        ids = Digests(sample.id for sample in self)
        if (twice := ids.repeated()) is not None:
            number, sample = next(itertools.islice(self._numbered(), twice, None))
            raise InputError(f"{path.name}:{number}: the id {sample.id!r} occurs twice.")
        self._n = len(ids)
        if not self._n:
            raise InputError(f"{str(path)!r} contains no samples.")

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Sample]:
        return (sample for _, sample in self._numbered())

    def _numbered(self) -> Iterator[tuple[int, Sample]]:
        number = 0
        with open_regular_file(str(self._path), what=".jsonl") as stream:
            try:
                for number, line in enumerate(bounded_lines(stream, max_bytes=_MAX_LINE_BYTES), 1):
                    if line.strip():
                        yield number, _sample(line, self._path, f"{self._path.name}:{number}")
            except ValueError as error:
                raise InputError(
                    f"{self._path.name}:{number + 1} is not a row: {error}."
                ) from error


def _sample(line: bytes, path: Path, where: str) -> Sample:
    row = _row(line, where)
    for name in ("id", "image", "query"):
        if type(row.get(name)) not in (str, int):
            raise InputError(f"{where} has no {name!r}.")
    choices = _texts(row, "choices", where)
    answers, tags = _texts(row, "answers", where, choices), _texts(row, "tags", where)
    task = row.get("task", "grounding" if "box_xyxy" in row else "vqa")
    if task not in ("vqa", "grounding"):
        raise InputError(f"{where}: task must be 'vqa' or 'grounding', but got {repr(task)[:60]}.")
    right = "answer" if task == "vqa" else "box_xyxy"
    if right not in row or (task == "vqa" and row["answer"] is None):
        raise InputError(f"{where} has the task {task!r} but no {right!r}.")
    answer = None
    if task == "vqa":
        if isinstance(row["answer"], list):
            raise InputError(
                f"{where}: 'answer' must be one answer, but got a list. Give the one that counts, and all "
                "of them in 'answers' if several annotators answered."
            )
        answer = _text(row["answer"], f"{where}: 'answer'", choices)
    if (program := row.get("program")) is not None and not isinstance(program, str):
        raise InputError(f"{where}: 'program' must be a text, but got {type(program).__name__}.")
    has_box = task == "grounding" and row["box_xyxy"] is not None
    box_xyxy = read_box(row["box_xyxy"], where) if has_box else None
    try:
        return Sample(
            id=str(row["id"]),
            task=task,
            image=path.parent / str(row["image"]),
            query=str(row["query"]),
            answer=answer,
            box_xyxy=box_xyxy,
            program=program,
            answers=answers,
            choices=choices,
            tags=tags,
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _row(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = parse_json(line, max_bytes=_MAX_LINE_BYTES, max_values=_MAX_LINE_VALUES)
    except json.JSONDecodeError as error:
        raise InputError(f"{where} is not JSON: {error.msg} at column {error.colno}.") from error
    except ValueError as error:
        raise InputError(f"{where} is not JSON: {error}.") from error
    if not isinstance(row, dict):
        raise InputError(f"{where} must be a JSON object, but got {type(row).__name__}.")
    return row


def _texts(
    row: dict[str, Any], name: str, where: str, choices: tuple[str, ...] = ()
) -> tuple[str, ...]:
    value = row.get(name)
    if value is not None and not isinstance(value, list):
        raise InputError(f"{where}: {name!r} must be a list, but got {type(value).__name__}.")
    return tuple(_text(item, f"{where}: an entry of {name!r}", choices) for item in value or ())


def _text(value: Any, what: str, choices: tuple[str, ...]) -> str:
    """Return a text, number or boolean as the text in which a program would answer it."""
    match value:
        case bool():
            spelled = {choice.casefold(): choice for choice in choices}
            word, literal = ("yes", "true") if value else ("no", "false")
            return spelled.get(word) or spelled.get(literal) or word
        case float() if value.is_integer() and abs(value) < _EXACT:
            return str(int(value))
        case str() | int() | float():
            return str(value)
    raise InputError(f"{what} must be a text, number or boolean, but got {type(value).__name__}.")


JSONL = BenchmarkTask(
    name="jsonl",
    version=1,
    summary="Your own data: a file with one question or expression per line.",
    layout='mine.jsonl                {"id", "image", "query", "answer" or "box_xyxy"}, one per line\n'
    "images/1.jpg              paths are relative to the file",
    origin="you",
    read=lambda data, _split: JsonlSamples(data),
    subsets=STANDARD_SUBSETS,
)
