"""Opens a scene file, CLEVR scenes or GQA scene graphs, once for all four roles of the oracle."""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from viper.errors import ConfigError, InputError
from viper.models.options import BackendOptions
from viper.models.roles import Backend
from viper.oracle import clevr, gqa
from viper.oracle.json_value import JsonValue
from viper.oracle.scene import SceneFile
from viper.storage.bounded_json import parse_json
from viper.storage.files import quote_path, read_regular_file

__all__ = ["Oracle", "open_scenes"]

# More than the scene graphs of GQA's training images, the largest file of either kind.
_MAX_BYTES = 1 << 30
_MAX_VALUES = 100_000_000

_reading = threading.Lock()


class Oracle(Backend):
    """Base of the oracle's roles.

    Args:
        file: The annotated scenes.
    """

    knows_images_by_name = True
    role: ClassVar[str]
    """For messages."""

    def __init__(self, file: SceneFile) -> None:
        self._file = file
        self.fingerprint = f"truth:{file.fingerprint}"

    @classmethod
    def load(cls, reference: str, options: Mapping[str, str]) -> Self:
        """Load the scene file in `truth:FILE`, which has no options.

        Raises:
            ConfigError: As in `open_scenes`, or there is an option.
        """
        BackendOptions.read(options, f"the truth {cls.role}")
        return cls(open_scenes(reference))


def open_scenes(path: str) -> SceneFile:
    """Read a scene file, or return it from memory if it has not changed.

    Raises:
        ConfigError: The file cannot be read, is of neither format, or holds a malformed value; the
            message names it.
    """
    try:
        status = os.stat(path)  # noqa: PTH116  # a null byte in a Path is another error on each version
    except (OSError, ValueError):
        version: tuple[int, ...] = ()  # reading it reports the error
    else:
        version = (status.st_ino, status.st_mtime_ns, status.st_size)
    with _reading:  # the roles are loaded at the same time
        return _read(path, version)


@functools.lru_cache(maxsize=2)
def _read(path: str, version: tuple[int, ...]) -> SceneFile:
    if not path:
        raise ConfigError(
            "The oracle needs a scene file: truth:FILE, such as truth:scenes/CLEVR_val_scenes.json."
        )
    try:
        content = read_regular_file(path, max_bytes=_MAX_BYTES, what="scene file")
    except InputError as error:
        raise ConfigError(f"The oracle has no scenes. {error}") from error
    try:
        parsed = parse_json(content, max_bytes=_MAX_BYTES, max_values=_MAX_VALUES)
        value = JsonValue(parsed, Path(path).name)
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"{quote_path(path)} is not a JSON file ({reason}). Give CLEVR scenes or GQA scene graphs."
        ) from error
    layout = next((layout for layout in (clevr, gqa) if layout.fits(value)), None)
    if layout is None:
        raise ConfigError(
            f"{quote_path(path)} holds neither CLEVR scenes, an object with a list 'scenes', nor GQA scene "
            "graphs, an object of image ids with 'objects' each."
        )
    fingerprint = hashlib.sha256(content).hexdigest()[:16]
    scenes, parser = layout.read(value)
    return SceneFile(Path(path), fingerprint, scenes, parser, has_depth=layout is clevr)
