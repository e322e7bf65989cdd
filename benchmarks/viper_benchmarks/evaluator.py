"""Answers one sample, judges it, and asks baselines and blame about it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Protocol

from viper.engine.engine import Engine
from viper.engine.query import Query
from viper.errors import InputError
from viper.images.decoding import open_image
from viper.programs.program import Failure
from viper.trace.stats import RunStats
from viper_benchmarks.baselines import Baselines
from viper_benchmarks.error_attribution import ErrorAttributor
from viper_benchmarks.sample import Sample, SampleResult
from viper_benchmarks.scorer import Scorer

__all__ = ["LocalEvaluator", "SampleEvaluator"]


class SampleEvaluator(Protocol):
    """Makes rows of samples, several at a time."""

    async def solve(self, sample: Sample) -> SampleResult:
        """Return the row of a sample; failures are rows too."""
        ...


class LocalEvaluator:
    """Solves samples with one engine in this process.

    Args:
        engine: Answers them; its models are shared by all.
        judge: Compares answers with what is right.
        baselines: Asked about every sample.
        blamer: Asked about every wrong sample.
        stats: Gets what each answer of the engine took.
    """

    def __init__(
        self,
        engine: Engine,
        judge: Scorer,
        *,
        baselines: Baselines | None = None,
        blamer: ErrorAttributor | None = None,
        stats: RunStats | None = None,
    ) -> None:
        self.engine = engine
        self.baselines = baselines
        self._judge = judge
        self._blamer = blamer
        self._stats = stats

    def describe(self) -> dict[str, Any]:
        """Return what is known of models and baselines, for `run.json`."""
        left_out = {} if self.baselines is None else self.baselines.left_out()
        return {
            "fingerprints": self.engine.fingerprints(),
            **({"baselines_left_out": left_out} if self.baselines else {}),
        }

    async def solve(self, sample: Sample) -> SampleResult:
        """Return the row of a sample."""
        try:
            result = await self._answer(sample)
        except InputError as error:
            return self._judge.failed(sample, Failure(error.kind, str(error)))
        if result.failure == "budget":
            return result
        if self.baselines is not None:
            answered = await self.baselines.answer(sample, result.program)
            result = replace(result, baselines=answered)
        if self._blamer is not None and not result.correct:
            result = replace(result, blame=await self._blamer.blame(sample, result))
        return result

    async def _answer(self, sample: Sample) -> SampleResult:
        if sample.unwritten is not None:
            # A picture that cannot be read fails as such.
            image = await asyncio.to_thread(open_image, sample.image)
            failure = Failure("generator", sample.unwritten)
            return self._judge.failed(sample, failure, image.size[1])
        query = Query(sample.image, sample.query, sample.task, sample.choices, sample.program)
        answer = await self.engine.arun(query)
        if self._stats is not None:
            self._stats.add(answer.trace)
        return self._judge.result(sample, answer)
