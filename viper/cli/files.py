"""Read files that the user names, with clear errors."""

from __future__ import annotations

import sys

from viper.errors import InputError
from viper.storage.files import quote_path, read_regular_file

__all__ = ["read_bytes", "read_text"]

_MAX_BYTES = 64 * 1024 * 1024


def read_text(path: str, *, what: str) -> str:
    """Return the text of a file, or of stdin for "-".

    Args:
        path: The file.
        what: The expected content, for the error message, such as "program".

    Raises:
        InputError: It cannot be read as UTF-8 text.
    """
    data = read_bytes(path, what=what)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The {what} {quote_path(path)} is not UTF-8 text: "
            f"byte {error.start} is {data[error.start]:#04x}."
        ) from error


def read_bytes(path: str, *, what: str, max_bytes: int = _MAX_BYTES) -> bytes:
    """Return the content of a file, or of stdin for "-", of which no more than `max_bytes` are read.

    Args:
        path: The file.
        what: The expected content, for the error message, such as "program".
        max_bytes: Size of the largest file.

    Raises:
        InputError: It cannot be read.
    """
    if path != "-":
        return read_regular_file(path, max_bytes=max_bytes, what=what)
    if sys.stdin is None:
        raise InputError(f"The standard input is closed. Send the {what} to it, or give a file.")
    try:
        return sys.stdin.buffer.read(max_bytes)
    except OSError as error:  # a folder, for example
        reason = error.strerror or str(error)
        raise InputError(
            f"The standard input cannot be read ({reason}). Send the {what} to it, or give a file."
        ) from error
