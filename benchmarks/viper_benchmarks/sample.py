"""A benchmark question with its right answer, and the result of answering it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter

from viper.engine.query import Query
from viper.images.boxes import Box
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
]

CEILING = "ceiling"
"""Name of the baseline that chooses the best box: where it is right, the detector found the target."""


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

    def to_query(self, program: str | None) -> Query:
        """Return the question for the engine, which generates a program if none is given."""
        return Query(self.image, self.query, self.task, self.choices, program)


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
    box_xyxy: tuple[float, ...] | None
    correct: bool
    score: float
    """Score by the run's metric, 0 … 1."""
    failure: str | None = None
    iou: float | None = None


@dataclass(frozen=True, slots=True)
class ErrorAttribution:
    """The cause of a wrong sample, found by replacing models with the oracle."""

    cause: str
    """`program`, a role, or `several` if no single role is the cause."""
    fixed_by: tuple[str, ...] = ()
    """Roles that each make the sample right when the oracle replaces them alone."""


@dataclass(frozen=True, slots=True)
class SampleResult:
    """The result of one sample; a row of `samples.jsonl`."""

    id: str
    task: Task
    prediction: str | None
    """The answer as text; None when the sample failed."""
    box_xyxy: tuple[float, ...] | None
    """The first patch of a grounding answer."""
    correct: bool
    """The score is at least one half."""
    iou: float | None
    """Grounding only; where nothing fits, 1 for no patch and 0 for any."""
    failure: str | None
    """Failure kind."""
    message: str | None
    calls: int
    forwards: dict[str, int]
    ms: float
    tags: tuple[str, ...]
    program: str | None
    unverified: tuple[str, ...]
    score: float = 0.0
    """Score by the run's metric, 0 … 1; 0 when the sample failed."""
    scores: dict[str, float] = field(default_factory=dict)
    """Score by every metric that fits the task."""
    image: str = ""
    """Path, relative to the data folder if it is inside."""
    query: str = ""
    answer: str | None = None
    """The right answer."""
    right_box_xyxy: tuple[float, ...] | None = None
    usage: Usage = field(default_factory=Usage)
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
        try:
            return _ROW.validate_json(text.encode(), strict=True)
        except UnicodeEncodeError:  # a name of a file that is not UTF-8
            return _ROW.validate_python(row)


_ROW = TypeAdapter(SampleResult)
