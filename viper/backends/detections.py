"""Converts a detector's arrays to `Detection` values.

Networks return boxes outside the image, boxes without area and, in half precision, NaN: these are clamped or
dropped here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from viper.models.roles import Detection

__all__ = ["MAX_DETECTIONS", "to_detections"]

MAX_DETECTIONS = 1000
"""Most detections per request, because suppressing duplicates is quadratic."""


def to_detections(
    boxes_xyxy: NDArray[np.floating],
    scores: NDArray[np.floating],
    phrases: Sequence[str],
    *,
    crop_wh: tuple[int, int],
    score_threshold: float,
) -> list[Detection]:
    """Clamp, filter and bound the boxes of one crop.

    Args:
        boxes_xyxy: Shape (N, 4), pixels of the crop, origin top left; may leave the crop.
        scores: Shape (N,), 0 … 1.
        phrases: N phrases, or class names.
        crop_wh: Width and height of the crop in pixels.
        score_threshold: Boxes with a smaller score are left out.

    Returns:
        At most `MAX_DETECTIONS` detections inside the crop with area, best score first.
    """
    width, height = crop_wh
    boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    scores = np.asarray(scores, dtype=np.float64).reshape(-1)
    if not len(boxes) == len(scores) == len(phrases):
        raise ValueError(
            f"boxes, scores and phrases must be equally many, but got {len(boxes)}, {len(scores)} "
            f"and {len(phrases)}"
        )
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
    boxes = np.where(finite[:, None], boxes, 0.0)
    boxes[:, 0::2] = boxes[:, 0::2].clip(0.0, width)
    boxes[:, 1::2] = boxes[:, 1::2].clip(0.0, height)
    has_area = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    kept = np.flatnonzero(finite & has_area & (scores >= score_threshold))
    # Stable, so that equal scores keep the model's order and runs are reproducible.
    order = kept[np.argsort(-scores[kept], kind="stable")][:MAX_DETECTIONS]
    return [
        Detection((x1, y1, x2, y2), phrases[int(index)], min(score, 1.0))
        for index, (x1, y1, x2, y2), score in zip(
            order, boxes[order].tolist(), scores[order].tolist(), strict=True
        )
    ]
