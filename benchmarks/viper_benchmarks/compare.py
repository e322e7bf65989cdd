"""Compares two runs on the same samples: which samples changed, and whether chance can explain it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from viper.errors import InputError
from viper_benchmarks.means import Mean, Paired
from viper_benchmarks.normalise import composed
from viper_benchmarks.row import SampleResult
from viper_benchmarks.run_folder import read_rows, read_run

__all__ = ["compare_runs"]


class _Outcome(NamedTuple):
    """The part of a row that is compared."""

    score: float
    correct: bool
    answer: str | None


def compare_runs(first: Path, second: Path) -> dict[str, Any]:
    """Compare two runs sample by sample.

    Args:
        first: Folder of a run.
        second: Folder of another run on the same samples, or some of them.

    Returns:
        `n` samples in both runs; accuracy of each on them; `difference` (second minus first) with its 95 %
        bootstrap interval; McNemar's exact p; the samples `gained` and `lost` by the second; `settings` that
        differ; the number of samples in only one of them.

    Raises:
        InputError: A folder contains no run, the tasks differ, or no sample is in both.
    """
    settings = [read_run(folder) for folder in (first, second)]
    for folder in (first, second):
        if not os.path.lexists(folder / "samples.jsonl"):
            raise InputError(
                f"{str(folder)!r} contains no run: there is no samples.jsonl. Give the folder after --output."
            )
    task, other = (run.get("task") for run in settings)
    if task != other:
        raise InputError(
            f"The runs are of different tasks: {str(task)[:60]} and {str(other)[:60]}."
        )
    before: dict[str, _Outcome] = {}
    for row in read_rows(first / "samples.jsonl"):
        if before.setdefault(row.id, outcome := _outcome(row)) is not outcome:
            raise _repeated(first, row.id)
    seen: set[str] = set()
    paired = Paired()
    means = Mean(), Mean()
    gained: list[dict[str, Any]] = []
    lost: list[dict[str, Any]] = []
    changed = only_second = 0
    for row in read_rows(second / "samples.jsonl"):
        if row.id in seen:
            raise _repeated(second, row.id)
        seen.add(row.id)
        old, new = before.pop(row.id, None), _outcome(row)
        if old is None:
            only_second += 1
            continue
        paired.add(new, old)
        means[0].add(old.score)
        means[1].add(new.score)
        changed += old.answer != new.answer
        if old.correct != new.correct:
            entry = {"id": row.id, "query": row.query, "first": old.answer, "second": new.answer}
            (gained if new.correct else lost).append(entry)
    if not means[0].n:
        raise InputError(
            "No sample is in both runs. Compare runs over the same task, split and subset."
        )
    pairs = paired.to_json()
    return {
        "task": task,
        "n": means[0].n,
        "only_in_first": len(before),
        "only_in_second": only_second,
        "first": {"folder": str(first), **means[0].to_json()},
        "second": {"folder": str(second), **means[1].to_json()},
        "difference": pairs["difference"],
        "difference_ci95": pairs["difference_ci95"],
        "mcnemar_p": pairs["mcnemar_p"],
        "both_right": pairs["both"],
        "both_wrong": pairs["neither"],
        "answers_changed": changed,
        "gained": gained,
        "lost": lost,
        "settings": _differing(*settings),
    }


def _repeated(folder: Path, id_: str) -> InputError:
    return InputError(
        f"{str(folder)!r} has two rows of the sample {id_!r:.80}. Remove one of them from samples.jsonl."
    )


def _outcome(row: SampleResult) -> _Outcome:
    answer = row.prediction
    if row.task == "grounding" and row.box_xyxy is not None:
        answer = ", ".join(f"{edge:g}" for edge in row.box_xyxy)
    answer = row.failure or answer
    return _Outcome(row.score, row.correct, None if answer is None else composed(answer))


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, list[Any]]:
    pairs = {name: [first.get(name), second.get(name)] for name in {**first, **second}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
