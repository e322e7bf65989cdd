"""What a benchmark task is: a reader of official files, and what is known about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from viper_benchmarks.sample import Samples

__all__ = ["STANDARD_SUBSETS", "BenchmarkTask"]

STANDARD_SUBSETS: Mapping[str, int] = {"mini": 200, "standard": 1000}
"""Name → size of the pinned subsets that every official split has; `selection.py` says which ids."""


@dataclass(frozen=True, slots=True)
class BenchmarkTask:
    """A benchmark by name; a plugin's entry point in the group `viper.benchmarks` names one.

    Example:
        >>> TASK = BenchmarkTask("mine", 1, "My questions.", "mine.csv", "my own", read_mine)
    """

    name: str
    version: int
    """Raised whenever a change of the reader changes what is asked or what is right."""
    summary: str
    """One sentence."""
    layout: str
    """The files that it needs below `--data`, a line each."""
    origin: str
    """Where they come from."""
    read: Callable[[Path, str], Samples]
    """Called with `--data` and the split. It raises `InputError` for whatever is missing or malformed,
    with the path that was expected, what it should hold, and where it comes from."""
    splits: Mapping[str, int | None] = field(default_factory=dict)
    """Split → how many samples its official files hold, None where that is not fixed; empty for a task
    without splits."""
    default_split: str = ""
    subsets: Mapping[str, int] = field(default_factory=dict)
    """Name → size of the pinned subsets."""
    truth: Callable[[Path, str], Path | None] | None = None
    """Finds the file of scenes of a split, for true perception; None where there is none."""
    exposure: str | None = None
    """What usual models have seen of the data while they were trained; printed beside each score."""
