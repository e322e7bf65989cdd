"""How to make a solver, as plain values: here, or in a worker on another machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from viper.engine.engine import Engine
from viper.trace.stats import RunStats
from viper_benchmarks.baselines import Baselines, Prior
from viper_benchmarks.error_attribution import ErrorAttributor
from viper_benchmarks.evaluator import LocalEvaluator
from viper_benchmarks.scorer import Metric, Scorer

__all__ = ["EvaluatorSpec"]


@dataclass(frozen=True, slots=True)
class EvaluatorSpec:
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
    def judge(self) -> Scorer:
        """Compares answers with what is right."""
        return Scorer(self.metric, self.data_folder)

    @contextlib.contextmanager
    def open(self, stats: RunStats | None = None) -> Iterator[LocalEvaluator]:
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
                blamer = stack.enter_context(ErrorAttributor(engine, judge, self.scenes))
            yield LocalEvaluator(engine, judge, baselines=baselines, blamer=blamer, stats=stats)
