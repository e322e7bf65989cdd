"""Evaluates one sample: answers it, scores the answer, and runs baselines and error attribution."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from viper.engine.answer import Answer
from viper.engine.engine import Engine
from viper.engine.trace_builder import LOOKED_AT_NOTHING
from viper.errors import InputError
from viper.images.decoding import open_image
from viper.methods.doubts import refusal
from viper.programs.program import Failure
from viper.trace.stats import RunStats
from viper_benchmarks.baselines import Baselines, Prior
from viper_benchmarks.error_attribution import ErrorAttributor
from viper_benchmarks.judgement import ModeResult
from viper_benchmarks.row import SampleResult
from viper_benchmarks.sample import Sample
from viper_benchmarks.scorer import Metric, Scorer
from viper_benchmarks.trace_pages import TracePages

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
    """Answer frequencies of the samples; None without baselines."""
    scenes: Path | None = None
    """Scene file of the images; None without error attribution."""
    both_modes: bool = False
    """Also answer each sample in the mode that the engine's `best_effort` does not name."""

    @property
    def scorer(self) -> Scorer:
        """Compares answers with the right ones."""
        return Scorer(self.metric, self.data_folder)

    @property
    def other_mode(self) -> bool | None:
        """`best_effort` of the second mode; None if the run has one."""
        return not self.engine.get("best_effort", False) if self.both_modes else None

    def failed(self, sample: Sample, failure: Failure) -> SampleResult:
        """Return the row of a sample that no evaluator could answer."""
        return _failed(self.scorer.failed(sample, failure), self.other_mode)

    @contextlib.contextmanager
    def open(
        self, stats: RunStats | None = None, pages: TracePages | None = None
    ) -> Iterator[LocalEvaluator]:
        """Open an evaluator in this process; engine and models are closed with the context.

        Args:
            stats: Gets the trace of each answer.
            pages: Writes pages of whole runs.

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
                engine, scorer, baselines, attributor, stats, pages, self.other_mode
            )


@dataclass(frozen=True, slots=True)
class LocalEvaluator:
    """Evaluates samples with one engine in this process."""

    engine: Engine
    """Answers them; all samples share its models."""
    scorer: Scorer
    """Compares answers with the right ones."""
    baselines: Baselines | None = None
    """Run on every sample."""
    attributor: ErrorAttributor | None = None
    """Run on every wrong sample."""
    stats: RunStats | None = None
    """Gets the trace of each answer of the engine."""
    pages: TracePages | None = None
    """Writes pages of whole runs."""
    other_mode: bool | None = None
    """`best_effort` of a second mode, in which each sample is answered too; None for one mode."""

    def describe(self) -> dict[str, Any]:
        """Return models and omitted baselines, for `run.json`."""
        described: dict[str, Any] = {"fingerprints": self.engine.fingerprints()}
        if self.baselines is not None:
            described["baselines_left_out"] = self.baselines.omitted()
        return described

    async def evaluate(self, sample: Sample) -> SampleResult:
        """Return the row of a sample."""
        try:
            answer, result = await self._answer(sample)
        except InputError as error:
            return _failed(self.scorer.failed(sample, Failure.of(error)), self.other_mode)
        if result.failure == "budget":
            return result
        if self.baselines is not None:
            answers = await self.baselines.answer(sample, result.program)
            result = replace(result, baselines=answers)
        if self.attributor is not None:
            cause = await self.attributor.cause(sample, result)
            result = replace(result, error_attribution=cause)
        if self.pages is not None and answer is not None:
            # Not above: a page that cannot be written ends the run, as a row does.
            page = await asyncio.to_thread(self.pages.write, sample, answer, result)
            result = replace(result, trace=page)
        return result

    async def _answer(self, sample: Sample) -> tuple[Answer | None, SampleResult]:
        """Return the answer of the run's mode, None without one, and the row of all modes."""
        if sample.unwritten is not None:
            # An unreadable image is the failure that counts.
            image = await asyncio.to_thread(open_image, sample.image)
            failure = Failure("generator", sample.unwritten)
            row = self.scorer.failed(sample, failure, image.size[1])
            return None, _failed(row, self.other_mode)
        answer, result = await self._in_mode(sample, None)
        if self.other_mode is not None and result.failure != "budget":
            _, other = await self._in_mode(sample, self.other_mode)
            if other.failure == "budget":
                return answer, other
            result = replace(result, other_mode=other.in_mode(self.other_mode))
        return answer, result

    async def _in_mode(
        self, sample: Sample, best_effort: bool | None
    ) -> tuple[Answer, SampleResult]:
        """Return the answer and its row; None is the mode of the engine."""
        answer = await self.engine.arun(sample.to_query(sample.program, best_effort))
        if self.stats is not None:
            self.stats.add(answer.trace)
        result = self.scorer.result(sample, answer)
        if sample.generated and result.failure is None:
            mode = self.engine.config.best_effort if best_effort is None else best_effort
            result = self._as_generated(sample, answer, result, best_effort=mode)
        return answer, result

    def _as_generated(
        self, sample: Sample, answer: Answer, result: SampleResult, *, best_effort: bool
    ) -> SampleResult:
        """Hold a saved program to what it would have been held to when its generator wrote it.

        The engine takes it for a program of the user's own, which may answer without looking, and which
        brings no conditions that it does not test.
        """
        failure = None
        if not any(call.role not in ("", "language") for call in answer.trace.calls):
            failure = Failure("check", LOOKED_AT_NOTHING)
        elif sample.untested and not best_effort:
            failure = Failure("model", refusal(sample.untested))
        if failure is not None:
            failed = self.scorer.failed(sample, failure)
            return replace(failed, ms=result.ms, untested=sample.untested)
        doubts = tuple(dict.fromkeys((*sample.untested, *result.doubts)))
        return replace(result, doubts=doubts, untested=sample.untested)


def _failed(row: SampleResult, other_mode: bool | None) -> SampleResult:
    """Return a failed row that fails in the other mode, if there is one, for the same reason."""
    if other_mode is None or row.failure is None:
        return row
    return replace(row, other_mode=ModeResult.failed(other_mode, row.failure, row.message))
