"""Why no child can be used, in words for people."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from viper_sandbox.identity import NO_MORE_PROCESSES
from viper_sandbox.zygote_client import ForkError

__all__ = ["RefusedError", "starting"]

# The machine lacks something now that it may have a moment later: descriptors, processes or memory.
_PASSING = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM}


class RefusedError(Exception):
    """No child can be used: none can be started, or not at the level that is required."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
        """Whether the machine may have what it lacks a moment later."""


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """Raise `RefusedError` where a process cannot be started."""
    try:
        yield
    except ForkError as error:
        raise RefusedError(f"No sandbox process can be started: {error}", passing=True) from error
    except OSError as error:
        reason = NO_MORE_PROCESSES.format(error.strerror) if error.errno == errno.EAGAIN else error
        message = f"No sandbox process can be started: {reason}"
        raise RefusedError(message, passing=error.errno in _PASSING) from error
