"""One benchmark question with what is right, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from viper.images.boxes import Box
from viper.programs.program import Task
from viper.usage import Usage

__all__ = ["CEILING", "BaselineResult", "ErrorAttribution", "Sample", "SampleResult", "Samples"]


CEILING = "ceiling"
"""Name of the baseline that knows the right box: where it is right, the detector has the target."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One question with what is right."""

    id: str
    task: Task
    image: Path
    query: str
    choices: tuple[str, ...] = ()
    answer: str | None = None
    """The right answer of a vqa sample; of several annotators, the one given most often."""
    answers: tuple[str, ...] = ()
    """What each annotator answered, one entry each; empty where there is one right answer."""
    box_xyxy: Box | None = None
    """The right box of a grounding sample in pixels, origin top left; None: nothing fits."""
    tags: tuple[str, ...] = ()
    """Groups of the report, such as `count` or `hops:3`; what stands before a colon names the kind."""
    program: str | None = None
    """Run as it is, instead of generating one."""
    unwritten: str | None = None
    """Why a set of saved programs has none for this sample, which then fails with kind `generator`."""


class Samples(Protocol):
    """The samples of a task, read anew each time that they are iterated; a list of samples is one."""

    def __len__(self) -> int:
        """Return how many samples there are."""
        ...

    def __iter__(self) -> Iterator[Sample]:
        """Yield them in the order of the file."""
        ...


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """What a baseline answered to one sample."""

    prediction: str | None
    """The answer as text; None when it failed."""
    box_xyxy: tuple[float, ...] | None
    correct: bool
    score: float
    """By the run's metric, 0 … 1."""
    failure: str | None = None
    iou: float | None = None

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> BaselineResult:
        """Read what `asdict` wrote."""
        return cls(**{**row, "box_xyxy": _box(row["box_xyxy"])})


@dataclass(frozen=True, slots=True)
class ErrorAttribution:
    """Who lost a wrong sample, found by putting truth in the place of models."""

    lost_by: str
    """`program`, a role, or `several`: no role alone."""
    mended_by: tuple[str, ...] = ()
    """Roles that each make the sample right, alone, when the truth serves them."""


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What became of one sample; a row of `samples.jsonl`."""

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
    """By the run's metric, 0 … 1; 0 when the sample failed."""
    scores: dict[str, float] = field(default_factory=dict)
    """By every metric that fits the task."""
    image: str = ""
    """Path, relative to the folder of the data where it lies in it."""
    query: str = ""
    answer: str | None = None
    """What is right."""
    right_box_xyxy: tuple[float, ...] | None = None
    usage: Usage = field(default_factory=Usage)
    """What language models used for it."""
    memo: bool = False
    """True when the program was remembered."""
    baselines: dict[str, BaselineResult] = field(default_factory=dict)
    blame: ErrorAttribution | None = None
    """Where the run looks for it: who lost a wrong sample."""

    def to_json(self) -> dict[str, Any]:
        """Return the row of `samples.jsonl`."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> SampleResult:
        """Read a row of `samples.jsonl`."""
        row = dict(row, tags=tuple(row["tags"]), unverified=tuple(row["unverified"]))
        row["usage"] = Usage(**row.get("usage", {"cost_usd": None}))  # older rows do not tell
        row["box_xyxy"] = _box(row["box_xyxy"])
        row["right_box_xyxy"] = _box(row.get("right_box_xyxy"))
        row["baselines"] = {
            name: BaselineResult.from_json(value)
            for name, value in row.get("baselines", {}).items()
        }
        if (blame := row.get("blame")) is not None:
            row["blame"] = ErrorAttribution(blame["lost_by"], tuple(blame["mended_by"]))
        return cls(**row)


def _box(value: Any) -> tuple[float, ...] | None:
    return None if value is None else tuple(value)
