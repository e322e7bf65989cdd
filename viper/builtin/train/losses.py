"""The loss functions of the vision network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss

from viper.builtin.train.batches import Batch
from viper.builtin.train.network import Dense

_SPECIFICITY = 3.0
# Factor on the target of a true caption for each further condition: "red cube" beats "cube".


def center_loss(dense: Dense, batch: Batch) -> Tensor:
    """Return the focal loss of the center maps (Zhou et al. 2019, eq. 1)."""
    probability = dense.centers.sigmoid().clamp(1e-5, 1 - 1e-5)
    peak = batch.centers >= 0.9999
    positive = -((1 - probability) ** 2) * probability.log() * peak
    distance = (1 - batch.centers) ** 4
    negative = -distance * probability**2 * (1 - probability).log() * ~peak
    mean: Tensor = (positive.sum() + negative.sum()) / peak.sum().clamp(min=1)
    return mean


def edge_loss(dense: Dense, batch: Batch) -> Tensor:
    """Return the generalised IoU loss of the boxes near the centers (Rezatofighi et al. 2019)."""
    found = dense.edges.permute(0, 2, 3, 1)[batch.inside]  # (N, 4)
    right = batch.edges.permute(0, 2, 3, 1)[batch.inside]
    if not len(found):
        return dense.edges.sum() * 0
    overlap: Tensor = generalized_box_iou_loss(_corners(found), _corners(right), reduction="mean")
    return overlap + 0.1 * functional.smooth_l1_loss(found.log(), right.clamp(min=0.05).log())


def depth_loss(dense: Dense, batch: Batch) -> Tensor:
    """Return the mean error of the logarithm of depth."""
    return functional.smooth_l1_loss(dense.log_depth, batch.log_depth, beta=0.05)


def distance_loss(log_distances: Tensor, batch: Batch) -> Tensor:
    """Return the mean error of the logarithm of the distances of regions, shape (N,)."""
    return functional.smooth_l1_loss(log_distances, batch.log_distances, beta=0.02)


def contrastive_loss(regions: Tensor, texts: Tensor, scale: Tensor, batch: Batch) -> Tensor:
    """Return the symmetric cross-entropy over the similarities of a batch, as in CLIP.

    Several texts are true of one region and several regions fit one text, so the targets are spread over
    all true pairs, with more weight on more specific texts.

    Args:
        regions: Unit vectors, shape (N, D).
        texts: Unit vectors, shape (T, D).
        scale: Logarithm of the factor from cosine to logit.
        batch: With the true pairs.
    """
    logits = regions @ texts.T * scale.exp()  # (N, T)
    conditions = torch.tensor([len(caption.conditions) for caption in batch.captions])
    wanted = batch.fits.float() * _SPECIFICITY ** conditions.float()
    by_region = _cross_entropy(logits, wanted)
    by_text = _cross_entropy(logits.T, batch.fits.T.float())
    return (by_region + by_text) / 2


def match_loss(regions: Tensor, texts: Tensor, scale: Tensor, bias: Tensor, batch: Batch) -> Tensor:
    """Return the loss of the pairwise decision whether a text fits a region (Zhai et al. 2023)."""
    logits = regions @ texts.T * scale + bias
    return functional.binary_cross_entropy_with_logits(logits, batch.fits.float())


def _cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean cross-entropy of the rows that have a target."""
    total = wanted.sum(dim=1)
    rows = total > 0
    target = wanted[rows] / total[rows, None]
    return -(target * logits[rows].log_softmax(dim=1)).sum(dim=1).mean()


def _corners(edges: Tensor) -> Tensor:
    return torch.cat([-edges[:, :2], edges[:, 2:]], dim=1)
