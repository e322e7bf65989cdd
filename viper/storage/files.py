"""Reads one file that a caller named, and says well what is wrong with the name.

Only regular files are read, and not beyond a cap: a pipe that nobody writes to, or a device that
never ends, is refused instead of waited for.
"""

from __future__ import annotations

import difflib
import errno
import itertools
import os
import re
import stat
from pathlib import Path

from viper.errors import InputError

__all__ = ["read_regular_file", "shown"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def read_regular_file(path: str, *, max_bytes: int, what: str) -> bytes:
    """Return the content of a file.

    Args:
        path: As the caller gave it.
        max_bytes: A larger file is refused.
        what: What the file should be, for messages, such as "image".

    Raises:
        InputError: There is no such file, or it is not a regular one, too large, or not readable.
    """
    name = shown(path)
    # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                raise InputError(f"{name} is a folder. Give the path of one {what} file.")
            if not stat.S_ISREG(mode):
                raise InputError(f"{name} is a device or a pipe. Give a regular {what} file.")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                # One byte more than allowed shows a file that is too large, or that grows.
                content = file.read(max_bytes + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise InputError(_missing(path, what)) from error
    except PermissionError as error:
        raise InputError(
            f"{name} cannot be read: permission denied. Make it readable for this user."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        if getattr(error, "errno", None) == errno.ENXIO:
            reason = "it is a socket or an absent device"
        raise InputError(
            f"{name} cannot be read ({reason}). Give a regular {what} file."
        ) from error
    if len(content) > max_bytes:
        raise InputError(f"{name} is larger than {max_bytes:,} bytes. Give a smaller {what}.")
    return content


def shown(path: str) -> str:
    """Quote a path on one line, shortened in the middle."""
    text = repr(path)
    return text if len(text) <= 300 else f"{text[:140]}…{text[-140:]}"


def _missing(path: str, what: str) -> str:
    """Say that a file does not exist, and which one may have been meant."""
    if not path:
        return f"The path of the {what} is empty. Give the path of a file."
    if _URL.match(path):
        return (
            f"{shown(path)} is an address, not a file. Download it and give the path of the file."
        )
    folder = Path(path).parent
    if not folder.is_dir():
        return f"There is no file {shown(path)}: its folder does not exist. Check the path."
    try:
        entries = itertools.islice(folder.iterdir(), 4096)
        names = {entry.name.lower(): str(folder / entry.name) for entry in entries}
    except OSError:  # a folder that may be searched but not listed has no names to suggest
        names = {}
    near = difflib.get_close_matches(Path(path).name.lower(), names, n=3)
    hint = " or ".join(shown(names[name]) for name in near)
    return f"There is no file {shown(path)}. " + (f"Did you mean {hint}?" if hint else "Check it.")
