"""From drawn pictures to training batches: changes that keep the truth true, and the targets."""

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

from viper.builtin.network import STRIDE
from viper.builtin.train.captions import Caption, caption_of, random_caption, strange_caption
from viper.builtin.train.data import Picture, read_picture

__all__ = ["Batch", "Pictures", "collate"]

_SPREAD = 0.12
# Standard deviation of a centre's target, as a share of the box.
_NEAR_CENTER = 0.25
# Cells within this share of the box around its centre learn its edges.


@dataclass(slots=True)
class Batch:
    """Pictures with what the network shall say of them."""

    pictures: Tensor
    """Shape (B, 3, H, W), 0 … 1."""
    centers: Tensor
    """Shape (B, h, w), 1 at the centre of a thing, falling off around it."""
    edges: Tensor
    """Shape (B, 4, h, w), distances to the edges in cells."""
    inside: Tensor
    """Shape (B, h, w), True where `edges` counts."""
    log_depth: Tensor
    """Shape (B, h, w)."""
    regions: Tensor
    """Shape (N, 5): picture, then a box in pixels, near to a thing's."""
    log_distances: Tensor
    """Shape (N,), logarithm of the depth of the middle of each region's thing."""
    captions: list[Caption]
    """Texts, without repetitions."""
    fits: Tensor
    """Shape (N, texts), True where a text is true of a region."""


class Pictures(Dataset[dict[str, Any]]):
    """The pictures of a folder as training examples.

    Args:
        folder: See `data.draw_pictures`.
        count: How many to use.
        seed: Of the changes; None leaves the pictures as they are.
    """

    def __init__(self, folder: Path, count: int, seed: int | None) -> None:
        self._folder, self._count, self._seed = folder, count, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> dict[str, Any]:
        picture = read_picture(self._folder, number)
        if self._seed is None:
            return _example(picture, random.Random(number))
        generator = np.random.default_rng((self._seed, self.epoch, number))
        return _example(_changed(picture, generator), random.Random(int(generator.integers(2**31))))


def _changed(picture: Picture, generator: np.random.Generator) -> Picture:
    """Mirror, brighten, tint and roughen a picture."""
    pixels, things, objects = picture.pixels, picture.things, picture.objects
    ground = picture.ground_depth
    if generator.random() < 0.5:
        width = things.shape[1]
        pixels, things, ground = pixels[:, ::-1], things[:, ::-1], ground[:, ::-1]
        objects = [
            {**thing, "bbox_xyxy": [width - x2, y1, width - x1, y2]}
            for thing in objects
            for x1, y1, x2, y2 in [thing["bbox_xyxy"]]
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
    return Picture(image.astype(np.uint8), things, objects, ground)


def _slope(size: tuple[int, int], generator: np.random.Generator) -> NDArray[np.float32]:
    """Return factors that rise slowly over a picture, as light from one side does, shape (H, W, 1)."""
    rows = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None, None]
    columns = np.linspace(-1, 1, size[1], dtype=np.float32)[None, :, None]
    down, right = generator.uniform(-0.25, 0.25, 2).astype(np.float32)
    factors: NDArray[np.float32] = 1 + down * rows + right * columns
    return factors


def _example(picture: Picture, dice: random.Random) -> dict[str, Any]:
    height, width = picture.things.shape
    rows, columns = np.mgrid[0 : height // STRIDE, 0 : width // STRIDE].astype(np.float32)
    rows, columns = (rows + 0.5) * STRIDE, (columns + 0.5) * STRIDE
    centers = np.zeros(rows.shape, np.float32)
    edges = np.zeros((4, *rows.shape), np.float32)
    inside = np.zeros(rows.shape, bool)
    order = sorted(picture.objects, key=lambda thing: -thing["pixel_coords"][2])  # near ones last
    for thing in order:
        x1, y1, x2, y2 = thing["bbox_xyxy"]
        x, y, w, h = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
        # The cell that holds the centre is the peak.
        x_cell, y_cell = (int(x / STRIDE) + 0.5) * STRIDE, (int(y / STRIDE) + 0.5) * STRIDE
        away = ((columns - x_cell) / (_SPREAD * w)) ** 2 + ((rows - y_cell) / (_SPREAD * h)) ** 2
        centers = np.maximum(centers, np.exp(-away / 2))
        near = (np.abs(columns - x) <= max(_NEAR_CENTER * w, STRIDE)) & (
            np.abs(rows - y) <= max(_NEAR_CENTER * h, STRIDE)
        )
        distances = np.stack([columns - x1, rows - y1, x2 - columns, y2 - rows]) / STRIDE
        near &= (distances > 0).all(axis=0)
        edges[:, near] = distances[:, near]
        inside |= near
    # A thing is as far as its middle: what `compute_depth` compares.
    distances_of = np.array([*(t["pixel_coords"][2] for t in picture.objects), 0.0], np.float32)
    shown = picture.things[
        STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE
    ]  # the ground is −1: the last
    depth = np.where(shown >= 0, distances_of[shown], picture.ground_depth)
    return {
        "picture": torch.from_numpy(np.array(picture.pixels)),
        "centers": torch.from_numpy(centers),
        "edges": torch.from_numpy(edges),
        "inside": torch.from_numpy(inside),
        "log_depth": torch.from_numpy(np.log(depth)),
        "objects": picture.objects,
        "boxes": [_shaken(thing["bbox_xyxy"], dice, (width, height)) for thing in picture.objects],
        "captions": [
            *(caption_of(thing, dice) for thing in picture.objects),
            random_caption(dice),
            strange_caption(dice),
        ],
    }


def _shaken(box: list[int], dice: random.Random, size: tuple[int, int]) -> list[float]:
    """Return a box like the one that a detector finds, a little off."""
    x1, y1, x2, y2 = box
    w, h = x2 - x1, y2 - y1
    slack = 0.0 if dice.random() < 0.2 else 0.07
    moved = [
        x1 + dice.gauss(0, slack) * w,
        y1 + dice.gauss(0, slack) * h,
        x2 + dice.gauss(0, slack) * w,
        y2 + dice.gauss(0, slack) * h,
    ]
    left, right = sorted((moved[0], moved[2]))
    top, bottom = sorted((moved[1], moved[3]))
    left, top = max(0.0, min(left, size[0] - 2)), max(0.0, min(top, size[1] - 2))
    return [left, top, min(max(right, left + 2), size[0]), min(max(bottom, top + 2), size[1])]


def collate(examples: list[dict[str, Any]]) -> Batch:
    """Join examples into a batch."""
    regions: list[list[float]] = []
    things: list[dict[str, Any]] = []
    captions: dict[str, Caption] = {}
    for index, example in enumerate(examples):
        for thing, box in zip(example["objects"], example["boxes"], strict=True):
            regions.append([float(index), *box])
            things.append(thing)
        for caption in example["captions"]:
            captions.setdefault(caption.text, caption)
    texts = list(captions.values())
    fits = [[caption.fits(thing) for caption in texts] for thing in things]
    stacked = {
        name: torch.stack([example[name] for example in examples])
        for name in ("picture", "centers", "edges", "inside", "log_depth")
    }
    return Batch(
        stacked["picture"].permute(0, 3, 1, 2).float() / 255,
        stacked["centers"],
        stacked["edges"],
        stacked["inside"],
        stacked["log_depth"],
        torch.tensor(regions, dtype=torch.float32).reshape(-1, 5),
        torch.tensor([thing["pixel_coords"][2] for thing in things], dtype=torch.float32).log(),
        texts,
        torch.tensor(fits, dtype=torch.bool).reshape(len(things), len(texts)),
    )
