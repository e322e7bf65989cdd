"""The result of one sample: a row of `samples.jsonl`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, TypeAdapter

from viper.errors import FailureKind
from viper.programs.program import Doubt, Task
from viper.usage import Usage
from viper_benchmarks.judgement import (
    AnswerOutcome,
    FoundBox,
    How,
    ModeResult,
    RowBox,
    Share,
    WeakestCall,
    outcome_of,
)
from viper_benchmarks.sample import LONGEST_TAG, MOST_TAGS

__all__ = ["CEILING", "BaselineResult", "ErrorAttribution", "SampleResult"]

CEILING = "ceiling"
"""Name of the baseline that chooses the best box: where it is right, the detector found the target."""

# Numbers of rows: finite, and so small that sums over all rows of a file are finite as well.
_Number: TypeAlias = Annotated[float, Field(ge=0, le=1e15)]
_Count: TypeAlias = Annotated[int, Field(ge=0, le=10**15)]


# Names in rows are rows of the report: as many, and as long, as a sample may have, and a run may write.
_Name: TypeAlias = Annotated[str, Field(max_length=LONGEST_TAG)]
_Tags: TypeAlias = Annotated[tuple[_Name, ...], Field(max_length=MOST_TAGS)]
_MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """The answer of a baseline to one sample."""

    prediction: str | None
    """The answer as text; None when it failed."""
    box_xyxy: RowBox | None
    correct: bool
    score: Share
    """Score by the run's metric, 0 … 1."""
    failure: _Name | None = None
    iou: Share | None = None


@dataclass(frozen=True, slots=True)
class ErrorAttribution:
    """The cause of a wrong sample, found by replacing models with the oracle."""

    cause: _Name
    """`program`, a role, or `several` if no single role is the cause."""
    fixed_by: _Tags = ()
    """Roles that each make the sample right when the oracle replaces them alone."""


def _checked_usage(usage: Usage) -> Usage:
    _USAGE.validate_python((usage.prompt_tokens, usage.completion_tokens, usage.cost_usd or 0.0))
    return usage


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


@dataclass(frozen=True, slots=True)
class SampleResult:
    """The result of one sample; a row of `samples.jsonl`."""

    id: str
    task: Task
    prediction: str | None
    """The answer as text; None when the sample failed."""
    box_xyxy: RowBox | None
    """The first patch of a grounding answer."""
    correct: bool
    """The score is at least one half."""
    iou: Share | None
    """Grounding only; where nothing fits, 1 for no patch and 0 for any."""
    failure: _Name | None
    """Failure kind."""
    message: str | None
    calls: _Count
    forwards: Annotated[dict[_Name, _Count], Field(max_length=_MOST_NAMES)]
    ms: _Number
    tags: _Tags
    program: str | None
    unverified: tuple[str, ...]
    score: Share = 0.0
    """Score by the run's metric, 0 … 1; 0 when the sample failed."""
    scores: Annotated[dict[_Name, Share], Field(max_length=_MOST_NAMES)] = field(
        default_factory=dict
    )
    """Score by every metric that fits the task."""
    image: str = ""
    """Path, relative to the data folder if it is inside."""
    query: str = ""
    answer: str | None = None
    """The right answer."""
    right_box_xyxy: RowBox | None = None
    usage: Annotated[Usage, AfterValidator(_checked_usage)] = field(default_factory=Usage)
    """Usage of language models."""
    program_cached: bool = False
    """True when the program came from the program cache."""
    baselines: Annotated[dict[_Name, BaselineResult], Field(max_length=_MOST_NAMES)] = field(
        default_factory=dict
    )
    error_attribution: ErrorAttribution | None = None
    """Cause of a wrong sample, if the run attributes errors."""
    doubts: tuple[Doubt, ...] = ()
    """Conditions of the question that the answer may not meet; of a failure, those that prevented it."""
    untested: tuple[Doubt, ...] = ()
    """Those of them that the program does not test at all, whatever models serve it."""
    how: How | None = None
    """`direct` where the answer is one model's word about the whole image; None without an answer."""
    confidence: Share | None = None
    """As the answer states it: the share of votes; None where there were none."""
    weakest: WeakestCall | None = None
    """What the answer hangs on most."""
    found: tuple[FoundBox, ...] = ()
    """Boxes of the answer, and those that its program found."""
    trace: str | None = None
    """Page of the whole run, relative to the folder; None where none was written."""
    other_mode: ModeResult | None = None
    """The same sample in the other mode, if the run has both."""

    @property
    def outcome(self) -> AnswerOutcome:
        """Whether it is an answer, and whether one with doubts."""
        return outcome_of(self.failure, self.doubts)

    def in_mode(self, best_effort: bool) -> ModeResult:
        """Return the part of the row that stands beside the row of the other mode."""
        return ModeResult(
            best_effort, self.prediction, self.box_xyxy, self.correct, self.score, self.failure,
            self.message, self.doubts, self.how, self.confidence, self.weakest,
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return the row of `samples.jsonl`, also with the former names of two fields."""
        found = self.error_attribution
        former = found and {"lost_by": found.cause, "mended_by": found.fixed_by}
        more = {"outcome": self.outcome, "margin": self.weakest and self.weakest.margin}
        return {**asdict(self), **more, "memo": self.program_cached, "blame": former}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> SampleResult:
        """Read a row of `samples.jsonl`, also one of an older version.

        Raises:
            ValueError: It is malformed.
        """
        if not isinstance(row, dict):
            raise ValueError(f"It must be an object, but is {type(row).__name__}.")
        # Older rows have no usage: their cost is unknown.
        row = {"usage": {"cost_usd": None}, "program_cached": row.get("memo", False), **row}
        if "doubts" not in row and row.get("failure") is None:
            # Older rows name conditions without a reason.
            why = "not tested, or only in part"
            row["doubts"] = [{"condition": c, "why": why} for c in row.get("unverified") or ()]
        if "error_attribution" not in row and (former := row.get("blame")) is not None:
            cause, fixed_by = former["lost_by"], former["mended_by"]
            row["error_attribution"] = {"cause": cause, "fixed_by": fixed_by}
        # As JSON, where strict still accepts lists for tuples, but neither booleans nor texts for numbers.
        text = json.dumps(row, ensure_ascii=False)
        found = _ROW.validate_json(text.encode("utf-8", "replace"), strict=True)
        if _has_surrogates(text):  # as in the name of a file that is not UTF-8
            return _ROW.validate_python(row)
        return found

    def failed(self, kind: FailureKind, message: str) -> SampleResult:
        """Return the row of the same sample without what was answered and measured."""
        other = self.other_mode and ModeResult.failed(self.other_mode.best_effort, kind, message)
        return replace(
            self, prediction=None, box_xyxy=None, correct=False, iou=None if self.iou is None else 0.0,
            failure=kind, message=message, calls=0, forwards={}, ms=0.0, program=None, unverified=(),
            score=0.0, scores=dict.fromkeys(self.scores, 0.0), usage=Usage(cost_usd=None),
            program_cached=False, baselines={}, error_attribution=None, doubts=(), untested=(), how=None,
            confidence=None, weakest=None, found=(), trace=None, other_mode=other,
        )  # fmt: skip


_USAGE = TypeAdapter(tuple[_Count, _Count, _Number])
_ROW = TypeAdapter(SampleResult)
