"""Reads official JSON files: every error names the path, the expected content and the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viper.errors import InputError
from viper.storage.bounded_json import parse_json
from viper.storage.files import read_regular_file

__all__ = ["Expected", "Row", "first_existing", "image_path"]

# The largest official file, all questions of GQA's validation split, has 1.1 GB and 80 million values.
_MAX_BYTES = 1 << 31
_MAX_VALUES = 100_000_000
# A value of an official file has eight bytes and more, numbers of outlines the fewest. Empty lists have two,
# and take 80 in memory: only a small file may consist of such.
_FEWEST_BYTES_OF_VALUE = 6
_VALUES_OF_ANY_FILE = 1_000_000
_LONGEST_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected content of a file, for errors."""

    content: str
    """As in "an object with a list 'questions'"."""
    origin: str
    """Source, as in "questions.zip of cs.stanford.edu/people/dorarad/gqa"."""

    def missing(self, path: Path, hint: str = "") -> InputError:
        """Return the error for a missing file."""
        return InputError(f"There is no file {str(path)!r}. {hint}{self}".strip())

    def wrong(self, path: Path, reason: str) -> InputError:
        """Return the error for a file with other content."""
        return InputError(f"{str(path)!r} {reason}. {self}")

    def json(self, path: Path, hint: str = "") -> dict[str, Any]:
        """Return the object in a JSON file.

        Raises:
            InputError: The file is missing, is not JSON, or contains no object or an empty one.
        """
        if not path.is_file():
            raise self.missing(path, hint)
        try:
            content = read_regular_file(str(path), max_bytes=_MAX_BYTES, what="JSON")
            values = max(_VALUES_OF_ANY_FILE, len(content) // _FEWEST_BYTES_OF_VALUE)
            value = parse_json(content, max_bytes=_MAX_BYTES, max_values=min(_MAX_VALUES, values))
        except ValueError as error:
            reason = " ".join(str(error).split())[:160]
            raise self.wrong(path, f"is not a JSON file ({reason})") from error
        if not isinstance(value, dict) or not value:
            raise self.wrong(path, "contains no JSON object, or an empty one")
        return value

    def rows(self, path: Path, content: Any, key: str) -> Iterator[Row]:
        """Yield the objects in a list of a file.

        Args:
            path: The file, for errors.
            content: Content of the file: an object with the list.
            key: Key of the list, in the plural, such as "questions".

        Raises:
            InputError: There is no such list, it is empty, or an entry is not an object.
        """
        values = content.get(key)
        if not isinstance(values, list) or not values:
            raise self.wrong(path, f"contains no {key}")
        for position, value in enumerate(values):
            yield Row(value, f"{path.name}: {key[:-1]} {position}")

    def __str__(self) -> str:
        return f"It should contain {self.content}. It comes from {self.origin}."


class Row:
    """One object in a file, and its position for errors.

    Args:
        value: From `json`.
        where: Such as "CLEVR_val_questions.json: question 3".

    Raises:
        InputError: It is not an object.
    """

    __slots__ = ("_where", "raw")

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise InputError(f"{where} must be an object, but got {type(value).__name__}.")
        self.raw: dict[str, Any] = value
        self._where = where

    def text(self, name: str, *, longest: int = _LONGEST_TEXT) -> str:
        """Return a text that is not blank.

        Raises:
            InputError: There is none, or it has more than `longest` characters.
        """
        value = self.optional_text(name)
        if value is not None and len(value) > longest:
            raise self.wrong(
                f"has a {name!r} of {len(value):,} characters; {longest:,} at most are accepted."
            )
        if value is None or not value.strip():
            raise self.wrong(f"has no {name!r}.")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a text; None if there is none."""
        value = self.raw.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> int:
        """Return a whole number, such as an id.

        Raises:
            InputError: There is none.
        """
        value = self.raw.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(f"has no whole number {name!r}.")
        return value

    def items(self, name: str) -> list[Any]:
        """Return a list that is not empty.

        Raises:
            InputError: There is none.
        """
        value = self.raw.get(name)
        if not isinstance(value, list) or not value:
            raise self.wrong(f"has no list {name!r}.")
        return value

    def wrong(self, reason: str) -> InputError:
        """Return an error about the row."""
        return InputError(f"{self._where} {reason}")


def first_existing(candidates: Iterable[Path]) -> Path:
    """Return the first path that exists, else the first of all, which errors then name."""
    paths = list(candidates)
    return next((path for path in paths if path.exists()), paths[0])


def image_path(folder: Path, name: str) -> Path:
    """Return the path of an image in a folder; only the last part of the name is used."""
    return folder / Path(name).name
