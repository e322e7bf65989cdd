"""A benchmark question with its right answer, and the result of answering it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeAlias

from pydantic import AfterValidator, Field, TypeAdapter

from viper.engine.query import Query
from viper.errors import FailureKind, InputError
from viper.images.boxes import MAX_COORDINATE, Box
from viper.programs.program import Task
from viper.usage import Usage

__all__ = [
    "CEILING",
    "BaselineResult",
    "DerivedSamples",
    "ErrorAttribution",
    "Sample",
    "SampleResult",
    "Samples",
    "id_bytes",
]

CEILING = "ceiling"
"""Name of the baseline that chooses the best box: where it is right, the detector found the target."""

_LONGEST_ID = 200
"""Characters; the longest official ids have a few dozen. Each is a key in memory and a line of a page."""
_LONGEST_TAG = 200
_MOST_TAGS = 100
"""Of one sample; each tag is a row of the report. Official data have at most six."""

# Numbers of rows: finite, and so small that sums over all rows of a file are finite as well.
_Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
_Number: TypeAlias = Annotated[float, Field(ge=0, le=1e15)]
_Count: TypeAlias = Annotated[int, Field(ge=0, le=10**15)]
_Edge: TypeAlias = Annotated[float, Field(ge=-MAX_COORDINATE, le=MAX_COORDINATE)]
_RowBox: TypeAlias = tuple[_Edge, _Edge, _Edge, _Edge]


def id_bytes(id_: str) -> bytes:
    """Return an id as bytes to hash, also one with lone surrogates, which rows of strangers may have."""
    return id_.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Sample:
    """One question with its right answer."""

    id: str
    task: Task
    image: Path
    query: str
    choices: tuple[str, ...] = ()
    answer: str | None = None
    """The right answer of a vqa sample; of several annotators, the one given most often."""
    answers: tuple[str, ...] = ()
    """The answer of each annotator; empty where there is one right answer."""
    box_xyxy: Box | None = None
    """The right box of a grounding sample in pixels, origin top left; None: nothing fits."""
    tags: tuple[str, ...] = ()
    """Groups of the report, such as `count` or `hops:3`; the part before a colon names the kind."""
    program: str | None = None
    """Program to run instead of a generated one."""
    unwritten: str | None = None
    """Why saved programs have none for this sample, which then fails with kind `generator`."""

    def __post_init__(self) -> None:
        """Check what every later step relies on: a file of samples may come from anybody.

        Raises:
            InputError: A text is too long or has lone surrogates, or a box is not finite.
        """
        _check_text("id", self.id, _LONGEST_ID)
        if len(self.tags) > _MOST_TAGS:
            raise InputError(
                f"It has {len(self.tags):,} tags; {_MOST_TAGS} at most can be reported."
            )
        for tag in self.tags:
            _check_text("tag", tag, _LONGEST_TAG)
        for name in ("query", "answer", "program"):
            _check_text(name, getattr(self, name) or "")
        for name in ("choices", "answers"):
            for text in getattr(self, name):
                _check_text(name, text)
        if self.box_xyxy is not None and not all(abs(x) <= MAX_COORDINATE for x in self.box_xyxy):
            raise InputError(f"Its box has a coordinate that is not within ±{MAX_COORDINATE:,.0f}.")

    def to_query(self, program: str | None) -> Query:
        """Return the question for the engine, which generates a program if none is given."""
        return Query(self.image, self.query, self.task, self.choices, program)


def _check_text(name: str, text: str, longest: int | None = None) -> None:
    if longest is not None and len(text) > longest:
        raise InputError(
            f"Its {name} {text[:40]!r}… has {len(text):,} characters; {longest} at most are accepted."
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"Its {name} has the lone surrogate {text[error.start]!a}, which is no character."
        ) from None


class Samples(Protocol):
    """The samples of a task, which can be iterated more than once, such as a list."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __iter__(self) -> Iterator[Sample]:
        """Yield them in the order of the file."""
        ...


@dataclass(frozen=True, slots=True)
class DerivedSamples:
    """Samples made from others, anew for each iteration."""

    n: int
    iterate: Callable[[], Iterator[Sample]]

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Sample]:
        return self.iterate()


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """The answer of a baseline to one sample."""

    prediction: str | None
    """The answer as text; None when it failed."""
    box_xyxy: _RowBox | None
    correct: bool
    score: _Share
    """Score by the run's metric, 0 … 1."""
    failure: str | None = None
    iou: _Share | None = None


@dataclass(frozen=True, slots=True)
class ErrorAttribution:
    """The cause of a wrong sample, found by replacing models with the oracle."""

    cause: str
    """`program`, a role, or `several` if no single role is the cause."""
    fixed_by: tuple[str, ...] = ()
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
    box_xyxy: _RowBox | None
    """The first patch of a grounding answer."""
    correct: bool
    """The score is at least one half."""
    iou: _Share | None
    """Grounding only; where nothing fits, 1 for no patch and 0 for any."""
    failure: str | None
    """Failure kind."""
    message: str | None
    calls: _Count
    forwards: dict[str, _Count]
    ms: _Number
    tags: tuple[str, ...]
    program: str | None
    unverified: tuple[str, ...]
    score: _Share = 0.0
    """Score by the run's metric, 0 … 1; 0 when the sample failed."""
    scores: dict[str, _Share] = field(default_factory=dict)
    """Score by every metric that fits the task."""
    image: str = ""
    """Path, relative to the data folder if it is inside."""
    query: str = ""
    answer: str | None = None
    """The right answer."""
    right_box_xyxy: _RowBox | None = None
    usage: Annotated[Usage, AfterValidator(_checked_usage)] = field(default_factory=Usage)
    """Usage of language models."""
    program_cached: bool = False
    """True when the program came from the program cache."""
    baselines: dict[str, BaselineResult] = field(default_factory=dict)
    error_attribution: ErrorAttribution | None = None
    """Cause of a wrong sample, if the run attributes errors."""

    def to_json(self) -> dict[str, Any]:
        """Return the row of `samples.jsonl`, also with the former names of two fields."""
        found = self.error_attribution
        former = found and {"lost_by": found.cause, "mended_by": found.fixed_by}
        return {**asdict(self), "memo": self.program_cached, "blame": former}

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
        return replace(
            self, prediction=None, box_xyxy=None, correct=False, iou=None if self.iou is None else 0.0,
            failure=kind, message=message, calls=0, forwards={}, ms=0.0, program=None, unverified=(),
            score=0.0, scores=dict.fromkeys(self.scores, 0.0), usage=Usage(cost_usd=None),
            program_cached=False, baselines={}, error_attribution=None,
        )  # fmt: skip


_USAGE = TypeAdapter(tuple[_Count, _Count, _Number])
_ROW = TypeAdapter(SampleResult)
