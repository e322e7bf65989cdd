"""The shared image encoder of the built-in models: objects with boxes, depth, and vectors of any box.

Each image is encoded once; detector, matcher, depth model and answerer use the same result, each from its own
thread.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from viper.builtin.graphs import STRIDE, FloatArray, Maps, Network, Regions
from viper.builtin.scaling import scaled
from viper.builtin.words import encode
from viper.images.boxes import Box, nms
from viper.images.image import ImageRef, Pixels, View

__all__ = ["CENTER_THRESHOLD", "Sight", "Viewer"]

# Images are scaled to the width of the training images: then objects seen through the same lens have the same
# size, whatever the aspect ratio of the image.
_WIDTH = 384
_TALLEST = 512
_MULTIPLE = 32
# Least probability of an object's center in a cell; see the model card for precision and recall.
CENTER_THRESHOLD = 0.3
_NMS_IOU = 0.6
_MOST_OBJECTS = 100
# Boxes that NMS compares; only an untrained network has more.
_MOST_CANDIDATES = 1000
# Images; a feature map takes 1.6 MB.
_CACHED = 32
_CACHED_STRANGENESS = 4096


@dataclass(frozen=True, slots=True)
class Sight:
    """One encoded image."""

    features: FloatArray
    """Shape (1, 64, h, w)."""
    scale: float
    """Pixels of the network's input per pixel of the image."""
    boxes_xyxy: NDArray[np.float64]
    """Objects, shape (N, 4), pixels of the image, best score first."""
    scores: NDArray[np.float64]
    """Shape (N,), 0 … 1: probability of an object."""
    log_depth: FloatArray
    """Shape (h, w) of the input's cells that the image covers."""
    strangeness: float
    """Distance of the image from those of the small world; see `Familiarity`."""


class _Input(NamedTuple):
    """What the network gets of an image."""

    image: FloatArray
    """Shape (1, 3, h, w), 0 … 1, sides multiples of 32."""
    scale: float
    """Pixels of the network's input per pixel of the image."""
    size_wh: tuple[int, int]
    """Of the image."""
    covered_wh: tuple[int, int]
    """Pixels of the input that the image covers; the rest repeats its edge."""


class Viewer:
    """Encodes each image once with the network; may be used from several threads.

    Args:
        network: Encodes images, regions and texts.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._lock = threading.Lock()
        self._sights: OrderedDict[str, Sight] = OrderedDict()
        self._strangeness: OrderedDict[str, float] = OrderedDict()

    def look(self, image: ImageRef) -> Sight:
        """Return an encoded image, from the cache if it was encoded before."""
        key = image.content_hash
        with self._lock:
            if (sight := self._cached(key)) is not None:
                return sight
        # Outside the lock: scaling a large image takes longer than encoding it.
        scaled_input = _input_of(image.pixels())
        # Under the lock, so that the network runs once if two roles ask at the same time.
        with self._lock:
            if (sight := self._cached(key)) is not None:
                return sight
            sight = self._sights[key] = self._encode(scaled_input)
            self._strangeness[key] = sight.strangeness
            for kept, most in (
                (self._sights, _CACHED),
                (self._strangeness, _CACHED_STRANGENESS),
            ):
                while len(kept) > most:
                    kept.popitem(last=False)
            return sight

    def _cached(self, key: str) -> Sight | None:
        """Return an encoded image, which is now the last to be dropped; the caller holds the lock."""
        if key in self._sights:
            self._sights.move_to_end(key)
        return self._sights.get(key)

    def strangeness(self, image: ImageRef) -> float:
        """Return `Sight.strangeness` of an image, from the cache if it was encoded before."""
        cached = self._strangeness.get(image.content_hash)
        return self.look(image).strangeness if cached is None else cached

    def by_image(self, views: Sequence[View]) -> Iterator[tuple[Sight, list[int]]]:
        """Yield each encoded image with the positions of its views."""
        numbers: dict[str, list[int]] = {}
        for number, view in enumerate(views):
            numbers.setdefault(view.image.content_hash, []).append(number)
        for listed in numbers.values():
            yield self.look(views[listed[0]].image), listed

    def look_at(self, pixels: Pixels) -> Sight:
        """Encode an image of shape (H, W, 3), uint8 RGB."""
        return self._encode(_input_of(pixels))

    def _encode(self, given: _Input) -> Sight:
        maps = self._network.encode(given.image)
        boxes, scores = _objects(maps)
        boxes = (boxes / given.scale).clip(0, given.size_wh * 2)
        whole = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
        w, h = given.covered_wh
        covered = maps.log_depth[: -(-h // STRIDE), : -(-w // STRIDE)]
        return Sight(
            maps.features, given.scale, boxes[whole], scores[whole], covered, maps.strangeness
        )

    def embed_boxes(self, sight: Sight, boxes: list[Box]) -> FloatArray:
        """Return unit vectors of boxes in pixels of the image, shape (len(boxes), D)."""
        return self._regions(sight, boxes).embeddings

    def distances(self, sight: Sight, boxes: list[Box]) -> NDArray[np.float64]:
        """Return the depths of boxes in units of the world, shape (len(boxes),)."""
        return np.exp(self._regions(sight, boxes).log_distances.astype(np.float64))

    def describe(self, sight: Sight, boxes: list[Box]) -> FloatArray:
        """Return the answerer's input for boxes, shape (len(boxes), DESCRIBED)."""
        return self._regions(sight, boxes).descriptions

    def embed_texts(self, texts: list[str]) -> FloatArray:
        """Return unit vectors of texts, shape (len(texts), D)."""
        return self._network.embed_texts(encode(texts))

    def _regions(self, sight: Sight, boxes: list[Box]) -> Regions:
        rows = np.array(boxes, np.float32).reshape(-1, 4) * np.float32(sight.scale)
        return self._network.regions(sight.features, rows)

    def match(
        self, regions: NDArray[np.float32], texts: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return probabilities that texts are true of regions, shape (regions, texts)."""
        return self._certainties(regions.astype(np.float64) @ texts.astype(np.float64).T)

    def certainty(self, cosine: float) -> float:
        """Return the probability that a text is true of a region, from the cosine of their vectors."""
        return float(self._certainties(np.array(cosine)))

    def _certainties(self, cosines: NDArray[np.float64]) -> NDArray[np.float64]:
        scales = self._network.scales
        logits = cosines * scales.match_scale + scales.match_bias
        shares: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
        return shares

    @property
    def logit_scale(self) -> float:
        """Factor from cosine to logit of the contrastive space."""
        return self._network.scales.logit_scale


def _input_of(pixels: Pixels) -> _Input:
    height, width = pixels.shape[:2]
    scale = min(_WIDTH / width, _TALLEST / height)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    padding = ((0, 0), (0, -h % _MULTIPLE), (0, -w % _MULTIPLE))
    image = np.pad(scaled(pixels, (w, h)), padding, mode="edge")
    return _Input(np.ascontiguousarray(image[None]), scale, (width, height), (w, h))


def _objects(maps: Maps) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return boxes in pixels of the input, shape (N, 4), and scores, shape (N,), best first."""
    rows, columns = np.nonzero(maps.centers >= CENTER_THRESHOLD)
    best = np.argsort(-maps.centers[rows, columns], kind="stable")[:_MOST_CANDIDATES]
    rows, columns = rows[best], columns[best]
    scores = maps.centers[rows, columns].astype(np.float64)
    sides = maps.edges[:, rows, columns].astype(np.float64) * STRIDE  # (4, N)
    x, y = (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE
    boxes = np.stack([x - sides[0], y - sides[1], x + sides[2], y + sides[3]], axis=1)
    listed: list[Box] = [(a, b, c, d) for a, b, c, d in boxes.tolist()]
    kept = nms(listed, scores.tolist(), _NMS_IOU)[:_MOST_OBJECTS]
    return boxes[kept].reshape(-1, 4), scores[kept]
