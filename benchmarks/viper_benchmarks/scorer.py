"""How one answer is judged, by every convention that fits its task. A failed sample scores 0.

| metric | of | is |
|---|---|---|
| `iou50`, `iou70` | grounding | 1 where the first patch overlaps the right box by IoU ≥ 0.5, ≥ 0.7 |
| `mean-iou` | grounding | that IoU; where nothing fits, 1 for no patch |
| `exact` | vqa | 1 where the text is the right answer, letter by letter |
| `normalised` | vqa | 1 where both are equal after `normalise.normalised` |
| `vqa-soft` | vqa, several annotators | of each nine annotators: min(1, how many agree / 3); mean of all |
| `viper-original` | both | as ViperGPT's evaluation counts; see `original.py` |
| `viper-original-iou` | grounding | the mean IoU of that evaluation |
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from viper.engine.answer import Answer
from viper.errors import InputError
from viper.images.boxes import Box, iou
from viper.programs.program import Failure, Task
from viper_benchmarks import original
from viper_benchmarks.normalise import normalised, soft_accuracy
from viper_benchmarks.sample import BaselineResult, Sample, SampleResult

__all__ = ["METRICS", "Metric", "Scorer", "grounding_iou"]

Metric = Literal["default", "exact", "normalised", "vqa-soft", "iou50", "iou70", "viper-original"]
METRICS: tuple[Metric, ...] = get_args(Metric)

_FITTING: dict[Task, tuple[Metric, ...]] = {
    "vqa": ("exact", "normalised", "vqa-soft", "viper-original"),
    "grounding": ("iou50", "iou70", "viper-original"),
}


class Scorer:
    """Compares answers with what is right.

    Args:
        metric: What `score` and `correct` are by; `default` is `iou50` for grounding, `vqa-soft` where
            there are several annotators, else `normalised`.
        data_folder: Images in it are named relative to it.
    """

    def __init__(self, metric: Metric = "default", data_folder: Path | None = None) -> None:
        self.metric = metric
        self._folder = data_folder

    def check(self, sample: Sample) -> None:
        """Refuse a metric that does not fit a sample.

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
        """Judge an answer."""
        trace = answer.trace
        scores = self._scores(sample, answer)
        score = scores[self._primary(sample)]
        return SampleResult(
            id=sample.id,
            task=sample.task,
            prediction=answer.text,
            box_xyxy=_first_box(answer) if sample.task == "grounding" else None,
            correct=score >= 0.5,
            iou=scores.get("mean-iou"),
            failure=answer.failure.kind if answer.failure else None,
            message=answer.failure.message if answer.failure else None,
            calls=len(trace.calls),
            forwards=trace.forwards,
            ms=round(trace.total_ms, 3),
            tags=sample.tags,
            program=answer.program,
            unverified=answer.unverified,
            score=score,
            scores=scores,
            image=self._name(sample.image),
            query=sample.query,
            answer=sample.answer,
            right_box_xyxy=sample.box_xyxy,
            usage=trace.usage,
            memo=trace.answering is not None and trace.answering.from_program_cache,
        )

    def failed(
        self, sample: Sample, failure: Failure, image_height: int | None = None
    ) -> SampleResult:
        """Return the row of a sample to which there is no answer at all.

        Args:
            sample: What was asked.
            failure: Why there is none.
            image_height: In pixels, where the picture could be read; `viper-original` answers then.
        """
        scores = dict.fromkeys(self._names(sample), 0.0)
        if image_height is not None:
            scores |= original.scores_without_result(sample, image_height)
        return SampleResult(
            id=sample.id,
            task=sample.task,
            prediction=None,
            box_xyxy=None,
            correct=scores[self._primary(sample)] >= 0.5,
            iou=scores.get("mean-iou"),
            failure=failure.kind,
            message=failure.message,
            calls=0,
            forwards={},
            ms=0.0,
            tags=sample.tags,
            program=sample.program,
            unverified=(),
            score=scores[self._primary(sample)],
            scores=scores,
            image=self._name(sample.image),
            query=sample.query,
            answer=sample.answer,
            right_box_xyxy=sample.box_xyxy,
        )

    def baseline(self, sample: Sample, answer: Answer) -> BaselineResult:
        """Judge what a baseline's program answered."""
        scores = self._scores(sample, answer)
        score = scores[self._primary(sample)]
        return BaselineResult(
            prediction=answer.text,
            box_xyxy=_first_box(answer) if sample.task == "grounding" else None,
            correct=score >= 0.5,
            score=score,
            failure=answer.failure.kind if answer.failure else None,
            iou=scores.get("mean-iou"),
        )

    def text(self, sample: Sample, text: str) -> BaselineResult:
        """Judge an answer in words that no program gave."""
        scores = _text_scores(sample, text) | {"viper-original": original.text_score(sample, text)}
        score = scores[self._primary(sample)]
        return BaselineResult(text, None, score >= 0.5, score)

    def box(self, sample: Sample, box_xyxy: Box | None) -> BaselineResult:
        """Judge a box that no program gave."""
        overlap = grounding_iou(box_xyxy, sample.box_xyxy)
        scores = _box_scores(overlap) | {"viper-original": float(overlap > original.THRESHOLD)}
        score = scores[self._primary(sample)]
        return BaselineResult(None, box_xyxy, score >= 0.5, score, iou=overlap)

    def _primary(self, sample: Sample) -> str:
        if self.metric != "default":
            return self.metric
        if sample.task == "grounding":
            return "iou50"
        return "vqa-soft" if len(sample.answers) > 1 else "normalised"

    def _scores(self, sample: Sample, answer: Answer) -> dict[str, float]:
        """Return every fitting metric; failures score 0 but by `viper-original`, which credits some."""
        if sample.task == "grounding":
            failed = answer.failure is not None
            overlap = 0.0 if failed else grounding_iou(_first_box(answer), sample.box_xyxy)
            return _box_scores(overlap) | original.box_scores(sample, answer)
        scores = _text_scores(sample, answer.text)
        return scores | {"viper-original": original.answer_score(sample, answer)}

    def _names(self, sample: Sample) -> tuple[str, ...]:
        if sample.task == "grounding":
            return (*_box_scores(0.0), "viper-original", "viper-original-iou")
        return (*_text_scores(sample, None), "viper-original")

    def _name(self, image: Path) -> str:
        if self._folder is not None and image.is_relative_to(self._folder):
            image = image.relative_to(self._folder)
        return image.as_posix()


def grounding_iou(predicted: Box | None, right: Box | None) -> float:
    """Return the overlap of two boxes; where either is None, 1 if both are, else 0."""
    if predicted is None or right is None:
        return float(predicted is right)
    return iou(predicted, right)


def _first_box(answer: Answer) -> Box | None:
    return answer.patches[0].box_xyxy if answer.patches else None


def _box_scores(overlap: float) -> dict[str, float]:
    return {
        "iou50": float(overlap >= 0.5),
        "iou70": float(overlap >= 0.7),
        "mean-iou": overlap,
    }


def _text_scores(sample: Sample, text: str | None) -> dict[str, float]:
    right = sample.answer or ""
    scores = {
        "exact": float(text == right),
        "normalised": float(text is not None and normalised(text) == normalised(right)),
    }
    if len(sample.answers) > 1:
        annotated = [normalised(answer) for answer in sample.answers]
        scores["vqa-soft"] = 0.0 if text is None else soft_accuracy(normalised(text), annotated)
    return scores
