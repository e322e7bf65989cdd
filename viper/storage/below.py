"""Opens what Viper names in a folder, without following a link.

Two kinds of paths are written to. One that the user typed may lead anywhere. A name that Viper chose inside
of a folder (`run.json`, `work/map.pt`) may not: the folder may come from somebody else, in an archive or a
clone that keeps links, and what Viper writes would replace, cut or extend any file of the user.

So functions of this package take `below`: the folder that the user typed. Everything in a path after it was
chosen by Viper. Each part is opened below a descriptor of the one before. A link is refused wherever it
stands, and so is a file that is not regular, has a second name, or, for writing, another owner.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["NOT_OURS", "Place", "check_below", "check_is_ours", "hold_lock", "make_below"]
__all__ += ["names_in", "open_below", "place_of", "remove", "remove_tree", "rename"]

NOT_OURS = errno.ELOOP
"""`errno` of the errors about links and other files that Viper did not make."""

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# Opening a pipe would wait for its other end.
_FLAGS = _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# Windows opens nothing below a descriptor; the parts of a path are looked at there before it is used.
_HAS_DESCRIPTORS = bool(_NO_FOLLOW) and {os.open, os.mkdir, os.stat} <= os.supports_dir_fd


class Place(NamedTuple):
    """A name in an open folder, for the functions of `os` that take `dir_fd`."""

    name: str
    """The last part of the path; the whole path where the system opens nothing below a descriptor."""
    folder: int | None
    """Descriptor of the folder, None with a whole path."""

    def facts(self) -> os.stat_result | None:
        """Return what the name stands for itself, a link included; None if there is nothing."""
        with contextlib.suppress(FileNotFoundError):
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        return None


@contextlib.contextmanager
def place_of(
    path: str | os.PathLike[str], below: str | os.PathLike[str], *, make: bool = False
) -> Iterator[Place]:
    """Open the folder that holds a path, part by part.

    Args:
        path: Begins with `below`.
        below: The folder that the user typed; it may be a link.
        make: Make the folders that are missing.

    Raises:
        OSError: A folder is missing, cannot be opened or is a link.
        ValueError: The path is not below the folder.
    """
    *folders, name = _parts(path, below)
    if make:
        with contextlib.suppress(FileExistsError):  # opening it says what it is
            Path(below).mkdir(parents=True)
    if not _HAS_DESCRIPTORS:
        place = Path(below)
        for part in folders:
            place /= part
            _enter(Place(str(place), None), make=make)
        yield Place(str(place / name), None)
        return
    descriptor = os.open(below, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folders:
            place_of_part = Place(part, descriptor)
            _enter(place_of_part, make=make)
            inner = os.open(
                part, os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW, dir_fd=place_of_part.folder
            )
            os.close(descriptor)
            descriptor = inner
        yield Place(name, descriptor)
    finally:
        os.close(descriptor)


def _parts(path: str | os.PathLike[str], below: str | os.PathLike[str]) -> tuple[str, ...]:
    parts = Path(path).relative_to(below).parts
    if not parts or ".." in parts:
        raise ValueError(f"{os.fspath(path)!r} is not below {os.fspath(below)!r}")
    return parts


def _enter(place: Place, *, make: bool) -> None:
    """Check that a name is a folder and no link; make it if it is missing."""
    if make:
        with contextlib.suppress(FileExistsError):
            os.mkdir(place.name, dir_fd=place.folder)  # Path takes no descriptor
    facts = place.facts()
    if facts is not None and _is_link(facts):
        raise OSError(NOT_OURS, f"its folder {Path(place.name).name!r} is a link")


def _is_link(facts: os.stat_result) -> bool:
    # A junction of Windows leads elsewhere, but counts as a folder.
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    is_junction = junction is not None and getattr(facts, "st_reparse_tag", 0) == junction
    return stat.S_ISLNK(facts.st_mode) or is_junction


def check_is_ours(facts: os.stat_result, *, writes: bool) -> None:
    """Refuse what Viper did not make.

    Args:
        facts: Of the name itself, or of the opened file.
        writes: Whether the file is to be changed or replaced: others' files may be read.

    Raises:
        OSError: It is a link, not a regular file, has a second name or another owner.
    """
    if _is_link(facts):
        raise OSError(NOT_OURS, "it is a link")
    if stat.S_ISDIR(facts.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(NOT_OURS, "it is a device or a pipe")
    if facts.st_nlink > 1:
        raise OSError(NOT_OURS, "it has a second name, a hard link")
    if writes and hasattr(os, "geteuid") and facts.st_uid != os.geteuid():
        raise OSError(NOT_OURS, "it belongs to another user")


def check_below(path: str | os.PathLike[str], *, below: str | os.PathLike[str]) -> None:
    """Refuse what cannot be replaced at a path, before time is spent on what is to be written there.

    Raises:
        OSError: It is none of ours (see `check_is_ours`), or a folder on the way is a link or missing.
    """
    with place_of(path, below) as place:
        if (facts := place.facts()) is not None:
            check_is_ours(facts, writes=True)


def open_below(
    path: str | os.PathLike[str], flags: int, *, below: str | os.PathLike[str], mode: int = 0o666
) -> int:
    """Open a file that Viper names in a folder; return its descriptor.

    Args:
        path: The file.
        flags: As for `os.open`.
        below: See `place_of`.
        mode: Permissions of a new file, before the umask.

    Raises:
        OSError: It cannot be opened, or is none of ours.
        ValueError: See `place_of`.
    """
    writes = bool(flags & (os.O_WRONLY | os.O_RDWR))
    # Nothing is cut before the file is known to be ours.
    cuts, flags = bool(flags & os.O_TRUNC), flags & ~os.O_TRUNC
    with place_of(path, below) as place:
        if (facts := place.facts()) is not None:
            check_is_ours(facts, writes=writes)
        descriptor = os.open(place.name, flags | _FLAGS, mode, dir_fd=place.folder)
    try:
        check_is_ours(os.fstat(descriptor), writes=writes)
        if cuts:
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def make_below(path: str | os.PathLike[str], *, below: str | os.PathLike[str]) -> None:
    """Make a folder and its parents, unless they exist.

    Raises:
        OSError: That failed, or there is a link in the place of one below `below`.
    """
    with place_of(Path(path) / "any", below, make=True):
        pass


def names_in(path: str | os.PathLike[str], *, below: str | os.PathLike[str]) -> list[str]:
    """Return the names in a folder.

    Raises:
        OSError: The folder or one on the way is a link or cannot be opened.
    """
    with place_of(Path(path) / "any", below) as place:
        folder = os.fspath(path) if place.folder is None else place.folder
        return os.listdir(folder)  # noqa: PTH208 # Path takes no descriptor


def remove(path: str | os.PathLike[str], *, below: str | os.PathLike[str]) -> None:
    """Remove a file, or a link itself, if there is one.

    Raises:
        OSError: It cannot be removed, or a folder on the way is a link.
    """
    with contextlib.suppress(FileNotFoundError), place_of(path, below) as place:
        os.unlink(place.name, dir_fd=place.folder)  # Path takes no descriptor


def remove_tree(path: str | os.PathLike[str], *, below: str | os.PathLike[str]) -> None:
    """Remove a folder with all that it holds, if there is one; links in it are removed, not followed.

    Raises:
        OSError: It is a link, or something in it cannot be removed.
    """
    import shutil  # at the start of every command it would take a millisecond

    with contextlib.suppress(FileNotFoundError), place_of(path, below) as place:
        _enter(place, make=False)
        shutil.rmtree(place.name, dir_fd=place.folder)


def rename(
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    below: str | os.PathLike[str],
) -> None:
    """Give a file or a folder another name, also in the place of a file or of an empty folder.

    Raises:
        OSError: That failed, or a folder on one of the ways is a link.
    """
    with place_of(path, below) as old, place_of(target, below) as new:
        os.replace(old.name, new.name, src_dir_fd=old.folder, dst_dir_fd=new.folder)


@contextlib.contextmanager
def hold_lock(path: str | os.PathLike[str], *, below: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the lock of a file, which is made if it is missing and stays.

    Raises:
        BlockingIOError: Another process, or another block of this one, holds it.
        OSError: The file cannot be opened, or is none of ours.
    """
    if sys.platform == "win32":
        from filelock import FileLock, Timeout

        os.close(open_below(path, os.O_RDWR | os.O_CREAT, below=below))
        try:
            with FileLock(path, timeout=0):
                yield
        except Timeout:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
        return
    import fcntl

    descriptor = open_below(path, os.O_RDWR | os.O_CREAT, below=below)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)  # and the lock with it
