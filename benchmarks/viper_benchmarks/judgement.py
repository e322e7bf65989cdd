"""What a row says of one answer besides its text: its outcome, how sure it is, what the run found.

    answered        the program tested everything that the question asks
    doubtful        answered with doubts: only where the best effort was asked for
    not answered    a failure

With the task grounding, `absent` is an answer: what the expression takes for granted is not in the image, so
there is no such object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, TypeAlias

from pydantic import Field

from viper.engine.answer import Answer
from viper.images.boxes import MAX_COORDINATE
from viper.images.values import json_patches
from viper.programs.program import Doubt

__all__ = ["AnswerOutcome", "Edge", "FoundBox", "How", "Judged", "ModeResult", "RowBox", "Share"]
__all__ += ["WeakestCall", "found_boxes", "outcome_of", "weakest_call"]

AnswerOutcome: TypeAlias = Literal["answered", "answered_with_doubts", "no_answer"]
How: TypeAlias = Literal["program", "direct"]

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Edge: TypeAlias = Annotated[float, Field(ge=-MAX_COORDINATE, le=MAX_COORDINATE)]
RowBox: TypeAlias = tuple[Edge, Edge, Edge, Edge]

# Boxes of one row: more cannot be told apart in a small picture.
_MOST_BOXES = 40
# Letters of a category: those of detectors have a few words.
_LONGEST_CATEGORY = 100


@dataclass(frozen=True, slots=True)
class FoundBox:
    """A box that the run found."""

    box_xyxy: RowBox
    category: str
    role: str
    """`found`, or what the answer makes of it, as the trace says: `answer`, `rejected`, `reference`."""
    score: Share | None = None


@dataclass(frozen=True, slots=True)
class WeakestCall:
    """The call whose score was nearest to its threshold: what the answer hangs on most."""

    method: str
    line: int | None
    score: Share
    threshold: Share

    @property
    def margin(self) -> float:
        """How far the score is from the threshold."""
        return abs(self.score - self.threshold)


@dataclass(frozen=True, slots=True)
class ModeResult:
    """The same sample answered in the other mode: by the best effort, or without it."""

    best_effort: bool
    prediction: str | None
    box_xyxy: RowBox | None
    correct: bool
    score: Share
    failure: Annotated[str, Field(max_length=200)] | None
    message: str | None
    doubts: tuple[Doubt, ...] = ()
    how: How | None = None
    confidence: Share | None = None
    weakest: WeakestCall | None = None

    @property
    def outcome(self) -> AnswerOutcome:
        """Whether it is an answer, and whether one with doubts."""
        return outcome_of(self.failure, self.doubts)

    @classmethod
    def failed(cls, best_effort: bool, kind: str, message: str | None) -> ModeResult:
        """Return the result of a sample that fails in any mode."""
        return cls(best_effort, None, None, False, 0.0, kind, message)


class Judged(Protocol):
    """What is summed up of a row, in either mode."""

    @property
    def correct(self) -> bool:
        """Whether it is right."""
        ...

    @property
    def score(self) -> float:
        """Score by the run's metric, 0 … 1."""
        ...

    @property
    def failure(self) -> str | None:
        """Failure kind; None with an answer."""
        ...

    @property
    def outcome(self) -> AnswerOutcome:
        """Whether it is an answer, and whether one with doubts."""
        ...

    @property
    def how(self) -> How | None:
        """`direct` for one model's word."""
        ...

    @property
    def confidence(self) -> float | None:
        """Share of votes; None without votes."""
        ...

    @property
    def weakest(self) -> WeakestCall | None:
        """What it hangs on most."""
        ...


def outcome_of(failure: str | None, doubts: tuple[Doubt, ...]) -> AnswerOutcome:
    """Return the outcome of a row."""
    if failure is not None:
        return "no_answer"
    return "answered_with_doubts" if doubts else "answered"


def weakest_call(answer: Answer) -> WeakestCall | None:
    """Return what an answer hangs on most; None where no score of it has a threshold."""
    call = answer.weakest
    if call is None or call.score is None or call.threshold is None:
        return None
    return WeakestCall(call.method, call.line, call.score, call.threshold)


def found_boxes(answer: Answer) -> tuple[FoundBox, ...]:
    """Return the patches of an answer, then the other boxes that its program's detector found."""
    trace = answer.trace
    boxes: dict[tuple[float, ...], FoundBox] = {}
    for patch in trace.patches:
        _add(boxes, patch, str(patch.get("role") or "answer"))
    for call in trace.calls:
        if call.role == "detector":
            for patch in json_patches([call.result]):
                _add(boxes, patch, "found")
    return tuple(boxes.values())


def _add(boxes: dict[tuple[float, ...], FoundBox], patch: dict[str, Any], role: str) -> None:
    box = x1, y1, x2, y2 = tuple(round(float(edge), 2) for edge in patch["box_xyxy"])
    if box in boxes or len(boxes) >= _MOST_BOXES:
        return
    category = str(patch.get("category") or "")[:_LONGEST_CATEGORY]
    boxes[box] = FoundBox((x1, y1, x2, y2), category, role, patch.get("score"))
