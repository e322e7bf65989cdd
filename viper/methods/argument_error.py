"""The error for a wrong argument of a call, the only error of the host that a program can catch."""

from __future__ import annotations

__all__ = ["ArgumentError"]


class ArgumentError(ValueError):
    """An argument has a value that the method cannot use; the program gets a `ValueError`.

    It is a separate class, because a `ValueError` of a model or of a bug must not reach the program.
    """
