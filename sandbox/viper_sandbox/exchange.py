"""What callers of the jail give and get: requests, calls, results, and the ways to answer a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from viper_sandbox.findings import CheckReport
from viper_sandbox.wire import PatchRef, WireValue

__all__ = [
    "Call",
    "CallFailed",
    "CallRejected",
    "Checked",
    "Handler",
    "JailFailure",
    "Request",
    "Result",
]


@dataclass(frozen=True, slots=True)
class Request:
    """One program and what it is given."""

    source: str
    """Text as the generator wrote it; only the child looks into it."""
    api: Mapping[str, Any]
    """The contract as plain data: attributes, constructor, methods and functions by name."""
    image: PatchRef
    """The whole image."""
    image_size: tuple[int, int]
    """(width, height) in pixels."""
    arguments: Mapping[str, WireValue] = field(default_factory=dict)
    """Values of the entry's parameters besides `image`, such as "query"."""


@dataclass(frozen=True, slots=True)
class Call:
    """A vision or language call of a program, checked against the contract."""

    id: int
    """Counts from 1 within the program."""
    name: str
    """Qualified name: "ImagePatch.find" or "best_image_match"."""
    receiver: PatchRef | None
    """The patch whose method it is; None for a function."""
    arguments: tuple[WireValue, ...]
    """One per parameter of the contract, in its order, defaults filled in."""
    line: int
    """Line of the normalised source."""


Handler = Callable[[Call], Awaitable[WireValue]]
"""Serves calls. It may raise `CallRejected` or `CallFailed`; anything else is a bug of the handler and
leaves `Jail.run` as it is."""


Checked = CheckReport
"""Its name in version 0.1."""


@dataclass(frozen=True, slots=True)
class JailFailure:
    """Why there is no value."""

    kind: str
    """"syntax", "policy", "check", "runtime", "timeout", "memory", "limit" or "sandbox", or the kind of
    a `CallFailed`."""
    message: str
    line: int | None = None
    """Line of the normalised source; None if the failure has no place."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a program; exactly one of `value` and `failure` counts."""

    value: WireValue = None
    failure: JailFailure | None = None
    checked: CheckReport | None = None
    """None if the child died, or was refused, before it had looked at the program."""
    printed: str = ""
    """What the program printed, cut to the limit; empty if it was killed."""
    own_s: float = 0.0
    """Wall time of the program itself in seconds, without start-up and served calls."""
    calls: int = 0
    """Calls that were served or begun."""


class CallRejected(Exception):  # noqa: N818  # a word to the program, no error of the host
    """Raised by a handler to raise an exception in the program, which may catch it.

    Args:
        exception: The class that the program sees.
        message: Its message.
    """

    def __init__(self, exception: Literal["ValueError", "TypeError"], message: str) -> None:
        super().__init__(message)
        self.exception = exception
        self.message = message


class CallFailed(Exception):  # noqa: N818  # ends a session, not the host
    """Raised by a handler to end the program; no `try` of the program can catch it.

    Args:
        kind: Kind of the failure, such as "model" or "budget".
        message: What went wrong and what to do.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
