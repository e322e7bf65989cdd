"""Download a model from the hub: plan, check disk space, fetch contents, create the snapshot folder.

    plan = plan_pull("google/owlv2-base-patch16-ensemble", "cfd3195b…")
    check_disk_space([plan])
    pulled = execute_pull(plan, on_progress)

The contents are downloaded first, each under its checksum. The snapshot folder of the commit is created when
all contents are complete, so a loader finds either the complete model or none. A lock excludes concurrent
downloads of one model.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from viper.errors import DownloadError, WriteError
from viper.storage.below import hold_lock, make_below, place_of, remove, rename
from viper.storage.files import write_file
from viper.storage.user_cache import NO_HOME
from viper.weights.cache import COMMIT, cache_folder, has_no_home, repository_folder
from viper.weights.fetch import fetch, is_complete, partial_bytes
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
    """Progress of a download."""

    repository: str
    file: str
    done_bytes: int
    """Of all needed files, including earlier runs."""
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is complete on disk."""

    repository: str
    commit: str
    folder: Path
    """Snapshot folder, to load the model from."""
    fetched_bytes: int
    """Bytes downloaded in this run; 0 if the model was complete."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PullPlan:
    """The files that a download needs."""

    listing: Listing
    files: tuple[HubFile, ...]
    """The needed files, in download order."""
    cache: Path

    @property
    def root(self) -> Path:
        """Folder of the repository in the cache."""
        return repository_folder(self.listing.repository, self.cache)

    def blob(self, file: HubFile) -> Path:
        """Return the path of the content of a file."""
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
            if not is_complete(self.blob(file), file)
        )


def pull(
    repository: str,
    revision: str = "main",
    on_progress: Callable[[Progress], None] = lambda progress: None,
    *,
    library: Library | None = None,
) -> Pulled:
    """Plan and execute a download in one call.

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
    """Return the files that a download of a revision needs.

    Args:
        repository: Such as `OWNER/NAME`.
        revision: Branch, tag or commit.
        library: Format of the weights; None is transformers, or open_clip if there are no others.
        suggestions: Repositories to suggest if there is none with this name.

    Raises:
        DownloadError: The hub cannot list it, or it contains no safetensors.
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
    """Check that plans together fit on the disk, before anything is downloaded.

    Raises:
        DownloadError: There is not enough space; the message says how much is needed.
    """
    plans = list(plans)
    needed = sum({plan.root: plan.to_fetch_bytes for plan in plans}.values())
    for plan in plans:
        if has_no_home(plan.cache):
            raise DownloadError(
                f"There is no folder for models: {NO_HOME}. Set HOME, or HF_HOME to a folder for them."
            )
        free = _free_bytes(plan.cache)
        if free is not None and needed > free:
            raise DownloadError(
                f"The disk of {str(plan.cache)!r} has {free / 1e6:,.0f} MB free, but "
                f"{needed / 1e6:,.0f} MB are needed. Make room, or set HF_HOME to a folder on another "
                "disk."
            )


def _free_bytes(cache: Path) -> int | None:
    """Return the room on the disk of a folder that need not exist; None if it is unknown."""
    for path in (cache, *cache.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(path).free
    return None


def execute_pull(plan: PullPlan, on_progress: Callable[[Progress], None]) -> Pulled:
    """Download missing contents and create the snapshot folder.

    Raises:
        DownloadError: The hub or the disk failed, a checksum is wrong, or another process is downloading
            the same model. Complete and partial downloads are kept.
    """
    repository = plan.listing.repository
    to_fetch = plan.to_fetch_bytes
    try:
        make_below(plan.root / "blobs", below=plan.cache)
        with hold_lock(plan.root / "blobs" / ".viper.lock", below=plan.cache):
            _fetch_all(plan, on_progress)
            folder = _publish(plan)
    except BlockingIOError as error:
        raise DownloadError(
            f"Another process is fetching '{repository}'. Wait until it is done."
        ) from error
    except WriteError as error:
        raise DownloadError(f"{error} Or set HF_HOME to another folder.") from error
    except OSError as error:
        raise DownloadError(
            f"The cache {str(plan.cache)!r} cannot be written to: {error.strerror or error}. Make room and "
            "make it writable, or set HF_HOME to another folder."
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
    """Create the snapshot folder of the commit, and point the revision to it."""
    folder = plan.root / "snapshots" / plan.listing.commit
    for file in plan.files:
        link = folder / file.path
        make_below(link.parent, below=plan.cache)
        _link(plan.blob(file), link, plan.cache)
    revision = plan.listing.revision
    if not COMMIT.fullmatch(revision):
        reference = plan.root / "refs" / revision
        make_below(reference.parent, below=plan.cache)
        write_file(reference, plan.listing.commit, below=plan.cache)
    return folder


def _link(blob: Path, link: Path, cache: Path) -> None:
    """Make a file of a snapshot folder a link to its content, replacing an existing file."""
    temporary = link.with_name(f".{link.name}.viper")
    remove(temporary, below=cache)
    try:
        with place_of(temporary, cache) as place:
            os.symlink(os.path.relpath(blob, link.parent), place.name, dir_fd=place.folder)
    except OSError:  # Windows without the privilege to create links
        try:
            temporary.hardlink_to(blob)
        except OSError:
            shutil.copyfile(blob, temporary)
    rename(temporary, link, below=cache)
