"""The standard streams of a command, and how the command ends when they, or a file, cannot be written.

    run_command(function)     guards the streams, runs the function and ends with the right status

stdout belongs to the answer: when it cannot be written, the command fails with one line on stderr, silently
where a reader has gone (`| head -1`). stderr holds remarks: when it cannot be written, the command goes on,
and the status says at its end that something was lost. Text that the encoding of a terminal lacks is written
with escapes.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TextIO

__all__ = ["LostOutputError", "final_status", "guard_streams", "run_command"]

_FAILED = 1
_INTERRUPTED = 130
_CLOSED = OSError(errno.EBADF, "it is closed")


class LostOutputError(Exception):
    """stdout cannot be written. Not an `OSError`: nobody may take it for a fault of another file."""

    def __init__(self, cause: OSError) -> None:
        self.is_quiet = cause.errno == errno.EPIPE
        """The reader has gone; that is no fault."""
        super().__init__(
            f"the output cannot be written: {cause.strerror or cause}. Send it to a place that can be "
            "written, with room."
        )


class _Stream(io.RawIOBase):
    """A standard stream that fails once, and is silent afterwards.

    Args:
        descriptor: Where to.
        raises: Whether the failure is raised as `LostOutputError`; otherwise it is only remembered.
        failure: Set from the beginning for a closed stream.
    """

    def __init__(self, descriptor: int, *, raises: bool, failure: OSError | None = None) -> None:
        super().__init__()
        self.failure: OSError | None = failure
        self._descriptor = descriptor
        self._raises = raises
        self._has_raised = False

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor, for the size of the terminal and for other processes."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        try:
            return os.isatty(self._descriptor)
        except OSError:
            return False

    def write(self, data: Any) -> int:  # any buffer; the type of the base class is not public
        """Write; after a failure, do nothing."""
        if self.failure is None:
            try:
                return _write_waiting(self._descriptor, data)
            except OSError as error:
                self.failure = error
        if self._raises and not self._has_raised:
            self._has_raised = True
            raise LostOutputError(self.failure)
        return len(data)


_stderr: _Stream | None = None


def guard_streams() -> None:
    """Put guarded streams in the place of stdout and stderr, and open closed ones to nowhere.

    A file that is opened later must not get the number of a closed stream: libraries write warnings there.
    """
    global _stderr
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    sys.stdout = _guarded(sys.stdout, _Stream(1, raises=True, failure=_failure(sys.stdout)))
    _stderr = _Stream(2, raises=False, failure=_failure(sys.stderr))
    sys.stderr = _guarded(sys.stderr, _stderr)


def run_command(command: Callable[[], object]) -> NoReturn:
    """Run the function of a command, and end this process's main thread with its status.

    Raises:
        SystemExit: Always; status 1 after an error that is nobody's mistake in the code, which one line says.
    """
    guard_streams()
    try:
        command()
        status: Any = 0
    except SystemExit as end:
        status = end.code
    except KeyboardInterrupt:  # before or behind a verb, which says so itself
        sys.stderr.write("viper: interrupted.\n")
        status = _INTERRUPTED
    except LostOutputError as error:
        _print(error)
        status = _FAILED
    except Exception as error:
        line = _line_of(error)
        if line is None or "--debug" in sys.argv:
            raise
        from viper.texts.terminal import one_line

        sys.stderr.write(f"viper: {one_line(line)}\n")
        status = _FAILED
    sys.exit(final_status(status))


def final_status(status: Any) -> Any:
    """Write what is still in the buffers, and return the status of the process.

    Args:
        status: What the command ends with.

    Returns:
        `status`, or 1 if it says success and output was lost.
    """
    lost = False
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except LostOutputError as error:
        _print(error)
        lost = True
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            sys.stderr.flush()
    failure = None if _stderr is None else _stderr.failure
    if failure is not None and failure is not _CLOSED and failure.errno != errno.EPIPE:
        lost = True
    return _FAILED if lost and not status else status


def _write_waiting(descriptor: int, data: Any) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:  # another process made the terminal non-blocking
        os.set_blocking(descriptor, True)
        return os.write(descriptor, data)


def _failure(stream: TextIO | None) -> OSError | None:
    """Return the failure of a stream that was closed before the process began."""
    return _CLOSED if stream is None else None


def _guarded(stream: TextIO | None, raw: _Stream) -> TextIO:
    """Return a text stream like another one, on the guarded raw stream."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=getattr(stream, "line_buffering", False) or raw.fileno() == 2,
        write_through=getattr(stream, "write_through", False),
    )


def _print(error: LostOutputError) -> None:
    if not error.is_quiet:
        sys.stderr.write(f"viper: {' '.join(str(error).split())}\n")


def _line_of(error: Exception) -> str | None:
    """Return one line about an error of Viper or of the system; None for a mistake in the code."""
    from viper.errors import ViperError  # not needed by a command that succeeds

    if isinstance(error, ViperError):
        return str(error)
    if not isinstance(error, OSError):
        return None
    reason = error.strerror or str(error) or type(error).__name__
    if "temporary directory" in reason:  # of the module tempfile
        return f"{reason}. Set TMPDIR to a folder that this user can write."
    name = (
        "" if error.filename is None else f"{os.fsdecode(error.filename)!r:.300} cannot be used: "
    )
    return f"{name}{reason}. Check its place, permissions and room on its disk; --debug shows more."
