"""Hashes of files, remembered for large ones: gigabytes of weights are hashed once, not at every start.

A hash counts as long as path, size, time of change and inode of the file are the same; whoever can change a
file without changing these can change this cache as well. It holds nothing else, and is rebuilt if damaged.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from viper.errors import InputError, WriteError
from viper.storage.bounded_json import read_json
from viper.storage.files import write_file
from viper.storage.user_cache import user_cache_folder

__all__ = ["hash_file"]

# Smaller files are hashed in less than the time that people notice.
_SMALLEST_BYTES = 32_000_000
_MOST_FILES = 1000
_NAME = "hashes.json"


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file as hex."""
    facts = path.stat()
    if facts.st_size < _SMALLEST_BYTES:
        return _digest(path)
    key = f"{path.resolve()}|{facts.st_size}|{facts.st_mtime_ns}|{facts.st_ino}"
    remembered = _read()
    if key not in remembered:
        digest = _digest(path)
        # Read again: hashing takes seconds, in which another process may have added some.
        _write({**_read(), key: digest})
        return digest
    return remembered[key]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read() -> dict[str, str]:
    folder = user_cache_folder()
    if folder is None:
        return {}
    try:
        read = read_json(folder / _NAME, what="cache")
    except (InputError, ValueError):
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
        write_file(folder / _NAME, json.dumps(newest), durable=False, private=True)
