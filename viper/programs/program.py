"""Programs and what became of them: plain values, no behaviour.

A `Program` is text that a generator wrote. Running it gives an `ProgramResult`: a value, or a `Failure`
(kind, line, message). A program's failure is data, never an exception.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from viper.errors import FailureKind
from viper.usage import Usage

__all__ = [
    "PROGRAM_FAULTS",
    "AnswerKind",
    "CallSite",
    "CheckReport",
    "Failure",
    "Finding",
    "Program",
    "StringLiteral",
    "Task",
]

PROGRAM_FAULTS: frozenset[FailureKind] = frozenset(
    {"syntax", "policy", "check", "runtime", "timeout", "memory", "limit", "model"}
)
"""Kinds that another program might avoid, so that they are worth a repair."""

Task = Literal["vqa", "grounding"]
"""An answer in words, or the box of what an expression names."""

AnswerKind = Literal["yesno", "number", "choice", "color", "name", "place", "text", "patch"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer."""

    kind: FailureKind
    message: str
    line: int | None = None
    """Line of the normalised source, counted from 1; None if the failure has no place."""

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {"kind": self.kind, "line": self.line, "message": self.message}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the checks of a program found; `viper lint` prints these."""

    kind: FailureKind
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class CallSite:
    """A call of the ImagePatch API in the source, with the arguments that are literals."""

    line: int
    method: str
    literals: tuple[str | int | float | bool | tuple[str, ...] | None, ...]
    """One entry per positional argument: a literal, or what a name stands for that is bound once, to a
    literal; a tuple for a list of texts, None for anything else."""
    repeats: bool = False
    """True where it may run more than once: in a loop, a comprehension, a function of the program's."""


@dataclass(frozen=True, slots=True)
class StringLiteral:
    """A text in the source of a program."""

    value: str
    start: int | None
    """Index of its first character in the normalised source, quotes included; None where nothing can
    be put in its place, as in an f-string."""
    end: int | None
    """Index behind its last character."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the sandbox child says about a source text before it runs it."""

    source: str
    """The program itself: taken out of prose and fences, a bare body wrapped."""
    findings: tuple[Finding, ...] = ()
    call_sites: tuple[CallSite, ...] = ()
    literals: tuple[StringLiteral, ...] | None = None
    """Its texts, in the order of the source, those without a place last; None where they are not
    known."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program as its generator wrote it."""

    source: str
    """Text as written: it may hold prose and Markdown fences; only the sandbox child parses it."""
    generator: str
    """Name of the generator, or "file" for a program that the caller gave."""
    answer_kind: AnswerKind | None = None
    """What kind of answer the question asks for, where the generator knows."""
    unparsed: tuple[str, ...] = ()
    """Words of the question that had no part in the program."""
    notes: tuple[str, ...] = ()
    """How the question was read where that is not plain: "umbrela read as umbrella"."""
    unverified: tuple[str, ...] = ()
    """Conditions of the question that the program does not test, because nobody serves them."""
    usage: Usage = field(default_factory=Usage)
    trusted: bool = False
    """True for our own grammar, whose programs hold nothing foreign but string literals."""
    from_cache: bool = False
    """True when no model was asked: an earlier program was filled with this question's words."""
