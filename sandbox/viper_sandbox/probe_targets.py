"""Files of the user, and a service, that the probe must not reach: made by the host, outside of the sandbox.

The zygote may see no files at all, so it cannot make them. They belong to the user of the children, so that
only the confinement protects them.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

from viper_sandbox.identity import NOBODY

__all__ = ["DOOR", "LINK", "Address", "probe_targets"]

Address = str | tuple[str, int]

DOOR = "door"
"""A Unix socket that listens."""
LINK = "name"
"""A symbolic link."""
# One for each attempt, because an attempt that succeeds may remove its file.
_FILES = "open look chmod chown utime truncate setxattr link rename unlink".split()
# Folders that every user may enter and write, also in a container whose root is read-only.
_PLACES = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  # nobody can guess the name


@contextlib.contextmanager
def probe_targets() -> Iterator[str | None]:
    """Make a folder with files and a service; yield its name, or None if there is no place for it."""
    with contextlib.ExitStack() as stack:
        folder = None
        for place in _PLACES:
            with contextlib.suppress(OSError):
                folder = _make(place, stack)
                break
        yield folder


def _make(place: str, stack: contextlib.ExitStack) -> str:
    folder = f"{place}/viper-probe-{os.getpid()}-{os.urandom(8).hex()}"
    os.mkdir(folder, 0o700)  # noqa: PTH102  # pathlib is slower, and the names are ours
    stack.callback(_remove, folder)
    os.chmod(folder, 0o700)  # noqa: PTH101  # whatever the umask
    service = stack.enter_context(socket.socket(socket.AF_UNIX))
    service.bind(f"{folder}/{DOOR}")
    service.listen()
    for name in _FILES:
        path = f"{folder}/{name}"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.chmod(path, 0o666)  # noqa: PTH101, S103
        _give(path)
    os.chmod(f"{folder}/{DOOR}", 0o777)  # noqa: PTH101, S103
    os.symlink(folder, f"{folder}/{LINK}")  # noqa: PTH211
    os.chmod(folder, 0o777)  # noqa: PTH101, S103
    return folder


def _give(path: str) -> None:
    """Make the user of the children the owner: a zygote of root becomes nobody."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


def _remove(folder: str) -> None:
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            remove = os.rmdir if entry.is_dir(follow_symlinks=False) else os.unlink
            with contextlib.suppress(OSError):
                remove(entry.path)
        os.rmdir(folder)  # noqa: PTH106
