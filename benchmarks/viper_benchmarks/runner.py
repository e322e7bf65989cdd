"""Answers samples with one engine, several at once, and keeps every row as soon as it is there."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from viper.engine import Engine
from viper.errors import InputError
from viper.program import Failure
from viper.query import Query
from viper.stats import RunStats
from viper_benchmarks.metrics import judge, report
from viper_benchmarks.sample import Sample, SampleResult

__all__ = ["read_finished", "run_benchmark"]


def run_benchmark(
    task: str,
    samples: Sequence[Sample],
    engine: Engine,
    *,
    concurrency: int = 1,
    output: Path | None = None,
    resume: bool = False,
    on_result: Callable[[SampleResult], None] | None = None,
    stats: RunStats | None = None,
) -> dict[str, Any]:
    """Answer all samples and return the report.

    When the engine's budget for language models is spent, no further sample is begun: the report is
    that of the samples that were finished, says `"stopped": "budget"`, and how many are `"left"`.

    Args:
        task: Name of the benchmark.
        samples: What to answer.
        engine: Answers them; its models are shared by all.
        concurrency: Programs that run at the same time.
        output: Folder for `run.json`, `samples.jsonl` and `report.json`; made if missing.
        resume: Keep the rows that `output` holds and answer only the others.
        on_result: Called after each sample, in the order in which they finish.
        stats: Gets what each new answer took.

    Raises:
        InputError: The output folder holds a run and `resume` is False.
    """
    finished = _prepare(output, resume) if output is not None else {}
    waiting = [sample for sample in samples if sample.id not in finished]
    started = time.perf_counter()
    stream = (output / "samples.jsonl").open("a", encoding="utf-8") if output is not None else None
    try:
        if output is not None:
            _write_json(output / "run.json", _run_json(task, samples, engine, concurrency))
        fresh = asyncio.run(_answer_all(waiting, engine, concurrency, stream, on_result, stats))
    finally:
        if stream is not None:
            stream.close()
    finished.update(fresh)
    results = [finished[sample.id] for sample in samples if sample.id in finished]
    left = len(samples) - len(results)
    summary = {
        **report(task, results, time.perf_counter() - started),
        "memo": _memo_json(results, engine),
        "stopped": "budget" if left else None,
        "left": left,
    }
    if output is not None:
        _write_json(output / "report.json", summary)
    return summary


async def _answer_all(
    samples: Sequence[Sample],
    engine: Engine,
    concurrency: int,
    stream: IO[str] | None,
    on_result: Callable[[SampleResult], None] | None,
    stats: RunStats | None,
) -> dict[str, SampleResult]:
    """Answer samples until all are done or the budget is spent; a sample cut short by it is left."""
    waiting = iter(samples)
    results: dict[str, SampleResult] = {}
    spent = False

    async def work() -> None:
        nonlocal spent
        while not spent and (sample := next(waiting, None)) is not None:
            result = await _answer(sample, engine, stats)
            if result.failure == "budget":
                spent = True
                return
            results[sample.id] = result
            if stream is not None:
                stream.write(json.dumps(result.to_json(), ensure_ascii=False) + "\n")
                stream.flush()
            if on_result is not None:
                on_result(result)

    async with asyncio.TaskGroup() as group:
        for _ in range(max(1, min(concurrency, len(samples)))):
            group.create_task(work())
    return results


async def _answer(sample: Sample, engine: Engine, stats: RunStats | None) -> SampleResult:
    query = Query(sample.image, sample.query, sample.task, sample.choices, sample.program)
    try:
        answer = await engine.arun(query)
        if stats is not None:
            stats.add(answer.trace)
        return judge(sample, answer)
    except InputError as error:
        return _unreadable(sample, Failure(error.kind, str(error)))


def _unreadable(sample: Sample, failure: Failure) -> SampleResult:
    return SampleResult(
        id=sample.id,
        task=sample.task,
        prediction=None,
        box_xyxy=None,
        correct=False,
        iou=0.0 if sample.task == "grounding" else None,
        failure=failure.kind,
        message=failure.message,
        calls=0,
        forwards={},
        ms=0.0,
        tags=sample.tags,
        program=None,
        unverified=(),
    )


def read_finished(path: Path) -> dict[str, SampleResult]:
    """Return the rows of a `samples.jsonl` by id; a last line that was cut off is left out."""
    finished: dict[str, SampleResult] = {}
    if not path.exists():
        return finished
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            result = SampleResult.from_json(json.loads(line))
        except json.JSONDecodeError:
            continue  # written while the run was killed; the sample is answered again
        finished[result.id] = result
    return finished


def _prepare(output: Path, resume: bool) -> dict[str, SampleResult]:
    output.mkdir(parents=True, exist_ok=True)
    path = output / "samples.jsonl"
    if not resume:
        if path.exists():
            raise InputError(
                f"{str(output)!r} holds a run already. Add --resume to go on with it, or choose "
                "another --output."
            )
        return {}
    finished = read_finished(path)
    # Whole lines only: what is appended next must not join a line that was cut off.
    rows = (json.dumps(result.to_json(), ensure_ascii=False) for result in finished.values())
    path.write_text("".join(row + "\n" for row in rows), encoding="utf-8")
    return finished


def _run_json(
    task: str, samples: Sequence[Sample], engine: Engine, concurrency: int
) -> dict[str, Any]:
    import platform
    from importlib.metadata import version

    config = engine.config
    return {
        "task": task,
        "n": len(samples),
        "models": config.models,
        "backends": {role: str(ref) for role, ref in config.backends.items()},
        "generator": config.generator,
        "sandbox": config.sandbox,
        "timeout_s": config.timeout_s,
        "max_attempts": config.max_attempts,
        "votes": config.votes,
        "memo": config.memo is not None,
        "max_cost_usd": config.max_cost_usd,
        "max_tokens": config.max_tokens,
        "concurrency": concurrency,
        "versions": {"viper": version("viper-vision"), "python": platform.python_version()},
    }


def _memo_json(results: Sequence[SampleResult], engine: Engine) -> dict[str, int] | None:
    """Return what the memo did; None where it was off, so that no score depends on the past."""
    if engine.config.memo is None:
        return None
    return {"hits": sum(result.memo for result in results), "of": len(results)}


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
