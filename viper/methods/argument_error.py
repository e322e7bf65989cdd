"""What a program did wrong in a call: the one error of the host that the program may catch."""

from __future__ import annotations

__all__ = ["ArgumentError"]


class ArgumentError(ValueError):
    """A program gave an argument that its method cannot use; it sees a `ValueError`.

    A class of its own, so that a `ValueError` of a model or of a bug is never taken for it.
    """
