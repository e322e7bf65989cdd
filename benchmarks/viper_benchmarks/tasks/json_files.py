"""Reads the official JSON files: every error says which path, what it should hold, where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viper.errors import InputError

__all__ = ["Expected", "Row", "first_existing", "inside"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file should be, for errors."""

    holds: str
    """As in "an object with a list 'questions'"."""
    origin: str
    """Where it comes from, as in "questions.zip of cs.stanford.edu/people/dorarad/gqa"."""

    def missing(self, path: Path, hint: str = "") -> InputError:
        """Return the error of a file that is not there."""
        return InputError(f"There is no file {str(path)!r}. {hint}{self}".strip())

    def wrong(self, path: Path, reason: str) -> InputError:
        """Return the error of a file that is not as it should be."""
        return InputError(f"{str(path)!r} {reason}. {self}")

    def json(self, path: Path, hint: str = "") -> Any:
        """Return the content of a JSON file, which may be anything.

        Raises:
            InputError: The file is missing or no JSON.
        """
        if not path.is_file():
            raise self.missing(path, hint)
        try:
            return json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise self.wrong(
                path, f"is no JSON file ({' '.join(str(error).split())[:160]})"
            ) from error

    def listed(self, path: Path, key: str, hint: str = "") -> list[Any]:
        """Return a list, not empty, that an object in a JSON file holds under a key.

        Raises:
            InputError: There is no such list.
        """
        content = self.json(path, hint)
        rows = content.get(key) if isinstance(content, dict) else None
        if not isinstance(rows, list) or not rows:
            raise self.wrong(path, f"holds no {key}")
        return rows

    def __str__(self) -> str:
        return f"It should hold {self.holds}. It comes from {self.origin}."


class Row:
    """One object of a file, and the way to it for errors.

    Args:
        value: As `json` gave it.
        where: Such as "CLEVR_val_questions.json: question 3".

    Raises:
        InputError: It is no object.
    """

    __slots__ = ("_where", "raw")

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise InputError(f"{where} must be an object, but got {type(value).__name__}.")
        self.raw: dict[str, Any] = value
        self._where = where

    def text(self, name: str) -> str:
        """Return a text that is not blank.

        Raises:
            InputError: There is none.
        """
        value = self.raw.get(name)
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"{self._where} has no {name!r}.")
        return value

    def number(self, name: str) -> int:
        """Return a whole number, such as an id.

        Raises:
            InputError: There is none.
        """
        value = self.raw.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise InputError(f"{self._where} has no whole number {name!r}.")
        return value

    def items(self, name: str) -> list[Any]:
        """Return a list, not empty, of anything.

        Raises:
            InputError: There is none.
        """
        value = self.raw.get(name)
        if not isinstance(value, list) or not value:
            raise InputError(f"{self._where} has no list {name!r}.")
        return value

    def wrong(self, reason: str) -> InputError:
        """Return an error about the row."""
        return InputError(f"{self._where} {reason}")


def first_existing(candidates: Iterable[Path]) -> Path:
    """Return the first path that exists, else the first of all, which errors then name."""
    paths = list(candidates)
    return next((path for path in paths if path.exists()), paths[0])


def inside(folder: Path, name: str) -> Path:
    """Return a file in a folder; of a name with folders the last part, so that none is left."""
    return folder / Path(name).name
