"""A private copy of a model folder, which is checked and then loaded, so that both see the same bytes.

    with staged(folder) as copy:
        check_transformers(copy, displayed=folder)
        loader.from_pretrained(copy)
        version = hash_staged(copy)

Configurations and tokenizers are copied, up to a size, and only from regular files; weights are linked,
because they are large and only data. Nothing else is there for a loader to find: no Python files, no folders.
A file may be a link only to a file of the same model: inside of the folder, or, as in the cache of the hub,
of its repository.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from viper.backends.file_hashes import hash_file, unchanged
from viper.errors import ConfigError, InputError
from viper.storage.files import read_regular_file
from viper.weights.cache import COMMIT

__all__ = ["files_of", "hash_staged", "link", "staged"]

_COPIED = frozenset({".json", ".txt", ".model", ".jinja", ".bpe"})
_LINKED = frozenset({".safetensors", ".bin"})
_FOLDERS = ("additional_chat_templates",)
# The largest tokenizer has 34 MB.
_MOST_FILE_BYTES = 100_000_000
_MOST_BYTES = 300_000_000
_MOST_FILES = 2_000


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yield a copy of a model folder that exists during this block.

    Raises:
        ConfigError: A file is no regular one, lies outside of the model, or is too large; two names differ in
            capitals only; there are too many; or weights were changed during this block.
    """
    copy = Path(tempfile.mkdtemp(prefix="viper-model-"))
    try:
        linked: list[Path] = []
        _stage(folder, copy, [_MOST_BYTES], linked)
        with unchanged(*linked):
            yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def hash_staged(copy: Path) -> str:
    """Return a hash of all files of a copy, which are all that a loader can have read."""
    digest = hashlib.sha256()
    for path in sorted(copy.rglob("*")):
        if path.is_file():
            name = path.relative_to(copy).as_posix()
            digest.update(os.fsencode(name) + f"\0{hash_file(path)}\n".encode())
    return digest.hexdigest()


def files_of(copy: Path) -> list[Path]:
    """Return a copy and the files to which its links lead: all that a loader of it may read."""
    return [copy, *(path.resolve() for path in copy.rglob("*") if path.is_symlink())]


def link(real: Path, place: Path) -> None:
    """Make a file appear at another place: as a link where the system allows that, else as a copy."""
    try:
        place.symlink_to(real)
    except OSError:  # Windows without the privilege to create links
        try:
            os.link(real, place)
        except OSError:
            shutil.copyfile(real, place)


def _stage(folder: Path, copy: Path, left_bytes: list[int], linked: list[Path]) -> None:
    names: set[str] = set()
    root = _root(folder)
    try:
        listed = sorted(folder.iterdir())
    except OSError as error:
        raise _refusal(folder, f"it is no folder that can be read ({error.strerror})") from error
    for path in listed:
        if path.suffix not in _COPIED | _LINKED and path.name not in _FOLDERS:
            continue
        if path.name.casefold() in names:
            raise _refusal(path, "there is another file whose name differs only in capitals")
        names.add(path.name.casefold())
        if len(names) > _MOST_FILES:
            raise _refusal(folder, f"it holds more than {_MOST_FILES:,} files")
        real = path.resolve()
        if path.is_symlink() and not real.is_relative_to(root):
            raise _refusal(path, "it is a link to a file outside of the model; copy that file")
        if path.name in _FOLDERS:
            if real.is_dir():
                (copy / path.name).mkdir()
                _stage(real, copy / path.name, left_bytes, linked)
        elif path.suffix in _LINKED:
            _check_regular(path, real)
            link(real, copy / path.name)
            linked.append(copy / path.name)
        elif not real.is_dir():
            content = _read(path, real)
            left_bytes[0] -= len(content)
            if left_bytes[0] < 0:
                raise _refusal(
                    folder, f"its configuration has more than {_MOST_BYTES / 1e6:.0f} MB"
                )
            (copy / path.name).write_bytes(content)


def _root(folder: Path) -> Path:
    """Return the folder that links may lead to; in the hub's cache that of the repository."""
    real = folder.resolve()
    in_cache = COMMIT.fullmatch(real.name) and real.parent.name == "snapshots"
    if in_cache and real.parents[1].name.startswith("models--"):
        return real.parents[1]
    return real


def _read(path: Path, real: Path) -> bytes:
    try:
        return read_regular_file(str(real), max_bytes=_MOST_FILE_BYTES, what="configuration")
    except InputError as error:
        raise _refusal(path, str(error).rstrip(".")) from error


def _check_regular(path: Path, real: Path) -> None:
    try:
        if not stat.S_ISREG(real.stat().st_mode):
            raise _refusal(path, "it is no regular file")
    except OSError as error:
        raise _refusal(path, f"it cannot be read ({error.strerror})") from error


def _refusal(path: Path, reason: str) -> ConfigError:
    return ConfigError(f"'{path}' cannot be loaded: {reason}.")
