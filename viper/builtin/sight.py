"""What the network sees in a picture: things with boxes and vectors, depth, and vectors of any box.

A picture is looked at once; detector, matcher, depth model and answerer share what was seen, each from
its own thread.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from viper.builtin.network import EMBEDDING, NECK, PLACE, STRIDE, WorldNetwork
from viper.builtin.words import encode
from viper.images.boxes import Box, nms
from viper.images.image import ImageRef, Pixels, View

__all__ = ["CENTER_THRESHOLD", "DESCRIBED", "Sight", "Viewer"]

_WIDTH = 384
# A picture is scaled to this width, that of the training pictures; then its things, seen through the
# same lens, have the sizes of theirs, whatever the picture's proportions.
_TALLEST = 512
_MULTIPLE = 32
CENTER_THRESHOLD = 0.3
# Least certainty that a thing's middle is in a cell; see the model card for precision and recall.
_NMS_IOU = 0.6
_MOST_THINGS = 100
DESCRIBED = EMBEDDING + 2 * NECK + PLACE
"""Numbers that `Viewer.describe` gives of a box."""
_REMEMBERED = 32
# Pictures whose sight is kept; a map of features takes 1.6 MB.
_REMEMBERED_STRANGENESS = 4096
# Pictures of which it is kept how strange they are.


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen in one picture."""

    features: Tensor
    """Shape (1, 64, h, w)."""
    scale: float
    """Pixels of the network's input per pixel of the picture."""
    boxes_xyxy: NDArray[np.float64]
    """Things, shape (N, 4), pixels of the picture, the surest first."""
    scores: NDArray[np.float64]
    """Shape (N,), 0 … 1: how sure it is that there is a thing."""
    log_depth: Tensor
    """Shape (h, w) of the input's cells that the picture covers."""
    strangeness: float
    """How far the picture is from those of the small world; see `familiarity`."""


class Viewer:
    """Looks at pictures with the network, each once; may be used from several threads.

    Args:
        network: In evaluation mode.
    """

    def __init__(self, network: WorldNetwork) -> None:
        self._network = network
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, Sight] = OrderedDict()
        self._strangeness: OrderedDict[str, float] = OrderedDict()

    def look(self, image: ImageRef) -> Sight:
        """Return what is seen in an image."""
        # Under the lock, so that two roles that ask at once let the network look once.
        with self._lock:
            known = self._seen.get(image.content_hash)
            if known is None:
                known = self._seen[image.content_hash] = self.look_at(image.pixels())
                self._strangeness[image.content_hash] = known.strangeness
                for kept, most in (
                    (self._seen, _REMEMBERED),
                    (self._strangeness, _REMEMBERED_STRANGENESS),
                ):
                    while len(kept) > most:
                        kept.popitem(last=False)
            self._seen.move_to_end(image.content_hash)
            return known

    def strangeness(self, image: ImageRef) -> float:
        """Return how strange an image is, which was looked at; see `Sight.strangeness`."""
        known = self._strangeness.get(image.content_hash)
        return self.look(image).strangeness if known is None else known

    def by_image(self, views: Sequence[View]) -> Iterator[tuple[Sight, list[int]]]:
        """Yield what is seen in each image, with the positions of the views of it."""
        numbers: dict[str, list[int]] = {}
        for number, view in enumerate(views):
            numbers.setdefault(view.image.content_hash, []).append(number)
        for listed in numbers.values():
            yield self.look(views[listed[0]].image), listed

    @torch.inference_mode()
    def look_at(self, pixels: Pixels) -> Sight:
        """Return what is seen in a picture of shape (H, W, 3), uint8 RGB."""
        height, width = pixels.shape[:2]
        scale = min(_WIDTH / width, _TALLEST / height)
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        picture = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].float() / 255
        if (w, h) != (width, height):
            picture = functional.interpolate(
                picture, (h, w), mode="bilinear", antialias=True, align_corners=False
            )
        padding = (0, -w % _MULTIPLE, 0, -h % _MULTIPLE)
        picture = functional.pad(picture, padding, mode="replicate")
        dense = self._network(picture.contiguous(memory_format=torch.channels_last))
        boxes, scores = _things(dense.centers[0], dense.edges[0])
        boxes = boxes / scale
        boxes[:, [0, 2]] = boxes[:, [0, 2]].clip(0, width)
        boxes[:, [1, 3]] = boxes[:, [1, 3]].clip(0, height)
        whole = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
        covered = dense.log_depth[0, : -(-h // STRIDE), : -(-w // STRIDE)]
        return Sight(
            dense.features,
            scale,
            boxes[whole],
            scores[whole],
            covered,
            self._network.familiarity(dense.features).item(),
        )

    @torch.inference_mode()
    def embed_boxes(self, sight: Sight, boxes: list[Box]) -> NDArray[np.float32]:
        """Return unit vectors of boxes in pixels of the picture, shape (len(boxes), D)."""
        regions = self._network.look_closer(sight.features, _indexed(sight, boxes))
        return regions.embeddings.numpy()

    @torch.inference_mode()
    def distances(self, sight: Sight, boxes: list[Box]) -> NDArray[np.float64]:
        """Return how far away is what boxes show, in units of the world, shape (len(boxes),)."""
        regions = self._network.look_closer(sight.features, _indexed(sight, boxes))
        return regions.log_distances.exp().double().numpy()

    @torch.inference_mode()
    def describe(self, sight: Sight, boxes: list[Box]) -> NDArray[np.float32]:
        """Return what the answerer reads of boxes, shape (len(boxes), DESCRIBED).

        The vector of a box tells what thing it shows; means and deviations of the features inside of it tell
        how much of what there is.
        """
        indexed = _indexed(sight, boxes)
        embeddings = self._network.look_closer(sight.features, indexed).embeddings
        pooled = self._network.pool(sight.features, indexed)
        grid, place = pooled[:, :-PLACE], pooled[:, -PLACE:]
        cells = grid.reshape(len(grid), NECK, -1)  # (N, 64, 49)
        return torch.cat([embeddings, cells.mean(dim=2), cells.std(dim=2), place], dim=1).numpy()

    @torch.inference_mode()
    def embed_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """Return unit vectors of texts, shape (len(texts), D)."""
        return self._network.embed_texts(torch.from_numpy(encode(texts))).numpy()

    def match(
        self, regions: NDArray[np.float32], texts: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return how surely texts are true of regions, 0 … 1, shape (regions, texts)."""
        shares: NDArray[np.float64] = self._certainties(
            regions.astype(np.float64) @ texts.astype(np.float64).T
        )
        return shares

    def certainty(self, cosine: float) -> float:
        """Return how surely a text is true of a region, 0 … 1, from the cosine of their vectors."""
        return float(self._certainties(cosine))

    def _certainties(self, cosines: Any) -> Any:  # one number, or an array of them
        scale, bias = (
            float(p.detach()) for p in (self._network.match_scale, self._network.match_bias)
        )
        return 1 / (1 + np.exp(-(cosines * scale + bias)))

    @property
    def logit_scale(self) -> float:
        """Factor from cosine to logit of the contrastive space."""
        return float(self._network.log_scale.detach().exp())


def _indexed(sight: Sight, boxes: list[Box]) -> Tensor:
    """Return boxes of the picture as the network wants them, shape (N, 5)."""
    rows = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4) * sight.scale
    return torch.cat([torch.zeros(len(rows), 1), rows], dim=1)


def _things(centers: Tensor, edges: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return boxes in pixels of the input, shape (N, 4), and scores, shape (N,), best first."""
    sure = centers.sigmoid()
    peak = functional.max_pool2d(sure[None, None], 3, 1, 1)[0, 0] == sure
    rows, columns = torch.nonzero(peak & (sure >= CENTER_THRESHOLD), as_tuple=True)
    scores = sure[rows, columns].double().numpy()
    sides = edges[:, rows, columns].double().numpy() * STRIDE  # (4, N)
    x = (columns.double().numpy() + 0.5) * STRIDE
    y = (rows.double().numpy() + 0.5) * STRIDE
    boxes = np.stack([x - sides[0], y - sides[1], x + sides[2], y + sides[3]], axis=1)
    listed: list[Box] = [(a, b, c, d) for a, b, c, d in boxes.tolist()]
    kept = nms(listed, scores.tolist(), _NMS_IOU)[:_MOST_THINGS]
    return boxes[kept].reshape(-1, 4), scores[kept]
