"""The metrics of ViperGPT's evaluation, for comparison with published figures; not recommended.

Read from the datasets of https://github.com/cvlab-columbia/viper (`gqa.py`, `okvqa.py`, `refcoco.py`):

- Answers: no result and an empty list count as "no", which is right whenever the answer is no; of a list
  the first element counts; only the prediction is normalized.
- Boxes: no result counts as one constant box; a list of patches scores 0; accuracy is IoU > 0.7.

Three differences remain: a patch as an answer becomes its category here (there an answerer names it), for
OK-VQA neither side is stemmed, and letters are composed on both sides.
"""

from __future__ import annotations

from typing import Any

from viper.engine.answer import Answer
from viper.images.boxes import Box, iou
from viper.images.region import Patch
from viper_benchmarks.normalise import (
    ARTICLES,
    NUMBERS,
    composed,
    soft_accuracy,
    without_punctuation,
)
from viper_benchmarks.sample import Sample

__all__ = ["THRESHOLD", "answer_score", "box_scores", "scores_without_result", "text_score"]

THRESHOLD = 0.7
# The mean box of the data, (left, lower, right, upper) in pixels, origin bottom left.
_DEFAULT_BOX_Y_UP = (50.9, 39.1, 493.5, 356.5)


def answer_score(sample: Sample, answer: Answer) -> float:
    """Return the score of a textual answer, 0 … 1."""
    return text_score(sample, _as_text(answer.value))


def text_score(sample: Sample, text: str) -> float:
    """Return the score of a text, 0 … 1."""
    plain = _processed(text)
    if len(sample.answers) < 2:
        return float(plain == composed(sample.answer or ""))
    return soft_accuracy(plain, [_processed(given) for given in sample.answers])


def box_scores(sample: Sample, answer: Answer) -> dict[str, float]:
    """Return accuracy and IoU of a grounding answer."""
    if isinstance(answer.value, Patch):
        return _of_box(sample, answer.value.box_xyxy)
    if answer.value is None:
        return _of_box(sample, _default_box(answer.trace.image.height))
    return _of_box(sample, None)


def scores_without_result(sample: Sample, image_height: int) -> dict[str, float]:
    """Return the scores of a sample without a program: "no", or the constant box."""
    if sample.task == "vqa":
        return {"viper-original": text_score(sample, "no")}
    return _of_box(sample, _default_box(image_height))


def _of_box(sample: Sample, box: Box | None) -> dict[str, float]:
    right = sample.box_xyxy
    overlap = 0.0 if box is None or right is None else iou(box, right)
    return {"viper-original": float(overlap > THRESHOLD), "viper-original-iou": overlap}


def _default_box(image_height: int) -> Box:
    left, lower, right, upper = _DEFAULT_BOX_Y_UP
    return left, image_height - upper, right, image_height - lower


def _as_text(value: Any) -> str:
    """Return the text that the evaluation uses for a program's value of any type."""
    if isinstance(value, list):
        value = value[0] if value else "no"
    if value is None:
        value = "no"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = (value.category if isinstance(value, Patch) else str(value)).strip().lower()
    return {"true": "yes", "false": "no"}.get(text, text)


def _processed(text: str) -> str:
    plain = composed(without_punctuation(composed(text)).lower())
    words = (NUMBERS.get(word, word) for word in plain.split())
    return " ".join(word for word in words if word not in ARTICLES)
