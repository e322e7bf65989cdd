"""The built-in network: one backbone with heads for objects, regions and depth, and a text encoder.

    image (B, 3, H, W)
      └─ backbone (a small ResNet)  strides 4 8 16 32
           └─ neck (top-down)       one map, stride 4, 64 channels
                ├─ detector         center of an object, distances to its edges      per cell
                ├─ depth            logarithm of the depth                            per cell
                └─ regions          a box → unit vector of the space shared with texts, logarithm of the depth
    words (N, 16) ─ text encoder → unit vector of the same space

Regions and texts are trained against each other as in CLIP (Radford et al. 2021); centers and edges
as in CenterNet (Zhou et al. 2019) and FCOS (Tian et al. 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.onnx.operators import shape_as_tensor
from torchvision.ops import roi_align

from viper.builtin.graphs import EMBEDDING, STRIDE
from viper.builtin.words import MAX_WORDS, VOCABULARY

__all__ = [
    "NECK",
    "PLACE",
    "POOLED",
    "Dense",
    "Familiarity",
    "Regions",
    "WorldNetwork",
    "summary",
]

_CHANNELS = (32, 64, 128, 192)
NECK = 64
"""Channels of the feature map."""
PLACE = 6
"""Numbers for a box's edges and its extent."""
# Cells of a region along each side.
_GRID = 7
_HIDDEN = 256
POOLED = NECK * _GRID * _GRID + PLACE
"""Numbers that describe a box: the features of its cells, then its edges and its extent."""


class Regions(NamedTuple):
    """The network's output for N boxes."""

    embeddings: Tensor
    """Shape (N, EMBEDDING), unit vectors."""
    log_distances: Tensor
    """Shape (N,), logarithm of the depth of the center of each box's object."""


@dataclass(frozen=True, slots=True)
class Dense:
    """The network's output for every cell of a batch of images."""

    features: Tensor
    """Shape (B, 64, h, w)."""
    centers: Tensor
    """Shape (B, h, w), logits of an object's center."""
    edges: Tensor
    """Shape (B, 4, h, w), > 0: distances in cells to the left, top, right and bottom edge."""
    log_depth: Tensor
    """Shape (B, h, w)."""


class WorldNetwork(nn.Module):
    """Encodes images of CLEVR-like worlds, and texts about them."""

    def __init__(self) -> None:
        super().__init__()
        from timm.models.resnet import BasicBlock, ResNet

        self.backbone = ResNet(
            BasicBlock,  # type: ignore[arg-type] # timm means the class
            (1, 1, 1, 1),
            channels=_CHANNELS,
            num_classes=0,
            stem_type="deep",
            stem_width=16,
        )
        self.lateral = nn.ModuleList(nn.Conv2d(channels, NECK, 1) for channels in _CHANNELS)
        self.smooth, self.tower = _block(), _block()
        self.cells = nn.Conv2d(NECK, 6, 1)
        start = torch.zeros(6)
        start[0] = -4.0  # few cells are centers
        start[5] = 2.4  # objects are some 11 units away
        self.cells.bias = nn.Parameter(start)
        self.region = nn.Sequential(
            nn.Linear(POOLED, _HIDDEN),
            nn.LayerNorm(_HIDDEN),
            nn.GELU(),
        )
        self.region_out = nn.Linear(_HIDDEN, EMBEDDING)
        self.distance = nn.Linear(_HIDDEN, 1)
        self.distance.bias = nn.Parameter(torch.tensor([2.4]))
        self.words = nn.Embedding(len(VOCABULARY), EMBEDDING, padding_idx=0)
        self.positions = nn.Parameter(torch.zeros(MAX_WORDS, EMBEDDING))
        layer = nn.TransformerEncoderLayer(
            EMBEDDING, 4, 4 * EMBEDDING, dropout=0.0, batch_first=True, norm_first=True
        )
        self.text = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.text_out = nn.Sequential(nn.LayerNorm(EMBEDDING), nn.Linear(EMBEDDING, EMBEDDING))
        self.log_scale = nn.Parameter(torch.tensor(2.3))
        self.match_scale = nn.Parameter(torch.tensor(10.0))
        self.match_bias = nn.Parameter(torch.tensor(-5.0))
        self.familiarity = Familiarity()

    def forward(self, images: Tensor) -> Dense:
        """Encode images.

        Args:
            images: Shape (B, 3, H, W), RGB, 0 … 1; H and W are multiples of 32.
        """
        levels = self._levels(images * 4 - 2)
        top = self.lateral[3](levels[3])
        for index in (2, 1, 0):
            top = functional.interpolate(top, scale_factor=2.0, mode="nearest")
            top = top + self.lateral[index](levels[index])
        features = self.smooth(top)
        cells = self.cells(self.tower(features)).float()  # (B, 6, h, w)
        return Dense(features, cells[:, 0], functional.softplus(cells[:, 1:5] * 2), cells[:, 5])

    def _levels(self, images: Tensor) -> list[Tensor]:
        """Return the backbone's maps at the strides 4, 8, 16 and 32."""
        net: Any = self.backbone  # timm's types hide that its parts are modules
        x = net.maxpool(net.act1(net.bn1(net.conv1(images))))
        levels = []
        for stage in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = stage(x)
            levels.append(x)
        return levels

    def look_closer(self, features: Tensor, boxes: Tensor) -> Regions:
        """Return embeddings and depths of boxes.

        Args:
            features: Shape (B, 64, h, w).
            boxes: Shape (N, 5): index of the image, then x1, y1, x2, y2 in pixels.
        """
        return self.read(self.pool(features, boxes))

    def read(self, pooled: Tensor) -> Regions:
        """Return embeddings and depths of boxes from `pool`."""
        hidden = self.region(pooled)  # (N, 256)
        return Regions(
            functional.normalize(self.region_out(hidden), dim=1), self.distance(hidden)[:, 0]
        )

    def pool(self, features: Tensor, boxes: Tensor) -> Tensor:
        """Return the features inside boxes, and their edges and extents; arguments as in `look_closer`.

        Returns:
            Shape (N, POOLED).
        """
        pooled = roi_align(features.float(), boxes, _GRID, 1 / STRIDE, 2, aligned=True)
        # As a tensor, so that an exported graph takes images of any size.
        size = shape_as_tensor(features)[2:].to(boxes) * STRIDE  # height, width
        place = boxes[:, 1:] / size.flip(0).repeat(2)
        extent = (boxes[:, 3:] - boxes[:, 1:3]) / size[1]  # one scale for both, so shape is kept
        return torch.cat([pooled.flatten(1), place * 2 - 1, extent.clamp(min=1e-3).log()], dim=1)

    def embed_texts(self, words: Tensor) -> Tensor:
        """Return unit vectors of texts.

        Args:
            words: Shape (N, MAX_WORDS), ids of `words.encode`.

        Returns:
            Shape (N, EMBEDDING).
        """
        missing = words == 0  # (N, MAX_WORDS)
        hidden = self.text(self.words(words) + self.positions, src_key_padding_mask=missing)
        present = (~missing).unsqueeze(2).to(hidden.dtype)
        mean = (hidden * present).sum(dim=1) / present.sum(dim=1).clamp(min=1)
        return functional.normalize(self.text_out(mean), dim=1)


class Familiarity(nn.Module):
    """Distance of images from those that the network was trained on.

    The mean and standard deviation of every channel over an image form a vector, whose mean and covariance
    over the training images are measured by `fit`. The Mahalanobis distance (as in Lee et al. 2018 for
    out-of-distribution inputs), divided by `limit`, is above 1 for an image of another kind.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(2 * NECK))
        self.register_buffer("whitening", torch.eye(2 * NECK))
        self.register_buffer("limit", torch.tensor(float("inf")))

    def forward(self, features: Tensor) -> Tensor:
        """Return distances, shape (B,), of feature maps, shape (B, 64, h, w); ≤ 1 is familiar."""
        limit = self.get_buffer("limit")
        return self._distance(summary(features)) / limit

    def _distance(self, summaries: Tensor) -> Tensor:
        centered = summaries - self.get_buffer("mean").float()
        distance: Tensor = (centered @ self.get_buffer("whitening").float()).norm(dim=1)
        return distance

    def fit(self, summaries: Tensor, others: Tensor) -> None:
        """Measure mean, covariance and limit.

        Args:
            summaries: Of training images, shape (N, 128).
            others: Of validation images, shape (M, 128); the limit is twice the 99th percentile of their
                distances.
        """
        mean = summaries.mean(dim=0)
        covariance = torch.cov((summaries - mean).double().T)
        # Some variance in every direction, so that one without variation does not dominate the distance.
        covariance += torch.eye(len(mean)) * covariance.diagonal().mean() * 0.01
        values, vectors = torch.linalg.eigh(covariance)
        whitening = vectors @ (values.clamp(min=1e-12) ** -0.5).diag() @ vectors.T
        self.get_buffer("mean").copy_(mean)
        self.get_buffer("whitening").copy_(whitening.float())
        distances = self._distance(others)
        self.get_buffer("limit").copy_(2 * distances.quantile(0.99))


def summary(features: Tensor) -> Tensor:
    """Return mean and standard deviation of every channel over an image, shape (B, 128)."""
    flat = features.float().flatten(2)  # (B, 64, h·w)
    return torch.cat([flat.mean(dim=2), flat.std(dim=2)], dim=1)


def _block() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(NECK, NECK, 3, padding=1, bias=False),
        nn.BatchNorm2d(NECK),
        nn.ReLU(inplace=True),
    )
