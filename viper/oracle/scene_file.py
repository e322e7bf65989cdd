"""Reads a file of scenes, and says of every malformed value where it stands.

A file is read once for all four roles: the last ones stay in memory.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from viper.errors import ConfigError, InputError
from viper.oracle.scene import SceneFile
from viper.storage.files import read_regular_file, shown

__all__ = ["Value", "open_scenes"]

_MAX_BYTES = 1 << 30
# Above the scene graphs of GQA's training images, the largest file of either kind.

_reading = threading.Lock()


def open_scenes(path: str) -> SceneFile:
    """Read a file of scenes, or return it from memory if it has not changed.

    Raises:
        ConfigError: The file cannot be read, is of neither format, or holds a malformed value; the
            message names it.
    """
    try:
        status = os.stat(path)  # noqa: PTH116  # a null byte in a Path is another error on each version
    except (OSError, ValueError):
        version: tuple[int, ...] = ()  # reading it says what is wrong
    else:
        version = (status.st_ino, status.st_mtime_ns, status.st_size)
    with _reading:  # four roles ask at the same time; one of them reads
        return _read(path, version)


@functools.lru_cache(maxsize=2)
def _read(path: str, version: tuple[int, ...]) -> SceneFile:
    from viper.oracle import clevr, gqa

    if not path:
        raise ConfigError(
            "True perception needs a file of scenes: truth:FILE, such as "
            "truth:scenes/CLEVR_val_scenes.json."
        )
    try:
        content = read_regular_file(path, max_bytes=_MAX_BYTES, what="file of scenes")
    except InputError as error:
        raise ConfigError(f"True perception has no scenes. {error}") from error
    try:
        value = Value(json.loads(content), Path(path).name)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"{shown(path)} is no JSON file ({reason}). Give CLEVR scenes or GQA scene graphs."
        ) from error
    if clevr.fits(value):
        scenes, language = clevr.read(value)
    elif gqa.fits(value):
        scenes, language = gqa.read(value)
    else:
        raise ConfigError(
            f"{shown(path)} holds neither CLEVR scenes, an object with a list 'scenes', nor GQA scene "
            "graphs, an object of image ids with 'objects' each."
        )
    return SceneFile(
        path=Path(path),
        fingerprint=hashlib.sha256(content).hexdigest()[:16],
        scenes=scenes,
        language=language,
        has_depth=clevr.fits(value),
    )


class Value:
    """A JSON value and the way to it, so that an error can say where it stands.

    Args:
        value: As `json` gave it.
        name: What it is called: a field's name, "object 3", or a file's name.
        parent: What it is part of.
    """

    __slots__ = ("_name", "_parent", "raw")

    def __init__(self, value: Any, name: str, parent: Value | None = None) -> None:
        self.raw = value  # whatever the file holds
        self._name = name
        self._parent = parent

    @property
    def where(self) -> str:
        """The way to it, as in "scenes.json: scene 3, object 0, color"."""
        if self._parent is None:
            return self._name
        separator = ":" if self._parent._parent is None else ","
        return f"{self._parent.where}{separator} {self._name}"

    def __contains__(self, name: str) -> bool:
        return isinstance(self.raw, dict) and self.raw.get(name) is not None

    def __getitem__(self, name: str) -> Value:
        """Return a field of an object."""
        if not isinstance(self.raw, dict):
            raise self.wrong("an object")
        if name not in self.raw:
            raise ConfigError(f"{self.where} has no {name!r}.")
        return Value(self.raw[name], name, self)

    def fields(self, each: str) -> Iterator[tuple[str, Value]]:
        """Yield the fields of an object; `each` is what to call one, such as "image"."""
        if not isinstance(self.raw, dict):
            raise self.wrong("an object")
        for name, value in self.raw.items():
            yield name, Value(value, f"{each} {name!r}", self._holder(each))

    def items(self, each: str) -> Iterator[Value]:
        """Yield the elements of a list; `each` is what to call one, such as "object"."""
        if not isinstance(self.raw, list):
            raise self.wrong("a list")
        for index, value in enumerate(self.raw):
            yield Value(value, f"{each} {index}", self._holder(each))

    def _holder(self, each: str) -> Value | None:
        """Return what names the elements' place: "object 3" needs no "objects" before it."""
        return self._parent if self._name == f"{each}s" else self

    def text(self) -> str:
        """Return a text that is not empty."""
        if not isinstance(self.raw, str) or not self.raw.strip():
            raise self.wrong("a text")
        return self.raw.strip()

    def number(self, *, above: float = -math.inf) -> float:
        """Return a finite number."""
        numeric = isinstance(self.raw, (int, float)) and not isinstance(self.raw, bool)
        # Comparing does not overflow, as converting a whole number of 400 digits would.
        if not numeric or not -_LARGEST < self.raw < _LARGEST or not self.raw > above:
            raise self.wrong("a number" + (f" above {above:g}" if above > -math.inf else ""))
        return float(self.raw)

    def pixels(self) -> int:
        """Return a whole number above 0, such as a width in pixels."""
        if isinstance(self.raw, bool) or not isinstance(self.raw, int) or self.raw < 1:
            raise self.wrong("a whole number above 0")
        return self.raw

    def numbers(self, count: int) -> tuple[float, ...]:
        """Return a list of so many finite numbers."""
        if not isinstance(self.raw, list) or len(self.raw) != count:
            raise self.wrong(f"a list of {count} numbers")
        if any(type(item) not in (int, float) for item in self.raw):
            raise self.wrong(f"a list of {count} numbers")
        return tuple(item.number() for item in self.items("number"))

    def wrong(self, expected: str) -> ConfigError:
        """Return the error of a value that is not as it must be."""
        text = repr(self.raw)
        got = text if len(text) <= 60 else f"{text[:57]}…"
        return ConfigError(f"{self.where} must be {expected}, but got {got}.")


_LARGEST = 1e12
# No scene has a coordinate beyond; keeps products of coordinates finite.
