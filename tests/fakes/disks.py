"""Disks that are full: a real one, a limit on the size of files, and calls that fail on demand."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import subprocess
from unittest import mock


class FailingWrites:
    """Makes the k-th call of a function of `os` fail, and all after it.

    Attributes:
        failed: Whether there were so many calls.
    """

    def __init__(self, k, call="write", number=errno.ENOSPC):
        self._left, self._number, self.failed = k, number, False
        self._real = getattr(os, call)
        self._patch = mock.patch.object(os, call, self._failing)

    def _failing(self, *arguments, **options):
        self._left -= 1
        if self._left > 0:
            return self._real(*arguments, **options)
        self.failed = True
        raise OSError(self._number, os.strerror(self._number))

    def __enter__(self):
        self._patch.start()
        return self

    def __exit__(self, *error):
        self._patch.stop()


@contextlib.contextmanager
def file_size_limit(size_bytes):
    """Let this process write no file beyond a size, as `ulimit -f` does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def mounted(folder, size_bytes):
    """Mount a disk of this size in a folder.

    Raises:
        PermissionError: This process may not mount.
    """
    options = f"size={size_bytes},mode=0777"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "viper-test", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PermissionError(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
