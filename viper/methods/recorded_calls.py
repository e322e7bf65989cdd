"""Interface through which a recorded run, instead of models, answers the calls of a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from viper.images.region import Patch
from viper.programs.api_spec import ApiCallable
from viper.programs.program import Doubt
from viper.trace import CallRecord

__all__ = ["Recalled", "RecordedCalls"]


class Recalled(NamedTuple):
    """A recorded result."""

    result: Any  # as the method would have returned it, with the host's patches
    doubts: tuple[Doubt, ...] = ()
    """Conditions that the call did not test, or only in part."""


class RecordedCalls(Protocol):
    """Answers calls of one program, one after the other."""

    def recall(
        self, entry: ApiCallable, receiver: Patch | None, arguments: Sequence[Any]
    ) -> Recalled | None:
        """Return the recorded result of a call; None to send it to the models.

        Raises:
            ValueError: The recorded call raised it; `TypeError` likewise.
            ViperError: The program ends here, for example because models must not be used.
            CallFailed: The recorded call ended the program.
        """
        ...

    def completed(self, record: CallRecord) -> CallRecord:
        """Return the record of the call, completed from the recorded one."""
        ...
