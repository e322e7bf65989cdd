"""Find models in the local cache of the hub, without any network access.

    found = find_on_disk("google/owlv2-base-patch16-ensemble", "cfd3195b…", role="detector")
    found.state     # "complete", "partial" or "absent"
    found.folder    # …/snapshots/cfd3195b…, to load from

The cache is that of huggingface_hub (`HF_HOME`, `HF_HUB_CACHE`), shared with other programs:

    models--OWNER--NAME/refs/main              commit of a branch
    models--OWNER--NAME/snapshots/COMMIT/…     files of a commit, as links to blobs
    models--OWNER--NAME/blobs/DIGEST           contents by checksum; DIGEST.incomplete is a partial download
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from viper.errors import ConfigError, InputError
from viper.models.roles import Role
from viper.storage.files import read_regular_file
from viper.weights.files import Library, missing_parts

__all__ = ["COMMIT", "REVISION", "OnDisk", "State", "cache_folder", "find_on_disk", "has_no_home"]
__all__ += ["hub_constants", "repository_folder"]

State = Literal["complete", "partial", "absent"]

COMMIT = re.compile(r"[0-9a-f]{40}")
"""Format of a commit of the hub."""

REVISION = re.compile(r"(?=.{1,200}\Z)[\w+@#=-][\w.+@#=-]*+(?:/[\w+@#=-][\w.+@#=-]*+)*+", re.ASCII)
"""Format of a branch, tag or commit. It is a path below a folder of the cache: no part may begin with a dot,
and none may be empty, or it would name any file of this machine."""

# A file of `refs` holds a commit.
_MOST_REFERENCE_BYTES = 100

_PLACES = ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME")
"""Variables that name a place for the cache."""

PART = ".incomplete"
"""Suffix of a partial download, shared with the tools of the hub."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """One revision of a repository on disk."""

    state: State
    folder: Path | None = None
    """Folder of the revision, None if there is none."""
    missing: tuple[str, ...] = ()
    """Missing parts of the folder: configuration, weights, processor, tokenizer."""
    partial_bytes: int = 0
    """Size of partial downloads, of any revision."""

    @property
    def commit(self) -> str | None:
        """Commit of the folder."""
        return None if self.folder is None else self.folder.name


def hub_constants() -> Any:
    """Return the module with the places and limits that the hub's client reads from variables.

    Raises:
        ConfigError: One of them cannot be read.
    """
    try:
        from huggingface_hub import constants
    except ValueError as error:
        raise ConfigError(
            f"A variable of the hub's client (HF_HUB_…) cannot be read: {error}. Correct it, or unset it."
        ) from error
    # With it, the client asks the hub which variables of the environment it wants to know about.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    return constants


def cache_folder() -> Path:
    """Return the folder of the hub's cache, which need not exist.

    Raises:
        ConfigError: A variable of the hub's client cannot be read.
    """
    return Path(hub_constants().HF_HUB_CACHE)


def has_no_home(cache: Path) -> bool:
    """Return whether the cache is below the home folder of a user that has none.

    The client leaves `~` in place then, or follows a relative HOME; both name another folder in every
    working directory.
    """
    is_named = any(os.environ.get(name) for name in _PLACES)
    return not cache.is_absolute() and (str(cache).startswith("~") or not is_named)


def repository_folder(repository: str, cache: Path | None = None) -> Path:
    """Return the folder of a repository in the cache, which need not exist."""
    return (cache or cache_folder()) / f"models--{repository.replace('/', '--')}"


def find_on_disk(
    repository: str,
    revision: str | None = None,
    *,
    role: Role | None = None,
    library: Library = "transformers",
    cache: Path | None = None,
) -> OnDisk:
    """Find a revision of a repository on disk.

    Args:
        repository: Such as `OWNER/NAME`.
        revision: Branch, tag or commit; None is `main`, or the only snapshot if main is not cached.
        role: Role of the model, which determines the required parts; None for none.
        library: File format that is required.
        cache: Folder of the cache, None for the hub's.
    """
    root = repository_folder(repository, cache)
    partial_bytes = _partial_bytes(root)
    folder = _snapshot(root, revision or "main")
    if folder is None and revision is None:
        folder = _only_snapshot(root)
    if folder is None:
        return OnDisk("partial" if partial_bytes else "absent", partial_bytes=partial_bytes)
    missing = missing_parts(folder, role, library)
    return OnDisk("partial" if missing else "complete", folder, missing, partial_bytes)


def _snapshot(root: Path, revision: str) -> Path | None:
    if not COMMIT.fullmatch(revision):
        if not REVISION.fullmatch(revision):
            return None
        try:
            place = (root / "refs" / revision).resolve()
            if not place.is_relative_to((root / "refs").resolve()):
                return None
            content = read_regular_file(
                str(place), max_bytes=_MOST_REFERENCE_BYTES, what="reference"
            )
            revision = content.decode("utf-8").strip()
        except (
            InputError,
            OSError,
            RuntimeError,
            ValueError,
        ):  # absent, or nothing that the tools write
            return None
        if not COMMIT.fullmatch(revision):
            return None
    folder = root / "snapshots" / revision
    return folder if folder.is_dir() else None


def _only_snapshot(root: Path) -> Path | None:
    if (root / "refs" / "main").exists():
        return None
    try:
        (folder,) = (path for path in (root / "snapshots").iterdir() if COMMIT.fullmatch(path.name))
    except (OSError, ValueError):  # none, or several
        return None
    return folder


def _partial_bytes(root: Path) -> int:
    try:
        return sum(path.stat().st_size for path in (root / "blobs").glob(f"*{PART}"))
    except OSError:  # a download that was finished or removed meanwhile
        return 0
