"""Runs a benchmark: evaluates samples concurrently, stores each row when it is done, and makes the report.

Samples are read when they are needed and rows are summed up immediately, so that memory does not grow with
their number.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from viper.engine.loop import LoopThread
from viper.errors import InputError
from viper_benchmarks.digests import Digests
from viper_benchmarks.evaluator import SampleEvaluator
from viper_benchmarks.report_page import render_page
from viper_benchmarks.row import SampleResult
from viper_benchmarks.run_folder import RunFolder, readable
from viper_benchmarks.sample import Sample, Samples
from viper_benchmarks.tally import Tally

__all__ = ["RunPlan", "run"]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The samples of a run, and facts about it."""

    task: str
    samples: Samples
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings that determine the rows, as JSON values; a run can be resumed only with the same settings."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the report."""
    data_folder: Path | None = None
    """Folder of the data; the page shows images in it only."""


def run(
    plan: RunPlan,
    evaluator: SampleEvaluator,
    *,
    concurrency: int = 1,
    output: Path | None = None,
    resume: bool = False,
    on_result: Callable[[SampleResult, bool], None] | None = None,
    describe: Callable[[], Mapping[str, Any]] = dict,
) -> dict[str, Any]:
    """Evaluate all samples of a plan and return the report.

    When the budget for language models is spent, no further sample is started: the report covers the finished
    samples, and has `"stopped": "budget"` and the number of samples `"left"`.

    Args:
        plan: The samples.
        evaluator: Makes the rows.
        concurrency: Samples evaluated at the same time.
        output: Folder for `run.json`, `samples.jsonl`, `report.json` and `report.html`; made if missing.
        resume: Keep the rows in `output` and evaluate only the other samples.
        on_result: Called with each row, and whether it is new: first with those of the resumed run, then in
            the order in which samples finish.
        describe: Returns facts about the engine for `run.json`; called before the first sample and after
            the last, when models are loaded.

    Raises:
        InputError: The output folder cannot be used; see `RunFolder`.
    """
    tally = Tally()

    def write_run(folder: RunFolder) -> None:
        folder.write_run({"task": plan.task, "n": len(plan.samples), **describe()})

    with contextlib.ExitStack() as stack:
        folder: RunFolder | None = None
        finished: Digests | None = None
        wanted: Digests | None = None
        if output is not None:
            folder = stack.enter_context(RunFolder(output, plan.settings, resume=resume))
            if resume:
                wanted = Digests(sample.id for sample in plan.samples)
                finished = _finished(folder, wanted, tally, on_result)
            write_run(folder)

        def keep(result: SampleResult) -> None:
            result = readable(result) if folder is None else folder.append(result)
            tally.add(result)
            if on_result is not None:
                on_result(result, True)

        waiting = (s for s in plan.samples if finished is None or s.id not in finished)
        before, started = tally.n, time.perf_counter()
        # A loop of its own: in a notebook, the loop of this thread is already running.
        loop = LoopThread("viper-bench")
        stack.callback(loop.close)
        loop.run(_evaluate_all(waiting, evaluator, min(concurrency, len(plan.samples)), keep))
        wall_s = time.perf_counter() - started
        left = len(plan.samples) - tally.n
        hits = {"hits": tally.program_cache_hits, "of": tally.n}
        program_cache = hits if plan.settings.get("memo") else None
        report = {
            **tally.to_json(plan.task, (tally.n - before) / wall_s if wall_s > 0 else 0.0),
            **plan.about,
            "memo": program_cache,  # the former name
            "program_cache": program_cache,
            "stopped": "budget" if left else None,
            "left": left,
        }
        if folder is not None:
            write_run(folder)
            folder.write_report(report)
            rows = _Rows(folder, wanted)
            folder.write_page(
                render_page(report, plan.settings, rows, plan.samples, plan.data_folder)
            )
    return report


class _Rows:
    """The rows of a run, read from its folder for each iteration."""

    def __init__(self, folder: RunFolder, wanted: Digests | None) -> None:
        self._folder = folder
        self._wanted = wanted

    def __iter__(self) -> Iterator[SampleResult]:
        return (
            row for row in self._folder.rows() if self._wanted is None or row.id in self._wanted
        )


def _finished(
    folder: RunFolder,
    wanted: Digests,
    tally: Tally,
    on_result: Callable[[SampleResult, bool], None] | None,
) -> Digests:
    """Sum up the existing rows; rows of samples that are not in this run stay, but are ignored."""

    def ids() -> Iterator[str]:
        for row in folder.rows():
            if row.id in wanted:
                tally.add(row)
                if on_result is not None:
                    on_result(row, False)
                yield row.id

    found = Digests(ids())
    if (twice := found.repeated()) is not None:
        id_ = next(itertools.islice((r.id for r in folder.rows() if r.id in wanted), twice, None))
        raise InputError(
            f"{str(folder.samples)!r} has two rows of the sample {id_!r:.80}. Remove one of them."
        )
    return found


async def _evaluate_all(
    samples: Iterable[Sample],
    evaluator: SampleEvaluator,
    concurrency: int,
    keep: Callable[[SampleResult], None],
) -> None:
    """Evaluate samples until all are done or the budget is spent; a sample cut short by it gets no row."""
    waiting = iter(samples)
    spent = False

    async def work() -> None:
        nonlocal spent
        while not spent and (sample := next(waiting, None)) is not None:
            result = await evaluator.evaluate(sample)
            if result.failure == "budget":
                spent = True
                return
            keep(result)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(max(1, concurrency)):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        # An error of the runner itself, for which the other samples were cancelled.
        raise errors.exceptions[0] from None
