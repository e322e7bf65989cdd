"""Read one file given by the user, with a clear error when that fails.

Only regular files up to a size limit are read. Pipes and devices, which may block or never end, are
refused.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from viper.errors import InputError, similar_words

__all__ = ["open_regular_file", "quote_path", "read_regular_file"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def read_regular_file(path: str, *, max_bytes: int, what: str) -> bytes:
    """Return the content of a file.

    Args:
        path: Path given by the user.
        max_bytes: Largest accepted size.
        what: Kind of file for messages, such as "image".

    Raises:
        InputError: The file does not exist, is not a regular file, is too large or is not readable.
    """
    with open_regular_file(path, what=what) as file:
        try:
            # One byte more than allowed reveals a file that is too large or growing.
            content = file.read(max_bytes + 1)
        except OSError as error:
            raise InputError(
                f"{quote_path(path)} cannot be read ({error.strerror or error}). Give a regular {what} file."
            ) from error
    if len(content) > max_bytes:
        raise InputError(
            f"{quote_path(path)} is larger than {max_bytes:,} bytes. Give a smaller {what}."
        )
    return content


def open_regular_file(path: str, *, what: str) -> BinaryIO:
    """Open a file for reading; the caller closes it.

    Args:
        path: Path given by the user.
        what: Kind of file for messages, such as "image".

    Raises:
        InputError: The file does not exist, is not a regular file or is not readable.
    """
    name = quote_path(path)
    # Without O_NONBLOCK, opening a pipe without a writer would block forever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                raise InputError(f"{name} is a folder. Give the path of one {what} file.")
            if not stat.S_ISREG(mode):
                raise InputError(f"{name} is a device or a pipe. Give a regular {what} file.")
            return os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise
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


def quote_path(path: str) -> str:
    """Return a path as a quoted string on one line, shortened in the middle."""
    text = repr(path)
    return text if len(text) <= 300 else f"{text[:140]}…{text[-140:]}"


def _missing(path: str, what: str) -> str:
    """Return the message for a file that does not exist, with similar names."""
    if not path:
        return f"The path of the {what} is empty. Give the path of a file."
    if _URL.match(path):
        return (
            f"{quote_path(path)} is a URL, not a file. Download it and give the path of the file."
        )
    folder = Path(path).parent
    if not folder.is_dir():
        return f"There is no file {quote_path(path)}: its folder does not exist. Check the path."
    try:
        entries = itertools.islice(folder.iterdir(), 4096)
        names = {entry.name.lower(): str(folder / entry.name) for entry in entries}
    except OSError:  # a folder that cannot be listed gives no suggestions
        names = {}
    matches = similar_words(Path(path).name.lower(), names)
    hint = " or ".join(quote_path(names[name]) for name in matches)
    return f"There is no file {quote_path(path)}. " + (
        f"Did you mean {hint}?" if hint else "Check it."
    )
