"""Whether two ways to run the same programs gave the same answers, and if not, by how little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from viper.engine.answer import Answer
    from viper.trace import CallRecord

__all__ = ["compare"]

_MOST_SHOWN = 10


def compare(plain: Sequence[Answer], other: Sequence[Answer]) -> dict[str, Any]:
    """Compare answers, in pairs.

    In float32 on a CPU they must be equal. On a GPU, batches of other sizes are computed in another order
    and rounded differently; an answer may then differ where two scores were nearly equal.

    Returns:
        `programs`, `differing_answers`, `largest_score_difference` over all calls of equal answers, and
        `differences`: of each answer that differs (ten at most) both texts, and the first call that
        differs with its score, or its first score, in both.
    """
    differences: list[dict[str, Any]] = []
    differing = 0
    largest = 0.0
    for one, two in zip(plain, other, strict=True):
        if (one.text, one.failure) == (two.text, two.failure):
            pairs = zip(one.trace.calls, two.trace.calls, strict=False)
            gaps = [abs((a.score or 0.0) - (b.score or 0.0)) for a, b in pairs]
            largest = max([largest, *gaps])
            continue
        differing += 1
        if len(differences) < _MOST_SHOWN:
            differences.append(_difference(one, two))
    return {
        "programs": len(plain),
        "differing_answers": differing,
        "largest_score_difference": largest,
        "differences": differences,
    }


def _difference(one: Answer, two: Answer) -> dict[str, Any]:
    pairs = zip(one.trace.calls, two.trace.calls, strict=False)
    first = next(((a, b) for a, b in pairs if _said(a) != _said(b)), None)
    return {
        "answers": [one.text, two.text],
        "method": None if first is None else first[0].method,
        "scores": None if first is None else [call.score for call in first],
    }


def _said(call: CallRecord) -> tuple[object, ...]:
    """Return what a call asked and was told, without scores."""
    result = call.result
    if isinstance(result, list):
        result = [item["box_xyxy"] if isinstance(item, dict) else item for item in result]
    return call.method, call.box_xyxy, repr(result)
