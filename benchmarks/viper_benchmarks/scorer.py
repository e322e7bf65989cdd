"""Scores of one answer by every metric that fits its task. A sample without an answer scores 0.

| metric | task | meaning |
|---|---|---|
| `iou50`, `iou70` | grounding | 1 if the first patch overlaps the right box by IoU ≥ 0.5, ≥ 0.7 |
| `mean-iou` | grounding | this IoU; if no object fits, 1 for no patch |
| `exact` | vqa | 1 if the text equals the right answer exactly (composed or not, letters are the same) |
| `normalised` | vqa | 1 if both are equal after `normalise.normalised` |
| `vqa-soft` | vqa, several annotators | mean of min(1, others that agree / 3), omitting each in turn |
| `viper-original` | both | as in ViperGPT's evaluation; see `vipergpt.py` |
| `viper-original-iou` | grounding | the mean IoU of that evaluation |

With the task grounding, the failure `absent` (what the expression takes for granted was not found) is the
answer that no object fits.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

from viper.engine.answer import NO_SUCH_OBJECT, Answer
from viper.errors import InputError
from viper.images.boxes import Box, iou
from viper.programs.program import Failure, Task
from viper_benchmarks import vipergpt
from viper_benchmarks.judgement import found_boxes, weakest_call
from viper_benchmarks.normalise import (
    composed,
    highest_soft_accuracy,
    normalised,
    soft_accuracy,
)
from viper_benchmarks.row import BaselineResult, SampleResult
from viper_benchmarks.sample import Sample

__all__ = ["METRICS", "Metric", "Scorer", "grounding_iou"]

Metric = Literal["default", "exact", "normalised", "vqa-soft", "iou50", "iou70", "viper-original"]
METRICS: tuple[Metric, ...] = get_args(Metric)

_FITTING: dict[Task, tuple[Metric, ...]] = {
    "vqa": ("exact", "normalised", "vqa-soft", "viper-original"),
    "grounding": ("iou50", "iou70", "viper-original"),
}


class Scorer:
    """Compares answers with the right ones.

    Args:
        metric: The metric for `score` and `correct`; `default` is `iou50` for grounding, `vqa-soft` where
            there are several annotators, else `normalised`.
        data_folder: Folder to which the image paths of rows are relative.
    """

    def __init__(self, metric: Metric = "default", data_folder: Path | None = None) -> None:
        self.metric = metric
        self._folder = data_folder

    def check(self, sample: Sample) -> None:
        """Check that the metric fits a sample.

        Raises:
            InputError: The metric is for another task.
        """
        fitting = _FITTING[sample.task]
        if self.metric != "default" and self.metric not in fitting:
            raise InputError(
                f"The metric {self.metric!r} does not fit sample {sample.id!r} of the task {sample.task}. "
                f"Fitting: {', '.join(fitting)}."
            )
        if self.metric == "vqa-soft" and len(sample.answers) < 2:
            raise InputError(
                f"The metric 'vqa-soft' needs the answers of several annotators, but sample {sample.id!r} "
                "has one answer. Choose --metric normalised."
            )

    def result(self, sample: Sample, answer: Answer) -> SampleResult:
        """Score an answer."""
        trace, attempt = answer.trace, answer.trace.answering
        failure, prediction = answer.failure, answer.text
        doubts = () if attempt is None else attempt.doubts
        of_calls = {doubt for call in trace.calls for doubt in call.doubts}
        if _is_absence(sample, answer):
            failure, prediction = None, NO_SUCH_OBJECT
        row = self._row(
            sample,
            self._scores(sample, answer),
            failure,
            prediction=prediction,
            box_xyxy=_first_box(sample, answer),
            calls=len(trace.calls),
            forwards=trace.forwards,
            ms=round(trace.total_ms, 3),
            program=answer.program,
            unverified=answer.unverified,
            usage=trace.usage,
            program_cached=attempt is not None and attempt.from_program_cache,
            doubts=doubts,
            untested=tuple(doubt for doubt in doubts if doubt not in of_calls),
            how=answer.how or ("program" if prediction is not None else None),
            confidence=answer.confidence,
            weakest=weakest_call(answer),
            found=found_boxes(answer),
        )
        # What was not found is worth reading also where it is an answer.
        return replace(row, message=answer.failure.message if answer.failure else None)

    def failed(
        self, sample: Sample, failure: Failure, image_height: int | None = None
    ) -> SampleResult:
        """Return the row of a sample without an answer.

        Args:
            sample: The question.
            failure: Why there is no answer.
            image_height: In pixels, if the image could be read; `viper-original` scores it then.
        """
        if sample.task == "grounding":
            scores = _box_scores(0.0) | {"viper-original-iou": 0.0}
        else:
            scores = _text_scores(sample, None)
        scores["viper-original"] = 0.0
        if image_height is not None:
            scores |= vipergpt.scores_without_result(sample, image_height)
        return self._row(sample, scores, failure, program=sample.program)

    def baseline(self, sample: Sample, answer: Answer) -> BaselineResult:
        """Score the answer of a baseline's program."""
        return self._baseline(
            sample,
            self._scores(sample, answer),
            answer.text,
            _first_box(sample, answer),
            answer.failure.kind if answer.failure and not _is_absence(sample, answer) else None,
        )

    def text(self, sample: Sample, text: str) -> BaselineResult:
        """Score a text as the answer of a baseline."""
        scores = _text_scores(sample, text) | {"viper-original": vipergpt.text_score(sample, text)}
        return self._baseline(sample, scores, text)

    def box(self, sample: Sample, box_xyxy: Box | None) -> BaselineResult:
        """Score a box as the answer of a baseline."""
        overlap = grounding_iou(box_xyxy, sample.box_xyxy)
        scores = _box_scores(overlap) | {"viper-original": float(overlap > vipergpt.THRESHOLD)}
        return self._baseline(sample, scores, None, box_xyxy)

    def _row(
        self, sample: Sample, scores: dict[str, float], failure: Failure | None, **answer: Any
    ) -> SampleResult:
        score = scores[self._primary(sample)]
        image = sample.image
        if self._folder is not None and image.is_relative_to(self._folder):
            image = image.relative_to(self._folder)
        no_answer: dict[str, Any] = {
            "prediction": None,
            "box_xyxy": None,
            "calls": 0,
            "forwards": {},
            "ms": 0.0,
            "unverified": (),
        }
        return SampleResult(
            **no_answer | answer,
            id=sample.id,
            task=sample.task,
            correct=_is_correct(sample, score),
            iou=scores.get("mean-iou"),
            failure=failure.kind if failure else None,
            message=failure.message if failure else None,
            tags=sample.tags,
            score=score,
            scores=scores,
            image=image.as_posix(),
            query=sample.query,
            answer=sample.answer,
            right_box_xyxy=sample.box_xyxy,
        )

    def _baseline(
        self,
        sample: Sample,
        scores: dict[str, float],
        prediction: str | None,
        box_xyxy: Box | None = None,
        failure: str | None = None,
    ) -> BaselineResult:
        score = scores[self._primary(sample)]
        correct = _is_correct(sample, score)
        return BaselineResult(prediction, box_xyxy, correct, score, failure, scores.get("mean-iou"))

    def _primary(self, sample: Sample) -> str:
        if self.metric != "default":
            return self.metric
        if sample.task == "grounding":
            return "iou50"
        return "vqa-soft" if len(sample.answers) > 1 else "normalised"

    def _scores(self, sample: Sample, answer: Answer) -> dict[str, float]:
        """Return the score by each metric that fits; failures score 0 except by `viper-original`."""
        if sample.task == "grounding":
            failed = answer.failure is not None and not _is_absence(sample, answer)
            overlap = 0.0 if failed else grounding_iou(_first_box(sample, answer), sample.box_xyxy)
            return _box_scores(overlap) | vipergpt.box_scores(sample, answer)
        scores = _text_scores(sample, answer.text)
        return scores | {"viper-original": vipergpt.answer_score(sample, answer)}


def grounding_iou(predicted: Box | None, right: Box | None) -> float:
    """Return the IoU of two boxes; if any is None, 1 if both are, else 0."""
    if predicted is None or right is None:
        return float(predicted is right)
    return iou(predicted, right)


def _is_absence(sample: Sample, answer: Answer) -> bool:
    """Return whether a grounding answer is that there is no such object, said by `absent`."""
    failure = answer.failure
    return sample.task == "grounding" and failure is not None and failure.kind == "absent"


def _is_correct(sample: Sample, score: float) -> bool:
    """Return whether a score is at least half of what the metric can give.

    That is 1, except for two or three annotators, of whom even a unanimous answer gets 1/3 or 2/3.
    """
    few = sample.task == "vqa" and 1 < len(sample.answers) < 4
    highest = highest_soft_accuracy(len(sample.answers)) if few else 1.0
    return score >= highest / 2 - 1e-9


def _first_box(sample: Sample, answer: Answer) -> Box | None:
    grounding = sample.task == "grounding"
    return answer.patches[0].box_xyxy if grounding and answer.patches else None


def _box_scores(overlap: float) -> dict[str, float]:
    return {
        "iou50": float(overlap >= 0.5),
        "iou70": float(overlap >= 0.7),
        "mean-iou": overlap,
    }


def _text_scores(sample: Sample, text: str | None) -> dict[str, float]:
    right = sample.answer or ""
    scores = {
        "exact": float(text is not None and composed(text) == composed(right)),
        "normalised": float(text is not None and normalised(text) == normalised(right)),
    }
    if len(sample.answers) > 1:
        annotated = [normalised(answer) for answer in sample.answers]
        scores["vqa-soft"] = 0.0 if text is None else soft_accuracy(normalised(text), annotated)
    return scores
