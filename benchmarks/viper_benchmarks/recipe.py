"""How to make a solver, as plain values: here, or in a worker on another machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from viper.engine import Engine
from viper.stats import RunStats
from viper_benchmarks.baselines import Baselines, Prior
from viper_benchmarks.blame import Blamer
from viper_benchmarks.scores import Judge, Metric
from viper_benchmarks.solver import LocalSolver

__all__ = ["Recipe"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What makes a solver of a process of its own."""

    engine: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of `Engine`."""
    metric: Metric = "default"
    data_folder: Path | None = None
    prior: Prior | None = None
    """Of the samples, where baselines are asked; None without baselines."""
    scenes: Path | None = None
    """What the pictures show, where blame is asked for."""

    @property
    def judge(self) -> Judge:
        """Compares answers with what is right."""
        return Judge(self.metric, self.data_folder)

    @contextlib.contextmanager
    def open(self, stats: RunStats | None = None) -> Iterator[LocalSolver]:
        """Make the solver; engine and models end with the context.

        Args:
            stats: Gets what each answer took.

        Raises:
            ConfigError: The engine cannot be made, or blame makes no sense with it.
        """
        judge = self.judge
        with contextlib.ExitStack() as stack:
            engine = stack.enter_context(Engine(**self.engine))
            baselines = None if self.prior is None else Baselines(engine, judge, self.prior)
            blamer = None
            if self.scenes is not None:
                blamer = stack.enter_context(Blamer(engine, judge, self.scenes))
            yield LocalSolver(engine, judge, baselines=baselines, blamer=blamer, stats=stats)
