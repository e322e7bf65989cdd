"""The file of captions and questions that a map is trained on, one JSON object a line.

    {"image": "kitchen.jpg", "caption": "a red mug on a table"}
    {"image": "kitchen.jpg", "box_xyxy": [10, 20, 60, 80], "question": "What colour is it?",
     "answer": "red", "options": ["red", "blue"], "split": "test"}

`image` is relative to the file; `box_xyxy` is in pixels of the image, and its default is the whole image.
Rows with the split "test" are used for evaluation, not for training; there, a matcher chooses among
`options`, by default all answers that the file gives to the same question.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from viper.backends.model_source import reason_of
from viper.errors import InputError
from viper.images.boxes import Box, area, clamp, read_box
from viper.images.image import View
from viper.storage.bounded_json import bounded_lines, parse_json
from viper.storage.files import open_regular_file

__all__ = ["Example", "read_examples", "views_of"]

# A caption and its options have a few hundred characters.
_MAX_LINE_BYTES = 1_000_000
_KEYS = ("image", "box_xyxy", "caption", "question", "answer", "options", "split")


@dataclass(frozen=True, slots=True)
class Example:
    """A view with its caption, or with a question and its answer."""

    image: Path
    box_xyxy: Box | None
    """In pixels of the image; None for the whole."""
    question: str | None
    """None where the text is a caption."""
    text: str
    """The caption or the answer."""
    options: tuple[str, ...] = ()
    """What a matcher may choose among; empty for all answers to the same question."""
    split: Literal["train", "test"] = "train"


def read_examples(path: Path) -> list[Example]:
    """Read a file of captions and questions.

    Raises:
        InputError: The file is missing or empty, or a row is malformed; the message names the line.
    """
    if not path.is_file():
        raise InputError(
            f"There is no file {str(path)!r}. --captions must name a .jsonl file with one object a line: "
            '{"image", "caption"} or {"image", "question", "answer"}.'
        )
    examples: list[Example] = []
    number = 0
    with open_regular_file(str(path), what=".jsonl") as stream:
        try:
            for number, line in enumerate(bounded_lines(stream, max_bytes=_MAX_LINE_BYTES), 1):
                if line.strip():
                    examples.append(_example(line, path.parent, f"{path.name}:{number}"))
        except ValueError as error:
            raise InputError(f"{path.name}:{number + 1} is not a row: {error}.") from error
    if not any(example.split == "train" for example in examples):
        raise InputError(f"{str(path)!r} holds no rows to train on.")
    return examples


def views_of(examples: Sequence[Example]) -> Iterator[View]:
    """Yield the view of each example, in order; an image is opened once if its rows are adjacent.

    Raises:
        InputError: An image cannot be read, or a box lies outside of it.
    """
    from viper.images.decoding import open_image

    for path, rows in itertools.groupby(examples, key=lambda example: example.image):
        image = open_image(path)
        width, height = image.size
        for example in rows:
            box = example.box_xyxy or (0.0, 0.0, float(width), float(height))
            inside = clamp(box, width, height)
            if area(inside) <= 0:
                raise InputError(
                    f"box_xyxy {list(box)} lies outside of {str(path)!r}, which is {width}×{height}."
                )
            yield View(image, inside)


def _example(line: bytes, folder: Path, where: str) -> Example:
    try:
        row: Any = parse_json(line, max_bytes=_MAX_LINE_BYTES)
    except ValueError as error:
        raise InputError(f"{where} is not JSON: {reason_of(error)}") from error
    if not isinstance(row, dict):
        raise InputError(f"{where} must be a JSON object, but got {type(row).__name__}.")
    if strange := [key for key in row if key not in _KEYS]:
        raise InputError(f"{where} has an unknown key {strange[0]!r}. Known: {', '.join(_KEYS)}.")
    is_caption = "caption" in row
    if is_caption == ("question" in row and "answer" in row):
        raise InputError(f"{where} must have a 'caption', or a 'question' and an 'answer'.")
    split = row.get("split", "train")
    if split not in ("train", "test"):
        raise InputError(f"{where}: split must be 'train' or 'test', but got {split!r}.")
    options = row.get("options", [])
    if not isinstance(options, list) or not all(isinstance(o, str) and o.strip() for o in options):
        raise InputError(f"{where}: options must be a list of texts, but got {options!r}.")
    return Example(
        folder / _text(row, "image", where),
        None if row.get("box_xyxy") is None else read_box(row["box_xyxy"], where),
        None if is_caption else _text(row, "question", where),
        _text(row, "caption" if is_caption else "answer", where),
        tuple(options),
        split,
    )


def _text(row: dict[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}: {key} must be a text, but got {value!r}.")
    return " ".join(value.split()) if key != "image" else value
