"""Answers the samples of a task, several at once, keeps every row as it comes, and reports.

Samples are read as they are needed and rows are added up as they come, so that memory does not grow
with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from viper.engine.loop import LoopThread
from viper_benchmarks.digests import Digests
from viper_benchmarks.evaluator import SampleEvaluator
from viper_benchmarks.report_page import render_page
from viper_benchmarks.run_folder import RunFolder
from viper_benchmarks.sample import Sample, SampleResult, Samples
from viper_benchmarks.tally import Tally

__all__ = ["RunPlan", "run"]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is to be scored, and what is said about it."""

    task: str
    samples: Samples
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What decides the rows, as JSON values; a run is resumed with the same only."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the report."""
    data_folder: Path | None = None
    """Where the images of the rows lie, for the page."""


def run(
    plan: RunPlan,
    solver: SampleEvaluator,
    *,
    concurrency: int = 1,
    output: Path | None = None,
    resume: bool = False,
    on_result: Callable[[SampleResult, bool], None] | None = None,
    describe: Callable[[], Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Answer all samples of a plan and return the report.

    When the budget for language models is spent, no further sample is begun: the report is that of
    the samples that were finished, says `"stopped": "budget"`, and how many are `"left"`.

    Args:
        plan: What to answer.
        solver: Makes the rows.
        concurrency: Samples that are being answered at the same time.
        output: Folder for `run.json`, `samples.jsonl`, `report.json` and `report.html`; made if missing.
        resume: Keep the rows that `output` holds and answer only the others.
        on_result: Called with each row, first those of the run that is resumed, then in the order in
            which samples finish; and whether the row is new.
        describe: Says what is known of the engine, for `run.json`: before the first sample, and after
            the last, when models are loaded.

    Raises:
        InputError: The output folder cannot be used; see `RunFolder`.
    """
    tally = Tally()
    known = describe or dict[str, Any]
    with contextlib.ExitStack() as stack:
        folder: RunFolder | None = None
        finished: Digests | None = None
        wanted: Digests | None = None
        if output is not None:
            folder = stack.enter_context(RunFolder(output, plan.settings, resume=resume))
            if resume:
                wanted = Digests(sample.id for sample in plan.samples)
                finished = _finished(folder, wanted, tally, on_result)
            folder.write_run({"task": plan.task, "n": len(plan.samples), **known()})

        def keep(result: SampleResult) -> None:
            if folder is not None:
                folder.append(result)
            tally.add(result)
            if on_result is not None:
                on_result(result, True)

        waiting = (s for s in plan.samples if finished is None or s.id not in finished)
        before, started = tally.n, time.perf_counter()
        loop = LoopThread("viper-bench")  # of its own: in a notebook this thread's runs already
        stack.callback(loop.close)
        loop.run(_answer_all(waiting, solver, min(concurrency, len(plan.samples)), keep))
        wall_s = time.perf_counter() - started
        left = len(plan.samples) - tally.n
        report = {
            **tally.to_json(plan.task, (tally.n - before) / wall_s if wall_s > 0 else 0.0),
            **plan.about,
            # None where it was off, so that no score depends on the past.
            "memo": {"hits": tally.memo_hits, "of": tally.n} if plan.settings.get("memo") else None,
            "stopped": "budget" if left else None,
            "left": left,
        }
        if folder is not None:
            folder.write_run({"task": plan.task, "n": len(plan.samples), **known()})
            rows = (row for row in folder.rows() if wanted is None or row.id in wanted)
            page = render_page(report, plan.settings, rows, plan.data_folder)
            folder.write_report(report, page)
    return report


def _finished(
    folder: RunFolder,
    wanted: Digests,
    tally: Tally,
    on_result: Callable[[SampleResult, bool], None] | None,
) -> Digests:
    """Add up the rows that are there; a row of a sample that is not scored now stays and is left out."""

    def ids() -> Iterator[str]:
        for row in folder.rows():
            if row.id in wanted:
                tally.add(row)
                if on_result is not None:
                    on_result(row, False)
                yield row.id

    return Digests(ids())


async def _answer_all(
    samples: Iterable[Sample],
    solver: SampleEvaluator,
    concurrency: int,
    keep: Callable[[SampleResult], None],
) -> None:
    """Answer samples until all are done or the budget is spent; a sample cut short by it is left."""
    waiting = iter(samples)
    spent = False

    async def work() -> None:
        nonlocal spent
        while not spent and (sample := next(waiting, None)) is not None:
            result = await solver.solve(sample)
            if result.failure == "budget":
                spent = True
                return
            keep(result)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(max(1, concurrency)):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        # One sample met an error of the runner itself; the others were cancelled for it.
        raise errors.exceptions[0] from None
