"""Compares the answers of two runs of the same programs, and reports by how much they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from viper.engine.answer import Answer
from viper.trace import CallRecord

__all__ = ["compare"]

_MAX_LISTED = 10


def compare(plain: Sequence[Answer], other: Sequence[Answer]) -> dict[str, Any]:
    """Compare answers, in pairs.

    In float32 on a CPU they must be equal: text, failure, and the boxes of their patches. Scores are
    measured, not compared: batches of other sizes are computed in another order, so that sums differ in
    their last bits (a detector's score by 6e-8, one unit in the last place). On a GPU they are rounded more
    coarsely; an answer may then differ where two scores were nearly equal.

    Returns:
        `programs`, `differing_answers`, `largest_score_difference` over all calls and patches of equal
        answers, and `differences`: for each answer that differs (ten at most) both texts, and the first call
        that differs with its score, or its first score, in both.
    """
    differences: list[dict[str, Any]] = []
    largest = 0.0
    for one, two in zip(plain, other, strict=True):
        calls = list(zip(one.trace.calls, two.trace.calls, strict=False))
        if _said(one) == _said(two):
            scores = [(a.score, b.score) for a, b in calls]
            scores += [(a.score, b.score) for a, b in zip(one.patches, two.patches, strict=True)]
            largest = max(largest, *(abs((a or 0.0) - (b or 0.0)) for a, b in scores), 0.0)
            continue
        first = next((pair for pair in calls if _content(pair[0]) != _content(pair[1])), None)
        differences.append(
            {
                "answers": [one.text, two.text],
                "method": first and first[0].method,
                "scores": first and [call.score for call in first],
            }
        )
    return {
        "programs": len(plain),
        "differing_answers": len(differences),
        "largest_score_difference": largest,
        "differences": differences[:_MAX_LISTED],
    }


def _said(answer: Answer) -> tuple[object, ...]:
    """Return an answer without scores."""
    return (
        answer.text,
        answer.failure,
        [(patch.box_xyxy, patch.category) for patch in answer.patches],
    )


def _content(call: CallRecord) -> tuple[object, ...]:
    """Return the request and the result of a call, without scores."""
    result = call.result
    if isinstance(result, list):
        result = [item["box_xyxy"] if isinstance(item, dict) else item for item in result]
    return call.method, call.box_xyxy, repr(result)
