"""Read text files that the user names, with clear errors."""

from __future__ import annotations

import sys

from viper.errors import InputError
from viper.storage.files import quote_path, read_regular_file

__all__ = ["read_text"]

_MAX_BYTES = 64 * 1024 * 1024


def read_text(path: str, *, what: str) -> str:
    """Return the text of a file, or of stdin for "-".

    Args:
        path: The file.
        what: The expected content, for the error message, such as "program".

    Raises:
        InputError: It cannot be read as UTF-8 text.
    """
    data = (
        _read_stdin(what)
        if path == "-"
        else read_regular_file(path, max_bytes=_MAX_BYTES, what=what)
    )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The {what} {quote_path(path)} is not UTF-8 text: "
            f"byte {error.start} is {data[error.start]:#04x}."
        ) from error


def _read_stdin(what: str) -> bytes:
    if sys.stdin is None:
        raise InputError(f"The standard input is closed. Send the {what} to it, or give a file.")
    try:
        return sys.stdin.buffer.read(_MAX_BYTES)
    except OSError as error:  # a folder, for example
        reason = error.strerror or str(error)
        raise InputError(
            f"The standard input cannot be read ({reason}). Send the {what} to it, or give a file."
        ) from error
