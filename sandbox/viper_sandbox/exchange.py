"""Values of the jail's interface: requests, calls, results, and the exceptions of handlers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from viper_sandbox.findings import CheckReport
from viper_sandbox.wire import PatchRef, WireValue

__all__ = [
    "ROLES",
    "Call",
    "CallFailed",
    "CallRejected",
    "Checked",
    "Handler",
    "JailFailure",
    "Request",
    "Result",
    "Role",
    "absence",
    "without_article",
]

Role: TypeAlias = Literal["answer", "reference", "rejected"]
ROLES: Final[tuple[Role, ...]] = ("answer", "reference", "rejected")
"""Roles of a patch in a result: the answer is, counts or names it; others were compared with it; it was found
and dropped. A patch with several has the first of them."""


_ARTICLE = re.compile(r"^(?:an?|the|any|some|no) (?=\S)", re.IGNORECASE)


def absence(name: str) -> str:
    """Return the message of a failure of kind `absent`."""
    return f"No {without_article(name)} was found, so nothing can be said of it."


def without_article(name: str) -> str:
    """Return the name of a thing as it follows "no": "the red cup" → "red cup"."""
    return _ARTICLE.sub("", name)


@dataclass(frozen=True, slots=True)
class Request:
    """One program with its arguments."""

    source: str
    """Text as the generator wrote it; only the child examines it."""
    api: Mapping[str, Any]
    """The API as plain data: attributes, constructor, methods and functions by name."""
    image: PatchRef
    """The whole image."""
    image_size: tuple[int, int]
    """(width, height) in pixels."""
    arguments: Mapping[str, WireValue] = field(default_factory=dict)
    """Values of the entry's parameters besides `image`, such as "query"."""


@dataclass(frozen=True, slots=True)
class Call:
    """A vision or language call of a program, checked against the API."""

    id: int
    """Counts from 1 within the program."""
    name: str
    """Qualified name: "ImagePatch.find" or "best_image_match"."""
    receiver: PatchRef | None
    """The patch whose method it is; None for a function."""
    arguments: tuple[WireValue, ...]
    """One per parameter of the API, in order, defaults filled in."""
    line: int
    """Line of the normalized source."""


Handler = Callable[[Call], Awaitable[WireValue]]
"""Serves calls. It may raise `CallRejected` or `CallFailed`; `Jail.run` passes other exceptions on."""


Checked = CheckReport
"""The name of `CheckReport` in version 0.1."""


@dataclass(frozen=True, slots=True)
class JailFailure:
    """Why there is no value."""

    kind: str
    """"syntax", "policy", "check", "runtime", "timeout", "memory", "limit" or "sandbox", or the kind of
    a `CallFailed`."""
    message: str
    line: int | None = None
    """Line of the normalized source; None if the failure has no line."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a program: its value if `failure` is None."""

    value: WireValue = None
    failure: JailFailure | None = None
    checked: CheckReport | None = None
    """None if there was no child, or if it ended before it had checked the program."""
    printed: str = ""
    """Printed text, cut to the limit; empty if the program was killed."""
    own_s: float = 0.0
    """Wall time of the program in seconds, without start-up and served calls."""
    calls: int = 0
    """Number of calls that were accepted."""
    evidence: tuple[tuple[PatchRef, ...], ...] = ()
    """The patches of each role in the value, as the child says; in the order of `ROLES`. It may be wrong
    about roles, but names patches of the session only. Empty where it does not say."""


class CallRejected(Exception):  # noqa: N818  # for the program, not an error of the host
    """Raised by a handler to raise an exception in the program, which may catch it.

    Args:
        exception: The class that the program sees.
        message: Its message.
    """

    def __init__(self, exception: Literal["ValueError", "TypeError"], message: str) -> None:
        super().__init__(message)
        self.exception: Literal["ValueError", "TypeError"] = exception
        self.message = message


class CallFailed(Exception):  # noqa: N818  # ends the program, not the host
    """Raised by a handler to end the program; no `try` of the program can catch it.

    Args:
        kind: Kind of the failure, such as "model" or "budget".
        message: What went wrong and what to do.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
