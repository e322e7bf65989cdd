"""What may answer a program's calls before any model is asked: the place where a recorded run comes in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from viper.images.region import Patch
from viper.programs.api_spec import ApiCallable
from viper.trace import CallRecord

__all__ = ["Recalled", "RecordedCalls"]


class Recalled(NamedTuple):
    """A result that was known."""

    result: Any  # as the method would have returned it, with the host's patches
    unverified: tuple[str, ...] = ()
    """Conditions that the call tested only in part."""


class RecordedCalls(Protocol):
    """Answers calls of one program, one after the other."""

    def recall(
        self, entry: ApiCallable, receiver: Patch | None, arguments: Sequence[Any]
    ) -> Recalled | None:
        """Return what is known of a call; None to have the models asked.

        Raises:
            ValueError: So it was answered then; `TypeError` likewise.
            ViperError: The program ends here; also when models may not be asked.
            CallFailed: So it ended the program then.
        """
        ...

    def completed(self, record: CallRecord) -> CallRecord:
        """Return the record of the call, with what is known of it."""
        ...
