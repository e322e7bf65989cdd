"""The result of checking a program: findings, call sites and string literals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from viper_sandbox.outgoing import with_escapes

__all__ = ["MAX_FINDINGS", "CallSite", "CheckReport", "Finding", "Literal", "StringLiteral"]
__all__ += ["MAX_NOTES", "capped", "capped_all", "worst"]

Literal = str | int | float | bool | tuple[str, ...] | None
"""A literal argument; a list or tuple of strings is a tuple. None for any other argument."""

_ORDER = ("syntax", "limit", "policy", "check")

MAX_FINDINGS = 100
"""A hostile program may have a finding per node."""

# A message tells what is wrong and what to do in one or two sentences; texts of strangers in it may have any
# length. The longest of ours take some 500 characters, and an exception of a program up to 670.
_MAX_MESSAGE = 700
# How much of a message that is too long is kept from its end, which often says what to do.
_KEPT_END = 150
MAX_NOTES = 100
"""Notes on one program or call."""
# The messages of several findings as one.
_MAX_JOINED = 2_000


class Finding(NamedTuple):
    """A reason not to run a program; `viper lint` prints these."""

    kind: str
    """"syntax", "policy" (the language), "check" (the API) or "limit" (too large); also "timeout",
    "memory" or "sandbox" if the check itself failed."""
    line: int
    """Line of the normalized source, counted from 1."""
    message: str
    """What is wrong and what to write instead, in at most 700 characters."""


class CallSite(NamedTuple):
    """A call of the ImagePatch API in the source."""

    line: int
    method: str
    literals: tuple[Literal, ...]
    """One entry per positional argument: its literal value, also for a name that the program binds only
    once, to a literal; None for anything else."""
    repeats: bool = False
    """True if it may run more than once: in a loop, a comprehension or a function of the program."""


class StringLiteral(NamedTuple):
    """A string literal in the source."""

    value: str
    start: int | None
    """Index of its first character in the normalized source, quotes and prefix included; None if it
    cannot be replaced, as in an f-string."""
    end: int | None
    """Index after its last character; None if `start` is None."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of checking a program, which runs only if there are no findings."""

    source: str
    """The normalized source: taken out of prose and Markdown, a bare body wrapped; lines refer to it."""
    findings: tuple[Finding, ...] = ()
    call_sites: tuple[CallSite, ...] = ()
    literals: tuple[StringLiteral, ...] | None = None
    """String literals: those with a position first, in order and without overlaps. None if there are
    findings or too many literals."""


def capped(message: str) -> str:
    """Return a message for people and prompts, with its middle left out if it is too long.

    Every message that comes from a program, a model or a plugin passes here once, where it enters the host.
    Half a character becomes its escape before it is counted.
    """
    message = with_escapes(message)
    if len(message) <= _MAX_MESSAGE:
        return message
    start = _MAX_MESSAGE - _KEPT_END - len(" … ")
    return f"{message[:start]} … {message[-_KEPT_END:]}"


def capped_all(messages: Iterable[str]) -> tuple[str, ...]:
    """Return messages without repetitions, each capped, and in place of those beyond 100 their number."""
    listed = list(dict.fromkeys(map(capped, messages)))
    if len(listed) <= MAX_NOTES:
        return tuple(listed)
    return (*listed[: MAX_NOTES - 1], f"… and {len(listed) - MAX_NOTES + 1:,} more")


def worst(findings: tuple[Finding, ...]) -> Finding | None:
    """Return the most severe finding, with the messages of the others added; None if there are none."""
    if not findings:
        return None
    first, *others = sorted(findings, key=lambda f: (_ORDER.index(f.kind), f.line))
    message = first.message
    for other in others:
        addition = f" Line {other.line}: {other.message}"
        if len(message) + len(addition) > _MAX_JOINED:
            message += " …"
            break
        message += addition
    return first._replace(message=message[:_MAX_JOINED])
