"""From drawn images to training batches: augmentation that preserves the ground truth, and targets."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from viper.builtin.graphs import STRIDE
from viper.builtin.train.captions import Caption, caption_of, random_caption, unfamiliar_caption
from viper.builtin.train.data import DrawnImage, read_image

__all__ = ["Batch", "Images", "collate"]

# Standard deviation of a center's target, as a share of the box.
_SPREAD = 0.12
# Cells within this share of the box around its center learn its edges.
_NEAR_CENTER = 0.25


@dataclass(slots=True)
class Batch:
    """Images with the targets of the network."""

    images: Tensor
    """Shape (B, 3, H, W), 0 … 1."""
    centers: Tensor
    """Shape (B, h, w), 1 at the center of an object, falling off around it."""
    edges: Tensor
    """Shape (B, 4, h, w), distances to the edges in cells."""
    inside: Tensor
    """Shape (B, h, w), True where `edges` counts."""
    log_depth: Tensor
    """Shape (B, h, w)."""
    regions: Tensor
    """Shape (N, 5): index of the image, then a box in pixels, close to that of an object."""
    log_distances: Tensor
    """Shape (N,), logarithm of the depth of the center of each region's object."""
    captions: list[Caption]
    """Distinct texts."""
    fits: Tensor
    """Shape (N, texts), True where a text is true of a region."""


class Images(Dataset[dict[str, Any]]):
    """The images of a folder as training examples.

    Args:
        folder: See `data.draw_images`.
        count: Number of images to use.
        seed: Of the augmentation; None for no augmentation.
    """

    def __init__(self, folder: Path, count: int, seed: int | None) -> None:
        self._folder, self._count, self._seed = folder, count, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> dict[str, Any]:
        image = read_image(self._folder, number)
        if self._seed is None:
            return _example(image, random.Random(number))
        generator = np.random.default_rng((self._seed, self.epoch, number))
        return _example(_augmented(image, generator), random.Random(int(generator.integers(2**31))))


def _augmented(drawn: DrawnImage, generator: np.random.Generator) -> DrawnImage:
    """Mirror an image, change its brightness and color, and add noise."""
    pixels, object_map, objects = drawn.pixels, drawn.object_map, drawn.objects
    ground = drawn.ground_depth
    if generator.random() < 0.5:
        width = object_map.shape[1]
        pixels, object_map, ground = pixels[:, ::-1], object_map[:, ::-1], ground[:, ::-1]
        objects = [
            {**item, "bbox_xyxy": [width - x2, y1, width - x1, y2]}
            for item in objects
            for x1, y1, x2, y2 in [item["bbox_xyxy"]]
        ]
    contrast = generator.uniform(0.8, 1.2)
    gain = contrast * generator.uniform(0.75, 1.2) * generator.uniform(0.94, 1.06, 3)
    lift = (1 - contrast) * pixels.mean() + generator.uniform(-12, 12)
    image = pixels.astype(np.float32)
    image *= gain.astype(np.float32)
    image += np.float32(lift)
    if generator.random() < 0.5:
        image *= _slope(image.shape[:2], generator)
    if generator.random() < 0.3:
        noise = generator.standard_normal(image.shape, np.float32)
        image += noise * np.float32(generator.uniform(0, 6))
    np.clip(image, 0, 255, out=image)
    return DrawnImage(image.astype(np.uint8), object_map, objects, ground)


def _slope(size: tuple[int, int], generator: np.random.Generator) -> NDArray[np.float32]:
    """Return factors that rise slowly across an image, like light from one side, shape (H, W, 1)."""
    rows = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None, None]
    columns = np.linspace(-1, 1, size[1], dtype=np.float32)[None, :, None]
    down, right = generator.uniform(-0.25, 0.25, 2).astype(np.float32)
    factors: NDArray[np.float32] = 1 + down * rows + right * columns
    return factors


def _example(drawn: DrawnImage, rng: random.Random) -> dict[str, Any]:
    height, width = drawn.object_map.shape
    rows, columns = np.mgrid[0 : height // STRIDE, 0 : width // STRIDE].astype(np.float32)
    rows, columns = (rows + 0.5) * STRIDE, (columns + 0.5) * STRIDE
    centers = np.zeros(rows.shape, np.float32)
    edges = np.zeros((4, *rows.shape), np.float32)
    inside = np.zeros(rows.shape, bool)
    far_to_near = sorted(drawn.objects, key=lambda item: -item["pixel_coords"][2])
    for item in far_to_near:
        x1, y1, x2, y2 = item["bbox_xyxy"]
        x, y, w, h = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
        # The peak is the cell that contains the center.
        x_cell, y_cell = (int(x / STRIDE) + 0.5) * STRIDE, (int(y / STRIDE) + 0.5) * STRIDE
        away = ((columns - x_cell) / (_SPREAD * w)) ** 2 + ((rows - y_cell) / (_SPREAD * h)) ** 2
        centers = np.maximum(centers, np.exp(-away / 2))
        near = np.abs(columns - x) <= max(_NEAR_CENTER * w, STRIDE)
        near &= np.abs(rows - y) <= max(_NEAR_CENTER * h, STRIDE)
        distances = np.stack([columns - x1, rows - y1, x2 - columns, y2 - rows]) / STRIDE
        near &= (distances > 0).all(axis=0)
        edges[:, near] = distances[:, near]
        inside |= near
    # The depth of an object is that of its center, as `compute_depth` defines it; the ground has index −1.
    center_depths = np.array([*(t["pixel_coords"][2] for t in drawn.objects), 0.0], np.float32)
    cells = drawn.object_map[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
    depth = np.where(cells >= 0, center_depths[cells], drawn.ground_depth)
    return {
        "image": torch.from_numpy(np.array(drawn.pixels)),
        "centers": torch.from_numpy(centers),
        "edges": torch.from_numpy(edges),
        "inside": torch.from_numpy(inside),
        "log_depth": torch.from_numpy(np.log(depth)),
        "objects": drawn.objects,
        "boxes": [_jittered(item["bbox_xyxy"], rng, (width, height)) for item in drawn.objects],
        "captions": [
            *(caption_of(item, rng) for item in drawn.objects),
            random_caption(rng),
            unfamiliar_caption(rng),
        ],
    }


def _jittered(box: list[int], rng: random.Random, size: tuple[int, int]) -> list[float]:
    """Return a box with small errors, like those of a detector."""
    x1, y1, x2, y2 = box
    w, h = x2 - x1, y2 - y1
    sigma = 0.0 if rng.random() < 0.2 else 0.07
    moved = [
        edge + rng.gauss(0, sigma) * side for edge, side in zip(box, (w, h, w, h), strict=True)
    ]
    left, right = sorted(moved[::2])
    top, bottom = sorted(moved[1::2])
    left, top = max(0.0, min(left, size[0] - 2)), max(0.0, min(top, size[1] - 2))
    return [left, top, min(max(right, left + 2), size[0]), min(max(bottom, top + 2), size[1])]


def collate(examples: list[dict[str, Any]]) -> Batch:
    """Join examples into a batch."""
    regions: list[list[float]] = []
    objects: list[dict[str, Any]] = []
    captions: dict[str, Caption] = {}
    for index, example in enumerate(examples):
        regions += ([float(index), *box] for box in example["boxes"])
        objects += example["objects"]
        for caption in example["captions"]:
            captions.setdefault(caption.text, caption)
    texts = list(captions.values())
    fits = [[caption.fits(item) for caption in texts] for item in objects]
    images, centers, edges, inside, log_depth = (
        torch.stack([example[name] for example in examples])
        for name in ("image", "centers", "edges", "inside", "log_depth")
    )
    return Batch(
        images.permute(0, 3, 1, 2).float() / 255,
        centers,
        edges,
        inside,
        log_depth,
        torch.tensor(regions, dtype=torch.float32).reshape(-1, 5),
        torch.tensor([item["pixel_coords"][2] for item in objects], dtype=torch.float32).log(),
        texts,
        torch.tensor(fits, dtype=torch.bool).reshape(len(objects), len(texts)),
    )
