"""Watches which files a test opens or looks for, whatever function does it.

    with watching("secret") as touched:
        Path("/etc/secret").exists()
    assert touched == ["/etc/secret"]

Python itself reports what is opened, listed or changed, also by C code (`sys.addaudithook`). It does not
report a look, such as `os.stat`, so the functions that look are replaced: pathlib and `os.path` call them by
their names in `os`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from unittest import mock

__all__ = ["watching"]

_LOOKS = ("stat", "lstat", "access", "readlink", "statvfs")
# Events of Python whose arguments are paths.
_EVENTS = frozenset(
    """
    open os.listdir os.scandir os.chdir os.chmod os.chown os.link os.mkdir os.remove os.rename os.rmdir
    os.symlink os.truncate os.utime os.getxattr os.listxattr os.setxattr os.removexattr glob.glob
    """.split()
)
_watchers: list[tuple[str, list[str]]] = []
_hooked: list[bool] = []


@contextlib.contextmanager
def watching(part: str) -> Iterator[list[str]]:
    """Yield a list of the paths with a text in them that are opened, listed, changed or looked for."""
    seen: list[str] = []
    with contextlib.ExitStack() as replaced:
        for name in _LOOKS:
            replaced.enter_context(mock.patch.object(os, name, _watched(getattr(os, name))))
        if not _hooked:  # it cannot be removed
            _hooked.append(True)
            sys.addaudithook(_audit)
        watcher = (part, seen)
        _watchers.append(watcher)
        try:
            yield seen
        finally:
            _watchers.remove(watcher)


def _watched(function):
    def call(*arguments, **options):
        _note(arguments[:1])
        return function(*arguments, **options)

    return call


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _watchers and event in _EVENTS:
        _note(arguments)


def _note(arguments: tuple[object, ...]) -> None:
    for argument in arguments:
        if isinstance(argument, str | bytes | os.PathLike):
            path = os.fsdecode(argument)
            for part, seen in _watchers:
                if part in path:
                    seen.append(path)
