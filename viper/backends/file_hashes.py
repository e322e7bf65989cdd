"""Hashes of files, remembered for large ones: gigabytes of weights are hashed once, not at every start.

A hash counts as long as path, size, times, inode and device of the file are the same. One of the times is
that of the last change of the file's status (`st_ctime`), which programs and archives cannot set. Whoever can
change a file without changing these can change this cache as well. It holds nothing else, and is rebuilt if
damaged.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

from viper.errors import ConfigError, InputError, WriteError
from viper.storage.bounded_json import parse_json
from viper.storage.files import write_file
from viper.storage.own_file import read_own_file, why_not_ours
from viper.storage.user_cache import user_cache_folder

__all__ = ["hash_file", "state_of", "unchanged"]

_log = logging.getLogger(__name__)

# Smaller files are hashed in less than the time that people notice.
_SMALLEST_BYTES = 32_000_000
_MOST_FILES = 1000
_MOST_BYTES = 1_000_000
_NAME = "hashes.json"


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file as hex."""
    if path.stat().st_size < _SMALLEST_BYTES:
        return _digest(path)
    state = state_of(path)
    key = f"{path.resolve()}|{'|'.join(map(str, state))}"
    remembered = _read()
    if key not in remembered:
        digest = _digest(path)
        if state_of(path) == state:
            # Read again: hashing takes seconds, in which another process may have added some.
            _write({**_read(), key: digest})
        return digest
    return remembered[key]


def state_of(path: Path) -> tuple[int, ...]:
    """Return what differs after a file has been written or replaced."""
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_dev


@contextlib.contextmanager
def unchanged(*paths: Path) -> Iterator[None]:
    """Load and hash files in this block, so that the hash is that of what was loaded.

    Raises:
        ConfigError: A file was written or replaced meanwhile; the files must not be used.
    """
    before = [state_of(path) for path in paths]
    yield
    for path, state in zip(paths, before, strict=True):
        try:
            is_same = state_of(path) == state
        except OSError:
            is_same = False
        if not is_same:
            raise ConfigError(f"'{path}' was changed while it was loaded. Load it again.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read() -> dict[str, str]:
    folder = user_cache_folder()
    if folder is None:
        return {}
    try:
        read = parse_json(read_own_file(folder / _NAME, max_bytes=_MOST_BYTES))
    except (InputError, OSError, ValueError) as error:
        if isinstance(error, InputError):
            _log.warning("%s", error)
        return {}
    if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
        return {}
    return read


def _write(hashes: dict[str, str]) -> None:
    """Replace the file; without a folder that can be written, nothing is remembered."""
    newest = dict([*hashes.items()][-_MOST_FILES:])
    folder = user_cache_folder()
    if folder is None:
        return
    with contextlib.suppress(OSError, WriteError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            if why_not_ours((folder / _NAME).lstat()):
                (folder / _NAME).unlink()  # a link would be followed
        write_file(folder / _NAME, json.dumps(newest), durable=False, private=True, below=folder)
