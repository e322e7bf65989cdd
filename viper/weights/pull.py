"""Brings a model of the hub onto this machine: plan, room on the disk, contents, and last the names.

    plan = make_plan("google/owlv2-base-patch16-ensemble", "cfd3195b…")
    check_disk_space([plan])
    pulled = execute_pull(plan, on_progress)

The contents come first, each under its checksum. The folder of the commit appears when all of them
are there, so that a loader finds either a whole model or none. Two pulls of one model exclude each other.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from viper.errors import DownloadError
from viper.weights.cache import COMMIT, cache_folder, repository_folder
from viper.weights.fetch import fetch, partial_bytes
from viper.weights.files import Library, needed_files
from viper.weights.hub import HubFile, Listing, list_repository

__all__ = [
    "Progress",
    "PullPlan",
    "Pulled",
    "check_disk_space",
    "execute_pull",
    "plan_pull",
    "pull",
]


class Progress(NamedTuple):
    """How far a pull has come."""

    repository: str
    file: str
    done_bytes: int
    """Of all needed files, those of earlier runs included."""
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is whole on disk."""

    repository: str
    commit: str
    folder: Path
    """To load from."""
    fetched_bytes: int
    """What came over the network this time; 0 when everything was there."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PullPlan:
    """What a pull will fetch."""

    listing: Listing
    files: tuple[HubFile, ...]
    """The needed files, in the order in which they are fetched."""
    cache: Path

    @property
    def root(self) -> Path:
        """Folder of the repository in the cache."""
        return repository_folder(self.listing.repository, self.cache)

    def blob(self, file: HubFile) -> Path:
        """Return the place of a file's content."""
        return self.root / "blobs" / file.digest

    @property
    def size_bytes(self) -> int:
        """Size of all needed files."""
        return sum(file.size_bytes for file in self.files)

    @property
    def to_fetch_bytes(self) -> int:
        """Bytes that are not on disk yet."""
        return sum(
            max(file.size_bytes - partial_bytes(self.blob(file)), 0)
            for file in self.files
            if not _is_there(self.blob(file), file)
        )


def pull(
    repository: str,
    revision: str = "main",
    on_progress: Callable[[Progress], None] = lambda progress: None,
    *,
    library: Library | None = None,
) -> Pulled:
    """Plan and carry out in one call.

    Raises:
        DownloadError: See `plan_pull`, `check_disk_space` and `execute_pull`.
    """
    plan = plan_pull(repository, revision, library)
    check_disk_space([plan])
    return execute_pull(plan, on_progress)


def plan_pull(
    repository: str,
    revision: str = "main",
    library: Library | None = None,
    suggestions: Iterable[str] = (),
) -> PullPlan:
    """Ask the hub what a pull of this revision would fetch.

    Args:
        repository: Such as `OWNER/NAME`.
        revision: Branch, tag or commit.
        library: Whose weights; None is transformers, or open_clip where only those are there.
        suggestions: Repositories that may have been meant where there is none of this name.

    Raises:
        DownloadError: The hub does not give it, or it holds no safetensors.
    """
    listing = list_repository(repository, revision, suggestions)
    by_path = {file.path: file for file in listing.files}
    names = needed_files(by_path, library)
    if not names:
        kind = "" if library is None else f"of {library} "
        raise DownloadError(
            f"'{repository}' has no weights {kind}as safetensors, and pickles are not fetched: they can run "
            "code. Give another model, or fetch it yourself and give the folder."
        )
    return PullPlan(listing, tuple(by_path[name] for name in names), cache_folder())


def check_disk_space(plans: Iterable[PullPlan]) -> None:
    """Refuse plans that together do not fit on the disk, before anything is fetched.

    Raises:
        DownloadError: There is too little room; the message says how much is needed.
    """
    plans = list(plans)
    needed = sum({plan.root: plan.to_fetch_bytes for plan in plans}.values())
    for plan in plans:
        there = plan.cache
        while not there.exists() and there != there.parent:
            there = there.parent
        free = shutil.disk_usage(there).free
        if needed > free:
            raise DownloadError(
                f"The disk of {str(plan.cache)!r} has {free / 1e6:,.0f} MB free, but "
                f"{needed / 1e6:,.0f} MB are needed. Make room, or set HF_HOME to a folder on another "
                "disk."
            )


def execute_pull(plan: PullPlan, on_progress: Callable[[Progress], None]) -> Pulled:
    """Fetch what is missing and give it its names.

    Raises:
        DownloadError: The hub or the disk gave up, a checksum is wrong, or another process is pulling
            the same model. What has arrived whole or in part is kept.
    """
    from filelock import FileLock, Timeout

    repository = plan.listing.repository
    to_fetch = plan.to_fetch_bytes
    try:
        (plan.root / "blobs").mkdir(parents=True, exist_ok=True)
        lock = FileLock(plan.root / "blobs" / ".viper.lock", timeout=0)
        with lock:
            _fetch_all(plan, on_progress)
            folder = _publish(plan)
    except Timeout as error:
        raise DownloadError(
            f"Another process is fetching '{repository}'. Wait until it is done."
        ) from error
    except OSError as error:
        raise DownloadError(
            f"The cache {str(plan.cache)!r} cannot be written to: {error.strerror or error}. Make it "
            "writable, or set HF_HOME to another folder."
        ) from error
    return Pulled(repository, plan.listing.commit, folder, to_fetch, plan.size_bytes)


def _fetch_all(plan: PullPlan, on_progress: Callable[[Progress], None]) -> None:
    before = 0
    for file in plan.files:

        def report(done: int, file: HubFile = file, before: int = before) -> None:
            on_progress(
                Progress(plan.listing.repository, file.path, before + done, plan.size_bytes)
            )

        report(0)
        fetch(plan.listing, file, plan.blob(file), report)
        before += file.size_bytes


def _publish(plan: PullPlan) -> Path:
    """Make the folder of the commit, and let the revision stand for it."""
    folder = plan.root / "snapshots" / plan.listing.commit
    for file in plan.files:
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        _link(plan.blob(file), place)
    revision = plan.listing.revision
    if not COMMIT.fullmatch(revision):
        reference = plan.root / "refs" / revision
        reference.parent.mkdir(parents=True, exist_ok=True)
        fresh = reference.with_name(f".{reference.name}.viper")
        fresh.write_text(plan.listing.commit, encoding="utf-8")
        fresh.replace(reference)
    return folder


def _link(blob: Path, place: Path) -> None:
    """Let a name in a commit's folder stand for a content, whatever was there before."""
    fresh = place.with_name(f".{place.name}.viper")
    fresh.unlink(missing_ok=True)
    try:
        fresh.symlink_to(os.path.relpath(blob, place.parent))
    except OSError:  # Windows without the right to make links
        try:
            fresh.hardlink_to(blob)
        except OSError:
            shutil.copyfile(blob, fresh)
    fresh.replace(place)


def _is_there(blob: Path, file: HubFile) -> bool:
    try:
        return blob.stat().st_size == file.size_bytes
    except OSError:
        return False
