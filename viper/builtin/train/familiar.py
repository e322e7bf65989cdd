"""Measures what pictures of the small world look like to the trained network, to know others by."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from viper.builtin.network import WorldNetwork, summary
from viper.builtin.train.batches import Pictures

__all__ = ["fit_familiarity"]

_MOST = 2000
# Pictures that the covariance of 128 numbers is estimated from.


def fit_familiarity(
    network: WorldNetwork, train: Path, pictures: int, validation: Path, others: int
) -> None:
    """Set `network.familiarity` from training pictures; its limit from validation pictures.

    Args:
        network: Trained, in evaluation mode.
        train: Folder of training pictures.
        pictures: How many are in it.
        validation: Folder of validation pictures.
        others: How many are in it.
    """
    network.familiarity.fit(
        # Changed as in training, so that what is brighter or noisier is familiar too.
        _summaries(network, Pictures(train, min(pictures, _MOST), seed=7)),
        _summaries(network, Pictures(validation, others, seed=8)),
    )


@torch.no_grad()
def _summaries(network: WorldNetwork, pictures: Pictures) -> Tensor:
    rows = []
    for number in range(len(pictures)):
        pixels = pictures[number]["picture"].permute(2, 0, 1)[None].float() / 255
        dense = network(pixels.contiguous(memory_format=torch.channels_last))
        rows.append(summary(dense.features))
    return torch.cat(rows)
