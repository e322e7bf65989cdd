"""Files of this user's caches: what others can change is not used.

why_not_ours     the reason, of any file
read_own_file    the content of a small one
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from viper.errors import InputError

__all__ = ["read_own_file", "why_not_ours"]


def why_not_ours(facts: os.stat_result) -> str | None:
    """Return why a file must not be used as a cache, as the end of a sentence; None if it may be.

    Args:
        facts: Of the file itself, not of what a link leads to.
    """
    if not stat.S_ISREG(facts.st_mode):
        return "is a link or no regular file"
    if facts.st_nlink > 1:
        return "has a second name, a hard link"
    # What the administrator has put there is trusted like the programs of this machine.
    if hasattr(os, "geteuid") and facts.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    if hasattr(os, "geteuid") and facts.st_mode & stat.S_IWOTH:
        return "can be changed by every user"
    return None


def read_own_file(path: Path, *, max_bytes: int) -> bytes:
    """Return the content of a file of a cache.

    Raises:
        InputError: It is not this user's, or larger than `max_bytes`.
        OSError: There is none, it is a link, or it cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
        # Of the open file: the name may lead to another one meanwhile.
        if reason := why_not_ours(os.fstat(file.fileno())):
            raise InputError(f"'{path}' {reason}. Remove it; it is made again.")
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise InputError(
            f"'{path}' is larger than {max_bytes:,} bytes. Remove it; it is made again."
        )
    return content
