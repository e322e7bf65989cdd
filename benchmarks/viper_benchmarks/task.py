"""A benchmark task: the reader of its official files, with its name, splits and other facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from viper_benchmarks.sample import Samples

__all__ = ["STANDARD_SUBSETS", "BenchmarkTask"]

STANDARD_SUBSETS: Mapping[str, int] = {"mini": 200, "standard": 1000}
"""Name → size of the pinned subsets that every official split has; `selection.py` defines their ids."""


@dataclass(frozen=True, slots=True)
class BenchmarkTask:
    """A benchmark by name; a plugin's entry point in the group `viper.benchmarks` names one.

    Example:
        >>> TASK = BenchmarkTask("mine", 1, "My questions.", "mine.csv", "my own", read_mine)
    """

    name: str
    version: int
    """Increased whenever a change of the reader changes questions or right answers."""
    summary: str
    """One sentence."""
    layout: str
    """The files that it needs below `--data`, one per line."""
    origin: str
    """Source of the files."""
    read: Callable[[Path, str], Samples]
    """Called with `--data` and the split. It raises `InputError` for missing or malformed data, with
    the expected path, its content and its source."""
    splits: Mapping[str, int | None] = field(default_factory=dict)
    """Split → number of samples in its official files, None if not fixed; empty for a task
    without splits."""
    default_split: str = ""
    subsets: Mapping[str, int] = field(default_factory=dict)
    """Name → size of the pinned subsets."""
    truth: Callable[[Path, str], Path | None] | None = None
    """Returns the scene file of a split, for the oracle; None if there is none."""
    exposure: str | None = None
    """Overlap of the data with the training data of usual models; printed next to each score."""
    presupposes_answer: bool = False
    """Whether scoring takes for granted that each question has an answer that can be given: then samples are
    answered by the best effort, unless the user asks otherwise."""
    images: str = ""
    """Where the images come from: then a run is refused before any work if one of its images is missing.
    Empty where a missing image is a failed sample."""
