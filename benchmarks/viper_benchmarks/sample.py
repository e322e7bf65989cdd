"""One benchmark question with its right answer, and what became of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from viper.boxes import Box
from viper.program import Task, Usage

__all__ = ["Sample", "SampleResult"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One question with what is right."""

    id: str
    task: Task
    image: Path
    query: str
    choices: tuple[str, ...] = ()
    answer: str | None = None
    """The right answer of a vqa sample."""
    box_xyxy: Box | None = None
    """The right box of a grounding sample in pixels, origin top left; None: nothing fits."""
    tags: tuple[str, ...] = ()
    program: str | None = None
    """Run as it is, instead of generating one."""


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
    usage: Usage = field(default_factory=Usage)
    """What language models used for it."""
    memo: bool = False
    """True when the program was remembered."""

    def to_json(self) -> dict[str, Any]:
        """Return the row of `samples.jsonl`."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> SampleResult:
        """Read a row of `samples.jsonl`."""
        row = dict(row, tags=tuple(row["tags"]), unverified=tuple(row["unverified"]))
        row["usage"] = Usage(**row.get("usage", {"cost_usd": None}))  # older rows do not tell
        if row["box_xyxy"] is not None:
            row["box_xyxy"] = tuple(row["box_xyxy"])
        return cls(**row)
