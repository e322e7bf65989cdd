"""What of a model lies in the hub's cache; read from the disk alone, without a network.

    found = find_on_disk("google/owlv2-base-patch16-ensemble", "cfd3195b…", role="detector")
    found.state     # "complete", "partial" or "absent"
    found.folder    # …/snapshots/cfd3195b…, to load from

The cache is that of huggingface_hub (`HF_HOME`, `HF_HUB_CACHE`), shared with every other program:

    models--OWNER--NAME/refs/main              the commit that a branch stood for
    models--OWNER--NAME/snapshots/COMMIT/…     the files of a commit, links to
    models--OWNER--NAME/blobs/DIGEST           contents by their checksum; DIGEST.incomplete is a part
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from viper.models.roles import Role
from viper.weights.files import Library, absent_parts

__all__ = ["COMMIT", "OnDisk", "State", "cache_folder", "find_on_disk", "repository_folder"]

State = Literal["complete", "partial", "absent"]

COMMIT = re.compile(r"[0-9a-f]{40}")
"""What the hub's commits look like."""

PART = ".incomplete"
"""Ending of a content that has not all arrived; the hub's own tools know it, too."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """What is on disk of one revision of a repository."""

    state: State
    folder: Path | None = None
    """The folder of the revision, None where there is none."""
    missing: tuple[str, ...] = ()
    """What the folder lacks: configuration, weights, processor, tokenizer."""
    partial_bytes: int = 0
    """Bytes of contents that have only come in part, of any revision."""

    @property
    def commit(self) -> str | None:
        """The commit that lies there."""
        return None if self.folder is None else self.folder.name


def cache_folder() -> Path:
    """Return the folder of the hub's cache; it need not exist."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def repository_folder(repository: str, cache: Path | None = None) -> Path:
    """Return where a repository's files lie or would lie."""
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
        revision: Branch, tag or commit; None is `main`, or the only one there when main is unknown.
        role: What the model is for: decides which parts must be there.
        library: Whose format of files is needed.
        cache: The cache, None for the hub's.
    """
    root = repository_folder(repository, cache)
    kept = _kept_bytes(root)
    folder = _snapshot(root, revision or "main")
    if folder is None and revision is None:
        folder = _only_snapshot(root)
    if folder is None:
        state: State = "partial" if kept else "absent"
        return OnDisk(state, partial_bytes=kept)
    missing = absent_parts(folder, role, library)
    return OnDisk("partial" if missing else "complete", folder, missing, kept)


def _snapshot(root: Path, revision: str) -> Path | None:
    if not COMMIT.fullmatch(revision):
        try:
            revision = (root / "refs" / revision).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):  # ValueError: no text, or a name that no file can have
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


def _kept_bytes(root: Path) -> int:
    try:
        return sum(path.stat().st_size for path in (root / "blobs").glob(f"*{PART}"))
    except OSError:  # a part that was finished or removed meanwhile
        return 0
