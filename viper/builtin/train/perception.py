"""Trains the vision network of the built-in models, and measures which images are familiar to it."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler

from viper.builtin.train import losses
from viper.builtin.train.batches import Batch, Images, collate
from viper.builtin.train.network import WorldNetwork, summary
from viper.builtin.words import encode
from viper.limber.training_loop import TrainingConfig, TrainingLoop

__all__ = ["CONFIG", "fit_familiarity", "train_perception"]

CONFIG = TrainingConfig(
    steps=8_000, batch=16, learning_rate=2e-3, weight_decay=0.02, warmup=300, save_every=250
)
"""Configuration that the shipped weights were trained with."""
# Decay of the moving average of the weights; the averaged weights are the result.
_AVERAGING = 0.999
# Images from which the covariance of 128 numbers is estimated.
_MAX_IMAGES = 2000


def train_perception(
    images: Path,
    count: int,
    folder: Path,
    config: TrainingConfig = CONFIG,
    *,
    workers: int = 2,
    device: str = "cpu",
    on_step: Callable[[int, dict[str, float]], None] | None = None,
) -> WorldNetwork:
    """Train the network, or resume from the checkpoint in `folder`.

    Args:
        images: Folder of `data.draw_images`.
        count: Number of its images to use.
        folder: For the checkpoint.
        config: How long and how fast.
        workers: Processes that load images.
        device: Where to train.
        on_step: Called with the number of finished steps and the last losses.

    Returns:
        The network with averaged weights, in evaluation mode.
    """
    torch.manual_seed(config.seed)
    network = WorldNetwork().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs lack it
    averaged: WorldNetwork = copy.deepcopy(network).eval().requires_grad_(False)
    parameters = list(network.parameters())
    optimizer = torch.optim.AdamW(
        [
            {
                "params": [p for p in parameters if (p.ndim > 1) == decayed],
                "weight_decay": config.weight_decay if decayed else 0.0,
            }
            for decayed in (True, False)
        ],
        lr=config.learning_rate,
        betas=(0.9, 0.98),
    )
    modules = {"network": network, "averaged": averaged}
    loop = TrainingLoop(config, modules, optimizer, folder / "perception.pt", clip=5.0, floor=0.01)
    for batch in itertools.islice(_batches(images, count, config, workers, loop.step), loop.left):
        values = _losses(network, batch, device)
        loop.update(torch.stack(list(values.values())).sum())
        _average(averaged, network, min(_AVERAGING, loop.step / (loop.step + 10)))
        if on_step is not None:
            on_step(loop.step, {name: float(value.detach()) for name, value in values.items()})
        loop.save()
    return averaged


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


def _batches(
    images: Path, count: int, config: TrainingConfig, workers: int, step: int
) -> Iterator[Batch]:
    dataset = Images(images, count, config.seed)
    generator = torch.Generator()
    epoch = step // max(1, count // config.batch)
    while True:
        dataset.epoch = epoch
        generator.manual_seed(config.seed * 1000 + epoch)
        yield from DataLoader(
            dataset,
            config.batch,
            sampler=RandomSampler(dataset, generator=generator),
            num_workers=workers,
            collate_fn=collate,
            drop_last=True,
            prefetch_factor=4 if workers else None,
        )
        epoch += 1


def _losses(network: WorldNetwork, batch: Batch, device: str) -> dict[str, Tensor]:
    network.train()
    images = batch.images.to(device).contiguous(memory_format=torch.channels_last)
    with torch.autocast(torch.device(device).type, torch.bfloat16):
        dense = network(images)
    for name in ("centers", "edges", "inside", "log_depth", "log_distances", "regions", "fits"):
        setattr(batch, name, getattr(batch, name).to(device))
    regions, log_distances = network.look_closer(dense.features, batch.regions)
    words = torch.from_numpy(encode([caption.text for caption in batch.captions])).to(device)
    texts = network.embed_texts(words)
    return {
        "center": losses.center_loss(dense, batch),
        "edge": 2 * losses.edge_loss(dense, batch),
        "depth": 5 * losses.depth_loss(dense, batch),
        "distance": 10 * losses.distance_loss(log_distances, batch),
        "contrast": 0.5 * losses.contrastive_loss(regions, texts, network.log_scale, batch),
        "match": 2
        * losses.match_loss(regions, texts, network.match_scale, network.match_bias, batch),
    }


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    for kept, new in zip(
        averaged.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)
