"""Evaluates one sample: answers it, scores the answer, and runs baselines and error attribution."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from viper.engine.engine import Engine
from viper.engine.query import Query
from viper.errors import InputError
from viper.images.decoding import open_image
from viper.programs.program import Failure
from viper.trace.stats import RunStats
from viper_benchmarks.baselines import Baselines, Prior
from viper_benchmarks.error_attribution import ErrorAttributor
from viper_benchmarks.sample import Sample, SampleResult
from viper_benchmarks.scorer import Metric, Scorer

__all__ = ["EvaluatorSpec", "LocalEvaluator", "SampleEvaluator"]


class SampleEvaluator(Protocol):
    """Evaluates samples, several at a time."""

    async def evaluate(self, sample: Sample) -> SampleResult:
        """Return the row of a sample; failures are rows too."""
        ...


@dataclass(frozen=True, slots=True)
class EvaluatorSpec:
    """Plain values from which any process can open an evaluator."""

    engine: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of `Engine`."""
    metric: Metric = "default"
    data_folder: Path | None = None
    prior: Prior | None = None
    """Of the samples; None without baselines."""
    scenes: Path | None = None
    """Scene file of the images; None without error attribution."""

    @property
    def scorer(self) -> Scorer:
        """Compares answers with the right ones."""
        return Scorer(self.metric, self.data_folder)

    @contextlib.contextmanager
    def open(self, stats: RunStats | None = None) -> Iterator[LocalEvaluator]:
        """Open an evaluator in this process; engine and models are closed with the context.

        Args:
            stats: Gets the trace of each answer.

        Raises:
            ConfigError: The engine cannot be opened, or its errors cannot be attributed.
        """
        scorer = self.scorer
        with contextlib.ExitStack() as stack:
            engine = stack.enter_context(Engine(**self.engine))
            baselines = attributor = None
            if self.prior is not None:
                baselines = Baselines(engine, scorer, self.prior)
            if self.scenes is not None:
                attributor = stack.enter_context(ErrorAttributor(engine, scorer, self.scenes))
            yield LocalEvaluator(
                engine, scorer, baselines=baselines, attributor=attributor, stats=stats
            )


class LocalEvaluator:
    """Evaluates samples with one engine in this process.

    Args:
        engine: Answers them; all samples share its models.
        scorer: Compares answers with the right ones.
        baselines: Run on every sample.
        attributor: Run on every wrong sample.
        stats: Gets the trace of each answer of the engine.
    """

    def __init__(
        self,
        engine: Engine,
        scorer: Scorer,
        *,
        baselines: Baselines | None = None,
        attributor: ErrorAttributor | None = None,
        stats: RunStats | None = None,
    ) -> None:
        self._engine = engine
        self._baselines = baselines
        self._scorer = scorer
        self._attributor = attributor
        self._stats = stats

    def describe(self) -> dict[str, Any]:
        """Return models and omitted baselines, for `run.json`."""
        described: dict[str, Any] = {"fingerprints": self._engine.fingerprints()}
        if self._baselines is not None:
            described["baselines_left_out"] = self._baselines.omitted()
        return described

    async def evaluate(self, sample: Sample) -> SampleResult:
        """Return the row of a sample."""
        try:
            result = await self._answer(sample)
        except InputError as error:
            return self._scorer.failed(sample, Failure(error.kind, str(error)))
        if result.failure == "budget":
            return result
        if self._baselines is not None:
            answers = await self._baselines.answer(sample, result.program)
            result = replace(result, baselines=answers)
        if self._attributor is not None:
            cause = await self._attributor.cause(sample, result)
            result = replace(result, error_attribution=cause)
        return result

    async def _answer(self, sample: Sample) -> SampleResult:
        if sample.unwritten is not None:
            # An unreadable image is the failure that counts.
            image = await asyncio.to_thread(open_image, sample.image)
            failure = Failure("generator", sample.unwritten)
            return self._scorer.failed(sample, failure, image.size[1])
        query = Query(sample.image, sample.query, sample.task, sample.choices, sample.program)
        answer = await self._engine.arun(query)
        if self._stats is not None:
            self._stats.add(answer.trace)
        return self._scorer.result(sample, answer)
