"""What the child says about a program before it runs it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CallSite", "Finding", "Literal", "StringLiteral", "worst"]

Literal = str | int | float | bool | tuple[str, ...] | None
"""A literal argument; None where it is none. A list or tuple of texts is a tuple."""

_ORDER = ("syntax", "limit", "policy", "check")

_MAX_MESSAGE = 2_000


class Finding(NamedTuple):
    """One reason why a program is not run."""

    kind: str
    """"syntax", "policy" (the language), "check" (the contract), or "limit" (too large)."""
    line: int
    """Line of the normalised source, counted from 1."""
    message: str
    """What is wrong and what to write instead."""


class CallSite(NamedTuple):
    """A call of the ImagePatch API in the source."""

    line: int
    method: str
    literals: tuple[Literal, ...]
    """One entry per positional argument: a literal, or what a name stands for that is bound once, to a
    literal; None for anything else."""
    repeats: bool = False
    """True inside a loop, a comprehension or a function of the program's own: it may run more than once."""


class StringLiteral(NamedTuple):
    """A text in the source."""

    value: str
    start: int | None
    """Index of its first character in the normalised source, quotes and prefix included; None where
    it is not one plain literal, so that nothing can be put in its place."""
    end: int | None
    """Index behind its last character; None where `start` is."""


def worst(findings: tuple[Finding, ...]) -> Finding | None:
    """Sum all findings up in one, which has the place of the gravest.

    Returns:
        None if there are no findings.
    """
    if not findings:
        return None
    first, *others = sorted(findings, key=lambda f: (_ORDER.index(f.kind), f.line))
    message = first.message
    for other in others:
        addition = f" Line {other.line}: {other.message}"
        if len(message) + len(addition) > _MAX_MESSAGE:
            message += " …"
            break
        message += addition
    return first._replace(message=message[:_MAX_MESSAGE])
