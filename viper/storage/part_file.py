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

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

__all__ = ["PartFile"]

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
        path: The file to replace; a device or a pipe is written directly.
        mode: Permissions of a new one, before the umask.

    Raises:
        OSError: It cannot be opened for writing.
    """

    def __init__(self, path: str, mode: int) -> None:
        super().__init__()
        self.failure: OSError | None = None
        self._part: str | None = None
        self._target = path
        if _is_direct(path):
            self._descriptor = os.open(path, os.O_WRONLY | _BINARY)
            return
        self._target = os.path.realpath(path)
        facts = None
        with contextlib.suppress(FileNotFoundError):
            facts = Path(self._target).stat()
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
        Path(self._part).replace(self._target)
        self._part = None
        if durable:
            _sync_folder(Path(self._target).parent)

    def give_up(self) -> None:
        """Close the file, and remove a temporary file that was not published."""
        # The lock goes last: before that, another process would not write to this name.
        if self._part is not None:
            with contextlib.suppress(OSError):
                Path(self._part).unlink()
            self._part = None
        self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):  # what matters was synchronised before
                os.close(descriptor)


def _is_direct(path: str) -> bool:
    """Return whether a path is a device, a pipe or an open file, which nothing can replace."""
    if os.path.abspath(path).startswith(_OPEN_FILES):  # noqa: PTH100 # as text: links stay
        return True
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _open_part(target: str, mode: int) -> tuple[str, int]:
    """Open the temporary file of a target: its path and a descriptor."""
    folder, name = os.path.split(target)
    stem = os.path.join(folder, "." + os.fsdecode(os.fsencode(name)[:_MAX_STEM_BYTES]))  # noqa: PTH118
    flags = os.O_WRONLY | os.O_CREAT | _BINARY | getattr(os, "O_NOFOLLOW", 0)
    if fcntl is not None:
        part = stem + _PART
        with contextlib.suppress(OSError):
            descriptor = os.open(part, flags, mode)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                facts = os.fstat(descriptor)
                # The name may have moved on meanwhile; and a stranger may have put a link there.
                if (
                    os.path.samestat(facts, os.lstat(part))
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
    return part, os.open(part, flags | os.O_EXCL, mode)


def _sync_folder(folder: Path) -> None:
    """Make the new name of a file survive a loss of power, where the system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
