"""Measures the network on pictures with known scenes: boxes, attributes, order of depth."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from viper.builtin.detector import FITS
from viper.builtin.sight import Sight, Viewer
from viper.builtin.train.captions import Caption, caption_of
from viper.builtin.words import SPELLINGS
from viper.images.boxes import Box, iou
from viper.images.image import Pixels

__all__ = ["Figures", "evaluate"]

_OPTIONS = {
    "shape": ("cube", "sphere", "cylinder"),
    "color": tuple(SPELLINGS)[:8],
    "material": ("rubber", "metal"),
    "size": ("small", "large"),
}


@dataclass(slots=True)
class Figures:
    """What was measured."""

    ap50: dict[str, float] = field(default_factory=dict)
    """Average precision at IoU 0.5, by phrase; "thing" is every thing."""
    attributes: dict[str, float] = field(default_factory=dict)
    """Share of right choices for the true boxes, by attribute."""
    depth_order: float = 0.0
    """Share of pairs of things whose order in depth is right."""
    find_precision: float = 0.0
    """Share of what `find` gives for phrases such as "small metal cube" that is right."""
    find_recall: float = 0.0
    """Share of what such phrases name that `find` gives."""


def evaluate(pictures: Iterable[tuple[Pixels, list[dict[str, Any]]]], viewer: Viewer) -> Figures:
    """Compare what is seen with what is there.

    Args:
        pictures: Pixels, shape (H, W, 3), and the objects of a CLEVR scene.
        viewer: Sees.
    """
    phrases = ("thing", *_OPTIONS["shape"])
    found: dict[str, list[tuple[float, bool]]] = {phrase: [] for phrase in phrases}
    present = dict.fromkeys(phrases, 0)
    right = dict.fromkeys(_OPTIONS, 0)
    things = ordered = pairs = 0
    finds = [0, 0, 0]  # right, given, wanted
    dice = random.Random(5)
    texts = viewer.embed_texts(list(phrases))
    options = {
        name: viewer.embed_texts([f"{v} thing" if name != "shape" else v for v in values])
        for name, values in _OPTIONS.items()
    }
    for pixels, objects in pictures:
        sight = viewer.look_at(pixels)
        boxes = [_box(thing["bbox_xyxy"]) for thing in objects]
        seen = [_box(row) for row in sight.boxes_xyxy.tolist()]
        sure = viewer.match(viewer.embed_boxes(sight, seen), texts) if seen else np.zeros((0, 4))
        for column, phrase in enumerate(phrases):
            wanted = [
                b for b, t in zip(boxes, objects, strict=True) if phrase in ("thing", t["shape"])
            ]
            present[phrase] += len(wanted)
            scores = sight.scores * (sure[:, column] if phrase != "thing" else 1)
            found[phrase] += _judged(seen, scores, wanted)
        captions = [caption_of(thing, dice) for thing in objects]
        for number, count in enumerate(_found(captions, objects, boxes, seen, sight, viewer)):
            finds[number] += count
        vectors = viewer.embed_boxes(sight, boxes)
        for name, values in _OPTIONS.items():
            chosen = (vectors @ options[name].T).argmax(axis=1)
            right[name] += sum(values[c] == t[name] for c, t in zip(chosen, objects, strict=True))
        things += len(objects)
        depths = viewer.distances(sight, boxes)
        for i in range(len(objects)):
            for j in range(i):
                pairs += 1
                truth = objects[i]["pixel_coords"][2] < objects[j]["pixel_coords"][2]
                ordered += (depths[i] < depths[j]) == truth
    return Figures(
        {phrase: _average_precision(found[phrase], present[phrase]) for phrase in phrases},
        {name: count / max(1, things) for name, count in right.items()},
        float(ordered / max(1, pairs)),
        finds[0] / max(1, finds[1]),
        finds[0] / max(1, finds[2]),
    )


def _found(
    captions: list[Caption],
    objects: list[dict[str, Any]],
    boxes: list[Box],
    seen: list[Box],
    sight: Sight,
    viewer: Viewer,
) -> tuple[int, int, int]:
    """Count what `find` gives for captions: right, given, wanted."""
    if not seen:
        return 0, 0, sum(c.fits(thing) for c in captions for thing in objects)
    texts = viewer.embed_texts([caption.text for caption in captions])
    fits = viewer.match(viewer.embed_boxes(sight, seen), texts) >= FITS
    right = given = wanted = 0
    for column, caption in enumerate(captions):
        named = [b for b, t in zip(boxes, objects, strict=True) if caption.fits(t)]
        chosen = np.flatnonzero(fits[:, column])
        judged = _judged([seen[n] for n in chosen], sight.scores[chosen], named)
        right += sum(hit for _, hit in judged)
        given, wanted = given + len(chosen), wanted + len(named)
    return right, given, wanted


def _box(edges: list[float]) -> Box:
    x1, y1, x2, y2 = map(float, edges)
    return x1, y1, x2, y2


def _judged(seen: list[Box], scores: Any, wanted: list[Box]) -> list[tuple[float, bool]]:
    """Say of each detection whether it is the best of a thing that is there."""
    taken: set[int] = set()
    judged: list[tuple[float, bool]] = []
    for index in np.argsort(-scores, kind="stable"):
        overlaps = [
            iou(seen[index], box) if n not in taken else 0.0 for n, box in enumerate(wanted)
        ]
        best = int(np.argmax(overlaps)) if overlaps else -1
        hit = best >= 0 and overlaps[best] >= 0.5
        if hit:
            taken.add(best)
        judged.append((float(scores[index]), hit))
    return judged


def _average_precision(judged: list[tuple[float, bool]], present: int) -> float:
    """Return the area under the precision-recall curve, precision made monotone (VOC 2010)."""
    if not present:
        return 1.0
    hits = np.array([hit for _, hit in sorted(judged, key=lambda pair: -pair[0])], float)
    if not len(hits):
        return 0.0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((precision * hits).sum() / present)
