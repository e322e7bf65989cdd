"""Measures the network on images with scene files: boxes, attributes, order of depth."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from viper.builtin.detector import FITS
from viper.builtin.sight import Sight, Viewer
from viper.builtin.train.captions import ATTRIBUTES, Caption, caption_of
from viper.images.boxes import Box, iou
from viper.images.image import Pixels

__all__ = ["Figures", "evaluate"]

_OPTIONS = {name: ATTRIBUTES[name] for name in ("shape", "color", "material", "size")}
# In the order of the model card.


@dataclass(slots=True)
class Figures:
    """The figures of the network."""

    ap50: dict[str, float] = field(default_factory=dict)
    """Average precision at IoU 0.5, by phrase; "thing" means every object."""
    attributes: dict[str, float] = field(default_factory=dict)
    """Share of right choices for the true boxes, by attribute."""
    depth_order: float = 0.0
    """Share of pairs of objects in the right order of depth."""
    find_precision: float = 0.0
    """Precision of `find` for phrases such as "small metal cube"."""
    find_recall: float = 0.0
    """Recall of `find` for such phrases."""


def evaluate(images: Iterable[tuple[Pixels, list[dict[str, Any]]]], viewer: Viewer) -> Figures:
    """Compare the results of the network with the scenes.

    Args:
        images: Pixels, shape (H, W, 3), and the objects of a CLEVR scene.
        viewer: Of the network.
    """
    phrases = ("thing", *_OPTIONS["shape"])
    found: dict[str, list[tuple[float, bool]]] = {phrase: [] for phrase in phrases}
    present = dict.fromkeys(phrases, 0)
    right = dict.fromkeys(_OPTIONS, 0)
    n_objects = ordered = pairs = 0
    find_counts = np.zeros(3)  # right, found, wanted
    rng = random.Random(5)
    texts = viewer.embed_texts(list(phrases))
    options = {
        name: viewer.embed_texts([f"{v} thing" if name != "shape" else v for v in values])
        for name, values in _OPTIONS.items()
    }
    for pixels, objects in images:
        sight = viewer.look_at(pixels)
        boxes = [_box(item["bbox_xyxy"]) for item in objects]
        detected = [_box(row) for row in sight.boxes_xyxy.tolist()]
        fits = (
            viewer.match(viewer.embed_boxes(sight, detected), texts)
            if detected
            else np.zeros((0, 4))
        )
        for column, phrase in enumerate(phrases):
            wanted = [
                b for b, t in zip(boxes, objects, strict=True) if phrase in ("thing", t["shape"])
            ]
            present[phrase] += len(wanted)
            scores = sight.scores * (fits[:, column] if phrase != "thing" else 1)
            found[phrase] += _hits(detected, scores, wanted)
        captions = [caption_of(item, rng) for item in objects]
        find_counts += _find_counts(captions, objects, boxes, detected, sight, viewer)
        vectors = viewer.embed_boxes(sight, boxes)
        for name, values in _OPTIONS.items():
            chosen = (vectors @ options[name].T).argmax(axis=1)
            right[name] += sum(values[c] == t[name] for c, t in zip(chosen, objects, strict=True))
        n_objects += len(objects)
        depths = viewer.distances(sight, boxes)
        true_depths = [item["pixel_coords"][2] for item in objects]
        for j, i in itertools.combinations(range(len(objects)), 2):
            pairs += 1
            ordered += (depths[i] < depths[j]) == (true_depths[i] < true_depths[j])
    return Figures(
        {phrase: _average_precision(found[phrase], present[phrase]) for phrase in phrases},
        {name: count / max(1, n_objects) for name, count in right.items()},
        float(ordered / max(1, pairs)),
        *(float(find_counts[0] / max(1, count)) for count in find_counts[1:]),
    )


def _find_counts(
    captions: list[Caption],
    objects: list[dict[str, Any]],
    boxes: list[Box],
    detected: list[Box],
    sight: Sight,
    viewer: Viewer,
) -> tuple[int, int, int]:
    """Count the results of `find` for captions: right, found, wanted."""
    if not detected:
        return 0, 0, sum(caption.fits(item) for caption in captions for item in objects)
    texts = viewer.embed_texts([caption.text for caption in captions])
    fits = viewer.match(viewer.embed_boxes(sight, detected), texts) >= FITS
    right = found = wanted = 0
    for column, caption in enumerate(captions):
        named = [b for b, t in zip(boxes, objects, strict=True) if caption.fits(t)]
        chosen = np.flatnonzero(fits[:, column])
        hits = _hits([detected[n] for n in chosen], sight.scores[chosen], named)
        right += sum(hit for _, hit in hits)
        found, wanted = found + len(chosen), wanted + len(named)
    return right, found, wanted


def _box(edges: list[float]) -> Box:
    x1, y1, x2, y2 = map(float, edges)
    return x1, y1, x2, y2


def _hits(detected: list[Box], scores: Any, wanted: list[Box]) -> list[tuple[float, bool]]:
    """Return (score, whether it is the first to match a wanted object) of each detection, best first."""
    left = dict(enumerate(wanted))
    hits: list[tuple[float, bool]] = []
    for index in np.argsort(-scores, kind="stable"):
        overlaps = {n: iou(detected[index], box) for n, box in left.items()}
        best = max(overlaps, key=overlaps.__getitem__, default=-1)
        hit = overlaps.get(best, 0.0) >= 0.5
        if hit:
            del left[best]
        hits.append((float(scores[index]), hit))
    return hits


def _average_precision(results: list[tuple[float, bool]], present: int) -> float:
    """Return the area under the precision-recall curve, precision made monotone (VOC 2010)."""
    if not present:
        return 1.0
    hits = np.array([hit for _, hit in sorted(results, key=lambda pair: -pair[0])], float)
    if not len(hits):
        return 0.0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((precision * hits).sum() / present)
