"""Converts a detector's arrays to `Detection` values.

Networks return boxes outside the image, and boxes without area: these are clamped or dropped here. NaN or
infinity as a score, or as the place of an object that counts, is an error: what was seen is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.backends.finite import check_finite
from viper.backends.letterbox import Frame
from viper.errors import ConfigError
from viper.models.roles import Detection

__all__ = ["MAX_DETECTIONS", "class_names", "to_detections"]

MAX_DETECTIONS = 1000
"""Most detections per request, because suppressing duplicates is quadratic."""

_WHAT = "detector"
_ADVICE = "Use a number format of more bits, or another model."

# The largest vocabulary of a detector has 20,000 names, the longest of known names 60 characters. Words of
# questions are looked up in them, for each call.
_MOST_NAMES = 100_000
_LONGEST_NAME = 300


def class_names(names: Iterable[object], *, displayed: str) -> tuple[str, ...]:
    """Return the names of a detector's classes, each once.

    Args:
        names: From the files of a model.
        displayed: The model, for messages.

    Raises:
        ConfigError: There are too many, or one is no text, or too long.
    """
    unique = tuple(dict.fromkeys(names))
    if len(unique) > _MOST_NAMES:
        raise ConfigError(
            f"'{displayed}' has {len(unique):,} names of classes, and more than {_MOST_NAMES:,}. Give "
            "another detector."
        )
    for name in unique:
        if not isinstance(name, str) or len(name) > _LONGEST_NAME:
            raise ConfigError(
                f"'{displayed}' has a name of a class that is no text of up to {_LONGEST_NAME} characters "
                f"({str(name)[:60]!r}). Correct it in the model's configuration."
            )
    return tuple(map(str, unique))


def to_detections(
    frame: Frame,
    boxes_xyxy: NDArray[np.floating],
    scores: NDArray[np.floating],
    classes: NDArray[np.integer[Any]],
    names: Sequence[str] | Mapping[int, str],
    score_threshold: float,
) -> list[Detection]:
    """Map the boxes of one frame to its crop, clamp, filter and bound them.

    Args:
        frame: What the network was given.
        boxes_xyxy: Shape (N, 4), pixels of the frame, origin top left; may leave the frame.
        scores: Shape (N,), 0 … 1.
        classes: Shape (N,), the key of each box's phrase or class in `names`.
        names: Phrases or class names.
        score_threshold: Boxes with a smaller score are left out.

    Returns:
        At most `MAX_DETECTIONS` detections inside the crop with area, best score first.

    Raises:
        ModelError: A score is NaN or infinite, or the box of one that is not left out.
    """
    if not len(boxes_xyxy) == len(scores) == len(classes):
        raise ValueError(
            f"boxes, scores and classes must have the same length, but got {len(boxes_xyxy)}, "
            f"{len(scores)} and {len(classes)}"
        )
    scores = np.asarray(scores, dtype=np.float64)
    check_finite(_WHAT, scores, advice=_ADVICE)
    chosen = np.flatnonzero(scores >= score_threshold)
    boxes, scores, classes = frame.to_crop(boxes_xyxy[chosen]), scores[chosen], classes[chosen]
    check_finite(_WHAT, boxes, advice=_ADVICE)
    boxes = boxes.clip(0.0, frame.crop_wh * 2)
    has_area = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    kept = np.flatnonzero(has_area)
    # Stable, so that equal scores keep the model's order and runs are reproducible.
    order = kept[np.argsort(-scores[kept], kind="stable")][:MAX_DETECTIONS]
    phrases: Any = names  # indexed by class number, whichever of the two it is
    return [
        Detection((x1, y1, x2, y2), phrases[key], min(score, 1.0))
        for (x1, y1, x2, y2), key, score in zip(
            *(values[order].tolist() for values in (boxes, classes, scores)), strict=True
        )
    ]
