"""Read and write files, with one clear line when that fails.

read_regular_file   the content of a file given by the user. Pipes and devices, which may block or never
                    end, are refused.
write_file          replaces a file as a whole: at any moment, also after a full disk or a kill, it holds
                    either what it held before or all that is new
replace_file        the same for content that is written in parts
check_writable      whether that can begin, before the work whose result is written
make_folder         a folder with its parents
write_failure       what these say, for the few writers that cannot use them

Each follows links in a path that the user typed. Where Viper chose names inside of a folder, `below` says
which folder it was, and nothing below it is followed (`viper.storage.below`).
"""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from viper.errors import InputError, WriteError, similar_words
from viper.storage.below import NOT_OURS, make_below, open_below
from viper.storage.part_file import PartFile, is_direct

__all__ = ["check_writable", "make_folder", "open_regular_file", "quote_path", "read_regular_file"]
__all__ += ["replace_file", "write_failure", "write_file"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

_ROOM = "Make room on its disk, or choose a place on another one."
_ACCESS = "Make its folder writable for this user, or choose another."
_ADVICE = {
    errno.ENOSPC: _ROOM,
    getattr(errno, "EDQUOT", errno.ENOSPC): _ROOM,
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f), or choose another disk.",
    errno.EROFS: "Choose a place on a disk that can be written.",
    errno.EACCES: _ACCESS,
    errno.EPERM: _ACCESS,
    errno.ENOENT: "Its folder does not exist: create it, or correct the path.",
    errno.ENOTDIR: "A part of the path is a file, not a folder: correct the path.",
    errno.EISDIR: "It is a folder: give the path of a file.",
    errno.EEXIST: "There is a file in the place of a folder: choose another path.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    NOT_OURS: "Viper changes files of its own only: remove it, or choose another folder.",
}


def read_regular_file(
    path: str, *, max_bytes: int, what: str, below: str | os.PathLike[str] | None = None
) -> bytes:
    """Return the content of a file.

    Args:
        path: Path given by the user.
        max_bytes: Largest accepted size.
        what: Kind of file for messages, such as "image".
        below: The folder that the user typed, where Viper chose the rest of the path.

    Raises:
        InputError: The file does not exist, is not a regular file, is too large or is not readable.
    """
    with open_regular_file(path, what=what, below=below) as file:
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


def open_regular_file(
    path: str, *, what: str, below: str | os.PathLike[str] | None = None
) -> BinaryIO:
    """Open a file for reading; the caller closes it.

    Args:
        path: Path given by the user.
        what: Kind of file for messages, such as "image".
        below: The folder that the user typed, where Viper chose the rest of the path.

    Raises:
        InputError: The file does not exist, is not a regular file or is not readable.
    """
    name = quote_path(path)
    # Without O_NONBLOCK, opening a pipe without a writer would block forever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags) if below is None else open_below(path, flags, below=below)
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
        if below is not None and isinstance(error, IsADirectoryError):
            raise InputError(f"{name} is a folder. Give the path of one {what} file.") from error
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


def write_file(
    path: str | os.PathLike[str],
    content: bytes | str,
    *,
    what: str = "",
    durable: bool = True,
    private: bool = False,
    below: str | os.PathLike[str] | None = None,
) -> None:
    """Replace a file, or create it, as `replace_file` does.

    Args:
        path: The file; its folder exists.
        content: Text is written as UTF-8.
        what: See `replace_file`.
        durable: See `replace_file`.
        private: See `replace_file`.
        below: See `replace_file`.

    Raises:
        WriteError: It cannot be written; it holds what it held before.
    """
    with replace_file(path, what=what, durable=durable, private=private, below=below) as file:
        if isinstance(content, str):
            # JSON reads the escape of a lone surrogate, as in names of files that are not UTF-8.
            content = content.encode("utf-8", "backslashreplace")
        file.write(content)


@contextlib.contextmanager
def replace_file(
    path: str | os.PathLike[str],
    *,
    what: str = "",
    durable: bool = True,
    private: bool = False,
    below: str | os.PathLike[str] | None = None,
) -> Iterator[IO[bytes]]:
    """Write a file in parts, so that it appears complete or not at all.

    The parts go to a temporary file in the same folder, which takes the name of the file at the end of the
    block. After an error, and after a kill, the file holds what it held before. A link stays, and what it
    leads to is replaced; a device or a pipe is written directly. With `below`, all of these are errors.

    Args:
        path: The file; its folder exists.
        what: The content, for messages, such as "The trace".
        durable: Wait until the content is on the disk, so that it survives a loss of power as well.
        private: Give a new file to its owner alone.
        below: The folder that the user typed, where Viper chose the rest of the path.

    Yields:
        The file to write to; it has no descriptor and cannot seek.

    Raises:
        WriteError: It cannot be written, also where a library hid the cause. Other exceptions of the block
            pass, and leave the file as it was.
    """
    path = os.fspath(path)
    try:
        writer = PartFile(path, 0o600 if private else 0o666, below)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise WriteError(write_failure(path, error, what)) from error
    buffer = io.BufferedWriter(writer)
    try:
        try:
            yield buffer
            buffer.flush()
        except Exception as error:
            if writer.failure is None:
                raise  # the block's own
            raise WriteError(write_failure(path, writer.failure, what)) from error
        try:
            writer.publish(durable=durable)
        except OSError as error:
            raise WriteError(write_failure(path, error, what)) from error
    finally:
        writer.give_up()
        buffer.close()


def check_writable(path: str | os.PathLike[str], *, what: str = "") -> None:
    """Make sure that a file can be replaced, or created, as `replace_file` does; it stays as it is.

    A device or a pipe is not opened: a reader would see its end.

    Args:
        path: The file.
        what: See `replace_file`.

    Raises:
        WriteError: It cannot be written.
    """
    path = os.fspath(path)
    try:
        if not is_direct(path):
            PartFile(path, 0o666).give_up()
        elif Path(path).stat() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise WriteError(write_failure(path, error, what)) from error


def make_folder(
    path: str | os.PathLike[str], *, below: str | os.PathLike[str] | None = None
) -> None:
    """Make a folder and its parents, unless they exist.

    Args:
        path: The folder.
        below: The folder that the user typed, where Viper chose the rest of the path.

    Raises:
        WriteError: That failed; with `below`, also if there is a link in the place of a folder.
    """
    try:
        if below is None:
            Path(path).mkdir(parents=True, exist_ok=True)
        else:
            make_below(path, below=below)
    except (OSError, ValueError) as error:
        raise WriteError(write_failure(getattr(error, "filename", None) or path, error)) from error


def write_failure(path: str | os.PathLike[str], error: OSError | ValueError, what: str = "") -> str:
    """Return one line: the file that cannot be written, why, and what to do.

    Args:
        path: The file.
        error: Why.
        what: What was to be written to it, such as "The trace".
    """
    reason = getattr(error, "strerror", None) or str(error)
    advice = _ADVICE.get(getattr(error, "errno", None) or 0, "Choose another place.")
    name = quote_path(os.fsdecode(path))
    subject = f"{what} cannot be written to {name}" if what else f"{name} cannot be written"
    return f"{subject} ({reason}). {advice}"
