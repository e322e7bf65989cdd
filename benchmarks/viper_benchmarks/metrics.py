"""How answers are judged and counted. A failed sample is a wrong sample."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from viper.answer import Answer
from viper.boxes import Box, iou
from viper.program import Usage
from viper_benchmarks.sample import Sample, SampleResult

__all__ = ["grounding_iou", "judge", "normalised", "report", "wilson_interval"]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_Z_95 = 1.959963984540054
# Two-sided 95 % quantile of the normal distribution.


def judge(sample: Sample, answer: Answer) -> SampleResult:
    """Compare an answer with what is right."""
    box: Box | None = None
    overlap: float | None = None
    if sample.task == "grounding":
        box = answer.patches[0].box_xyxy if answer.patches else None
        failed = answer.failure is not None
        overlap = 0.0 if failed else grounding_iou(box, sample.box_xyxy)
        correct = overlap >= 0.5
    else:
        assert sample.answer is not None
        correct = answer.text is not None and normalised(answer.text) == normalised(sample.answer)
    trace = answer.trace
    return SampleResult(
        id=sample.id,
        task=sample.task,
        prediction=answer.text,
        box_xyxy=box,
        correct=correct,
        iou=overlap,
        failure=answer.failure.kind if answer.failure else None,
        message=answer.failure.message if answer.failure else None,
        calls=len(trace.calls),
        forwards=trace.forwards,
        ms=round(trace.total_ms, 3),
        tags=sample.tags,
        program=answer.program,
        unverified=answer.unverified,
        usage=trace.usage,
        memo=trace.answering is not None and trace.answering.memo,
    )


def grounding_iou(predicted: Box | None, right: Box | None) -> float:
    """Return the overlap of two boxes; where either is None, 1 if both are, else 0."""
    if predicted is None or right is None:
        return float(predicted is right)
    return iou(predicted, right)


def normalised(text: str) -> str:
    """Return an answer without case, articles, punctuation and surplus space."""
    plain = re.sub(r"[^\w\s]", " ", text.casefold())
    return " ".join(_ARTICLES.sub(" ", plain).split())


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); (0, 1) without samples."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, _Z_95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # Rounding may put a bound just inside the share where that is 0 or 1.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def report(task: str, results: Sequence[SampleResult], wall_s: float) -> dict[str, Any]:
    """Return the report's JSON object.

    Args:
        task: Name of the benchmark.
        results: One per sample, failures included.
        wall_s: Wall time of the run in seconds.
    """
    n = len(results)
    right = sum(result.correct for result in results)
    overlaps = [result.iou for result in results if result.iou is not None]
    failures = Counter(result.failure for result in results if result.failure is not None)
    forwards: Counter[str] = Counter()
    for result in results:
        forwards.update(result.forwards)
    tags = sorted({tag for result in results for tag in result.tags})
    return {
        "task": task,
        "n": n,
        "accuracy": _rounded(right / n if n else 0.0),
        "accuracy_ci95": [_rounded(bound) for bound in wilson_interval(right, n)],
        "acc_iou50": _share_above(overlaps, 0.5),
        "acc_iou70": _share_above(overlaps, 0.7),
        "mean_iou": _rounded(sum(overlaps) / len(overlaps)) if overlaps else None,
        "failure_rate": _rounded(sum(failures.values()) / n if n else 0.0),
        "failures": dict(failures),
        "programs_per_s": _rounded(n / wall_s if wall_s > 0 else 0.0),
        "calls": sum(result.calls for result in results),
        "forwards": dict(forwards),
        "by_tag": {tag: _tag_row([r for r in results if tag in r.tags]) for tag in tags},
        "usage": sum((result.usage for result in results), Usage()).to_json(),
    }


def _tag_row(results: Sequence[SampleResult]) -> dict[str, Any]:
    right = sum(result.correct for result in results)
    return {
        "n": len(results),
        "accuracy": _rounded(right / len(results)),
        "accuracy_ci95": [_rounded(bound) for bound in wilson_interval(right, len(results))],
    }


def _share_above(overlaps: Sequence[float], threshold: float) -> float | None:
    if not overlaps:
        return None
    return _rounded(sum(overlap >= threshold for overlap in overlaps) / len(overlaps))


def _rounded(value: float) -> float:
    return round(value, 4)
