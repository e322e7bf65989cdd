"""What programs did: each turn of a run, with its calls and what a vote made of it.

The fields of a record are the keys of its JSON object, in the order of their definition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from viper.errors import FailureKind
from viper.images.boxes import Box
from viper.images.values import json_patches
from viper.trace.model import (
    MEASURE,
    SCORE_DIGITS,
    Constraint,
    Count,
    DoubtField,
    FailureField,
    FindingField,
    Index,
    Milliseconds,
    Record,
    Score,
    SiteField,
    UsageField,
)
from viper.trace.values import ProgramValue

__all__ = ["Attempt", "CallError", "CallRecord", "Observation", "TextScore", "Votes", "margin_of"]


@dataclass(frozen=True, slots=True)
class CallError(Record):
    """Why a call has no result."""

    kind: Literal["ValueError", "TypeError", FailureKind]
    """An exception that the program could catch, or the kind of failure that ended it."""
    message: str
    """What was wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextScore(Record):
    """How well a text matches a region."""

    text: str
    """As it was compared."""
    score: float
    """0 to 1."""
    image: Index | None = None
    """Index of the image; null for the patch of the call."""
    box_xyxy: Box | None = None
    """The region that was compared; null for the patch of the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord(Record):
    """One call of a program that needed a model, or by which it said that there is no answer."""

    line: int
    """Line of the program, counted from 1."""
    method: str
    """ImagePatch.find for a method, the bare name for a function."""
    role: str
    """The role that the method needs; empty for `absent` and `unsure`."""
    model: str
    """Reference of the backend; empty where no backend serves the role."""
    image: Index | None
    """Index of the image that the patch is on; null for a function."""
    box_xyxy: Box | None
    """Box of the patch whose method was called; null for a function."""
    arguments: tuple[ProgramValue, ...]
    """One per parameter of the method, defaults filled in."""
    result: ProgramValue
    """What the program got; null when the call failed."""
    score: Score
    """How sure the model was, 0 to 1: of the best patch found, or of the choice; null if the model gives
    none."""
    threshold: Score = None
    """The score at which the result becomes another: the least one that a detector reports, the 0.5 of a
    property, the second best of a choice; null where there is none, or it is not known."""
    scores: tuple[TextScore, ...] | None = None
    """Scores of all texts that a matcher compared; not used yet, so null."""
    error: CallError | None
    """Null, or why the call failed."""
    notes: tuple[str, ...]
    """Remarks, such as a synonym used for the phrase."""
    unverified: tuple[str, ...]
    """Conditions that it tested only in part."""
    doubts: tuple[DoubtField, ...] = ()
    """The same conditions, and why they are in doubt."""
    started_ms: Milliseconds
    """Start of the call, counted from the beginning of the answer."""
    ms: Milliseconds
    """From the call to its result."""
    model_ms: Milliseconds
    """Time in the forwards that it waited for."""
    queue_ms: Milliseconds
    """Longest wait of a request for its forward."""
    forwards: Count
    """Forwards that it waited for."""
    batch_size: Count
    """Largest batch that it was part of; 0 when no model ran."""
    cached: Annotated[bool, MEASURE]
    """Whether all results came from a cache: an earlier call, answer or process."""
    prefetched: Count
    """How many of its requests had been prefetched."""
    usage: UsageField
    """Tokens that it was billed."""

    @property
    def margin(self) -> float | None:
        """How far the result is from becoming another, on the scale of its scores; None if not known.

        What `find` returns hangs on the patch that is nearest to the threshold, not on the best one.
        """
        return margin_of(self.method, self.score, self.threshold, self.result)

    @property
    def failure(self) -> str | None:
        """Message of what went wrong; None when the call was answered."""
        return None if self.error is None else self.error.message

    @property
    def failure_kind(self) -> str | None:
        """Kind of what went wrong; None when the call was answered."""
        return None if self.error is None else self.error.kind


def margin_of(
    method: str, score: float | None, threshold: float | None, result: Any
) -> float | None:
    """Return `CallRecord.margin` for the fields of a call, rounded like them in JSON or not."""
    if score is None or threshold is None:
        return None
    scores = [score]
    if method == "ImagePatch.find":
        scores += (patch["score"] for patch in json_patches(result))
    limit = round(threshold, SCORE_DIGITS)
    return min(round(abs(round(one, SCORE_DIGITS) - limit), SCORE_DIGITS) for one in scores)


@dataclass(frozen=True, slots=True)
class Observation(Record):
    """What one step of a program reported."""

    text: str
    """As the language model reads it."""
    value: ProgramValue = None
    """The value behind it; null where there is only text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Record):
    """One program and what became of it: a turn of the run."""

    generator: str
    """Name of the generator."""
    from_program_cache: Annotated[bool, MEASURE]
    """Whether the program came from the program cache, so that no model was asked for it."""
    notes: tuple[str, ...]
    """How the question was read; in traces of Viper 0.1 also warnings of models about their results."""
    source: str
    """The program; line numbers refer to this text. Empty when none could be written."""
    outcome: Literal["returned", "observed", "failed"]
    """`returned` a value, `observed` (reported observations for the next turn; no program does yet), or
    `failed`."""
    failure: FailureField | None
    """Null, or why it gave no answer."""
    findings: tuple[FindingField, ...]
    """What the checks found, so that the program was not run."""
    call_sites: tuple[SiteField, ...]
    """Calls of the API in the source."""
    calls: tuple[CallRecord, ...]
    """The calls that needed a model, in order."""
    printed: str
    """What it printed."""
    observations: tuple[Observation, ...] = ()
    """What it reported step by step; not used yet, so empty."""
    returned: ProgramValue
    """What the program returned, sets as sorted lists; null when it failed."""
    unverified: tuple[str, ...]
    """Conditions of the question that it did not test, or only in part."""
    doubts: tuple[DoubtField, ...] = ()
    """The same conditions, and why they are in doubt."""
    prompt: str = ""
    """What the language model was sent that wrote the program: one text, with `--- ROLE` in front of each
    message. Cut in the middle where it is very long, and without secrets; empty if none was asked."""
    reply: str = ""
    """What the language model replied, with all that is not the program; cut like the prompt."""
    usage: UsageField
    """Tokens and cost of writing the program."""
    started_ms: Milliseconds
    """When it began to run, from the beginning of the answer."""
    generate_ms: Milliseconds
    """Time of writing it."""
    run_ms: Milliseconds
    """Time of running it, calls included."""


@dataclass(frozen=True, slots=True)
class Votes(Record):
    """How several programs for one question voted."""

    n: Annotated[int, Constraint(ge=1)]
    """Programs that were asked for."""
    answers: dict[str, int]
    """Answer: programs that gave it, most votes first."""
    failed: Index
    """Programs that gave no answer, or could not be written."""

    @property
    def confidence(self) -> float | None:
        """Share of all programs that gave the answer; None when all failed."""
        return max(self.answers.values()) / self.n if self.answers else None
