"""Programs, what the check reports about them, and how they fail: plain values.

A `Program` is text that a generator wrote. Running it gives a value or a `Failure` (kind, line, message): the
failure of a program is data, never an exception.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Self

from viper.errors import FailureKind, ViperError
from viper.usage import Usage
from viper_sandbox import CallSite, CheckReport, Finding, StringLiteral
from viper_sandbox.findings import capped

__all__ = [
    "OWN_PROGRAM",
    "PROGRAM_FAULTS",
    "AnswerKind",
    "CallSite",
    "CheckReport",
    "Doubt",
    "Failure",
    "Finding",
    "Program",
    "StringLiteral",
    "Task",
]

PROGRAM_FAULTS: frozenset[FailureKind] = frozenset(
    {"syntax", "policy", "check", "runtime", "timeout", "memory", "limit", "model"}
)
"""Kinds of failure that another program might avoid: these are repaired.

`absent` and `unsure` are not among them: they are what a program found out.
"""

OWN_PROGRAM = "file"
"""Name in place of a generator for a program that the caller gave."""

Task = Literal["vqa", "grounding"]
"""An answer in words, or the box of the object that an expression refers to."""

AnswerKind = Literal["yesno", "number", "choice", "color", "name", "place", "text", "patch"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer."""

    kind: FailureKind
    message: str
    line: int | None = None
    """Line of the normalized source, counted from 1; None if the failure has no line."""

    @classmethod
    def of(cls, error: ViperError) -> Self:
        """Return the failure that an error becomes when it ends an answer; a long message is cut."""
        return cls(error.kind, capped(str(error)))

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {"kind": self.kind, "line": self.line, "message": self.message}


@dataclass(frozen=True, slots=True)
class Doubt:
    """A condition of the question that an answer may not meet."""

    condition: str
    """The condition, in words of the question: "wearing a hat"."""
    why: str
    """Why it is in doubt: "no matcher is served"."""
    needs: str = ""
    """The role of a model that would settle it; empty where none would."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program as its generator wrote it."""

    source: str
    """Text as written, perhaps with prose and Markdown fences; only the sandbox child parses it."""
    generator: str
    """Name of the generator, or "file" for a program that the caller gave."""
    answer_kind: AnswerKind | None = None
    """Kind of answer that the question asks for; None if the generator does not know."""
    unparsed: tuple[str, ...] = ()
    """Words of the question that the program does not use."""
    notes: tuple[str, ...] = ()
    """How unclear words of the question were interpreted: "umbrela read as umbrella"."""
    doubts: tuple[Doubt, ...] = ()
    """Conditions of the question that the program does not test, or only approximates, because no backend
    serves them."""
    usage: Usage = field(default_factory=Usage)
    trusted: bool = False
    """True for Viper's own grammar: only the string literals in its programs come from outside."""
    prompt: str = field(default="", compare=False, repr=False)
    """The conversation that a language model wrote it for, as text; empty if none did or if unknown."""
    from_cache: bool = False
    """True if an earlier program was reused with the words of this question, without a model."""

    @property
    def unverified(self) -> tuple[str, ...]:
        """The conditions in `doubts`."""
        return tuple(doubt.condition for doubt in self.doubts)
