"""Measures the features of images of the small world, by which the network recognizes other images."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from viper.builtin.network import WorldNetwork, summary
from viper.builtin.train.batches import Images

__all__ = ["fit_familiarity"]

_MAX_IMAGES = 2000
# Images from which the covariance of 128 numbers is estimated.


def fit_familiarity(
    network: WorldNetwork, train: Path, images: int, validation: Path, others: int
) -> None:
    """Set `network.familiarity` from training images, and its limit from validation images.

    Args:
        network: Trained, in evaluation mode.
        train: Folder of training images.
        images: Their number.
        validation: Folder of validation images.
        others: Their number.
    """
    network.familiarity.fit(
        # Augmented as in training, so that brighter or noisier images are familiar too.
        _summaries(network, Images(train, min(images, _MAX_IMAGES), seed=7)),
        _summaries(network, Images(validation, others, seed=8)),
    )


@torch.no_grad()
def _summaries(network: WorldNetwork, images: Images) -> Tensor:
    rows = []
    for number in range(len(images)):
        pixels = images[number]["image"].permute(2, 0, 1)[None].float() / 255
        dense = network(pixels.contiguous(memory_format=torch.channels_last))
        rows.append(summary(dense.features))
    return torch.cat(rows)
