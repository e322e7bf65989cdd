"""The temporary file that takes the place of a file when it is complete.

What a killed process left of one is used again, so that no remains gather. A lock tells it from the file of a
process that is writing now, beside which another name is used.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from pathlib import Path
from typing import Any

from viper.storage.below import Place, check_is_ours, place_of

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

__all__ = ["PartFile", "is_direct"]

_PART = ".part"
_IS_WINDOWS = os.name == "nt"
_BINARY = getattr(os, "O_BINARY", 0)
# Bytes of a name that its temporary file repeats: with the rest, it stays below the usual limit of 255.
_MAX_STEM_BYTES = 200
# Names of open files of this process; replacing what they lead to would cut the link.
_OPEN_FILES = ("/dev/fd/", "/dev/std", "/proc/")


class PartFile(io.RawIOBase):
    """Writes beside a file until `publish`; remembers a failure, after which it writes no more.

    Args:
        path: The file to replace. Where the user typed it, a link is followed, and a device or a pipe is
            written directly.
        mode: Permissions of a new one, before the umask.
        below: The folder that the user typed, where Viper chose the rest of the path (see `below`).

    Raises:
        OSError: It cannot be opened for writing.
    """

    def __init__(self, path: str, mode: int, below: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        self.failure: OSError | None = None
        self._descriptor = -1
        self._part: str | None = None
        self._target = Place(path, None)
        self._folder = contextlib.ExitStack()
        try:
            self._open(mode, below)
        except BaseException:
            self._folder.close()
            raise

    def _open(self, mode: int, below: str | os.PathLike[str] | None) -> None:
        path = self._target.name
        if below is not None:
            self._target = self._folder.enter_context(place_of(path, below))
            facts = self._target.facts()
            if facts is not None:
                check_is_ours(facts, writes=True)
        elif is_direct(path):
            self._descriptor = os.open(path, os.O_WRONLY | _BINARY)
            return
        else:
            self._target = Place(os.path.realpath(path), None)
            facts = None
            with contextlib.suppress(FileNotFoundError):
                facts = Path(self._target.name).stat()
                if stat.S_ISDIR(facts.st_mode):
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        self._part, self._descriptor = _open_part(self._target, mode)
        if facts is not None:
            with contextlib.suppress(OSError, AttributeError):  # not on every file system
                os.fchmod(self._descriptor, stat.S_IMODE(facts.st_mode))

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:  # any buffer; the type of the base class is not public
        """Write to the temporary file, and remember the failure that this raises."""
        if self.failure is not None or self._descriptor < 0:
            return len(data)
        try:
            return os.write(self._descriptor, data)
        except OSError as error:
            self.failure = error
            raise

    def publish(self, *, durable: bool) -> None:
        """Give the temporary file the name of the file.

        Raises:
            OSError: That failed, or a write did and a library went on.
        """
        if self.failure is not None:
            raise self.failure
        if self._part is None:
            return
        if durable:
            os.fsync(self._descriptor)
        if _IS_WINDOWS:  # it renames no open file
            self._close()
        name, folder = self._target
        os.replace(self._part, name, src_dir_fd=folder, dst_dir_fd=folder)
        self._part = None
        if durable:
            _sync_folder(self._target)

    def give_up(self) -> None:
        """Close the file, and remove a temporary file that was not published."""
        # The lock goes last: before that, another process would not write to this name.
        if self._part is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._part, dir_fd=self._target.folder)
            self._part = None
        self._close()
        self._folder.close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):  # what matters was synchronised before
                os.close(descriptor)


def is_direct(path: str) -> bool:
    """Return whether a path is a device, a pipe or an open file, which nothing can replace."""
    if os.path.abspath(path).startswith(_OPEN_FILES):  # noqa: PTH100 # as text: links stay
        return True
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _open_part(target: Place, mode: int) -> tuple[str, int]:
    """Open the temporary file of a target: its name, a path like the target's, and a descriptor."""
    folder, name = os.path.split(target.name)
    dir_fd = target.folder
    stem = os.path.join(folder, "." + os.fsdecode(os.fsencode(name)[:_MAX_STEM_BYTES]))  # noqa: PTH118
    flags = os.O_WRONLY | os.O_CREAT | _BINARY | getattr(os, "O_NOFOLLOW", 0)
    flags |= getattr(os, "O_NONBLOCK", 0)  # a stranger's pipe in its place would wait for a reader
    if fcntl is not None:
        part = stem + _PART
        with contextlib.suppress(OSError):
            descriptor = os.open(part, flags, mode, dir_fd=dir_fd)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                facts = os.fstat(descriptor)
                # The name may have moved on meanwhile; and a stranger may have put a link there.
                if (
                    os.path.samestat(facts, os.lstat(part, dir_fd=dir_fd))
                    and (facts.st_nlink, facts.st_uid) == (1, os.geteuid())
                    and stat.S_ISREG(facts.st_mode)
                ):
                    if facts.st_size:
                        os.ftruncate(descriptor, 0)
                    os.fchmod(descriptor, facts.st_mode & mode)
                    return part, descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
    part = f"{stem}.{os.urandom(4).hex()}{_PART}"
    return part, os.open(part, flags | os.O_EXCL, mode, dir_fd=dir_fd)


def _sync_folder(target: Place) -> None:
    """Make the new name of a file survive a loss of power, where the system can do that."""
    with contextlib.suppress(OSError):
        if target.folder is not None:
            os.fsync(target.folder)
            return
        descriptor = os.open(Path(target.name).parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
