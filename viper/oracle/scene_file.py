"""Opens a file of scenes: CLEVR scenes or GQA scene graphs.

A file is read once for all four roles: the last ones stay in memory.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import threading
from pathlib import Path

from viper.errors import ConfigError, InputError
from viper.oracle import clevr, gqa
from viper.oracle.json_value import JsonValue
from viper.oracle.scene import SceneFile
from viper.storage.files import quote_path, read_regular_file

__all__ = ["open_scenes"]

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
        value = JsonValue(json.loads(content), Path(path).name)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"{quote_path(path)} is no JSON file ({reason}). Give CLEVR scenes or GQA scene graphs."
        ) from error
    if clevr.fits(value):
        scenes, language = clevr.read(value)
    elif gqa.fits(value):
        scenes, language = gqa.read(value)
    else:
        raise ConfigError(
            f"{quote_path(path)} holds neither CLEVR scenes, an object with a list 'scenes', nor GQA scene "
            "graphs, an object of image ids with 'objects' each."
        )
    return SceneFile(
        path=Path(path),
        fingerprint=hashlib.sha256(content).hexdigest()[:16],
        scenes=scenes,
        language=language,
        has_depth=clevr.fits(value),
    )
