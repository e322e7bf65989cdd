"""Trains the network that sees: `train_perception`."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler

from viper.builtin.network import WorldNetwork
from viper.builtin.train.batches import Batch, Pictures, collate
from viper.builtin.train.losses import (
    center_loss,
    contrastive_loss,
    depth_loss,
    distance_loss,
    edge_loss,
    match_loss,
)
from viper.builtin.words import encode

__all__ = ["TrainingConfig", "save_weights", "train_perception"]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How long and how fast to train."""

    steps: int = 8_000
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup: int = 300
    averaging: float = 0.999
    """Decay of the moving average of the weights, which is what is kept."""
    seed: int = 1
    workers: int = 2
    save_every: int = 250


def train_perception(
    pictures: Path,
    count: int,
    folder: Path,
    recipe: TrainingConfig,
    *,
    device: str = "cpu",
    on_step: Callable[[int, dict[str, float]], None] | None = None,
) -> WorldNetwork:
    """Train the network, or go on where a checkpoint in `folder` stands.

    Args:
        pictures: Folder of `data.draw_pictures`.
        count: How many of its pictures to use.
        folder: For the checkpoint.
        recipe: How.
        device: Where.
        on_step: Called with the number of finished steps and the losses of the last.

    Returns:
        The network with averaged weights, in evaluation mode.
    """
    torch.manual_seed(recipe.seed)
    network = WorldNetwork().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs lack it
    averaged: WorldNetwork = copy.deepcopy(network).eval().requires_grad_(False)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": recipe.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
    )
    checkpoint = folder / "perception.pt"
    step = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        step = int(state["step"])
    folder.mkdir(parents=True, exist_ok=True)
    for batch in itertools.islice(
        _batches(pictures, count, recipe, step), max(0, recipe.steps - step)
    ):
        rate = _rate(step, recipe)
        for group in optimizer.param_groups:
            group["lr"] = rate
        losses = _losses(network, batch, device)
        loss = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call] # torch's stubs lack it
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        step += 1
        _average(averaged, network, min(recipe.averaging, step / (step + 10)))
        if on_step is not None:
            on_step(step, {name: float(value.detach()) for name, value in losses.items()})
        if step % recipe.save_every == 0 or step == recipe.steps:
            _save(checkpoint, network, averaged, optimizer, step)
    return averaged


def save_weights(network: WorldNetwork, path: Path) -> None:
    """Write the weights as half-precision safetensors, which is all that using them needs."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    save_file({n: v.half() if v.is_floating_point() else v for n, v in weights.items()}, path)


def _batches(pictures: Path, count: int, recipe: TrainingConfig, step: int) -> Any:
    dataset = Pictures(pictures, count, recipe.seed)
    generator = torch.Generator()
    epoch = step // max(1, count // recipe.batch)
    while True:
        dataset.epoch = epoch
        generator.manual_seed(recipe.seed * 1000 + epoch)
        yield from DataLoader(
            dataset,
            recipe.batch,
            sampler=RandomSampler(dataset, generator=generator),
            num_workers=recipe.workers,
            collate_fn=collate,
            drop_last=True,
            prefetch_factor=4 if recipe.workers else None,
        )
        epoch += 1


def _losses(network: WorldNetwork, batch: Batch, device: str) -> dict[str, Tensor]:
    network.train()
    pictures = batch.pictures.to(device).contiguous(memory_format=torch.channels_last)
    with torch.autocast(torch.device(device).type, torch.bfloat16):
        dense = network(pictures)
    for name in ("centers", "edges", "inside", "log_depth", "log_distances", "regions", "fits"):
        setattr(batch, name, getattr(batch, name).to(device))
    regions, log_distances = network.look_closer(dense.features, batch.regions)
    words = torch.from_numpy(encode([caption.text for caption in batch.captions])).to(device)
    texts = network.embed_texts(words)
    return {
        "center": center_loss(dense, batch),
        "edge": 2 * edge_loss(dense, batch),
        "depth": 5 * depth_loss(dense, batch),
        "distance": 10 * distance_loss(log_distances, batch),
        "contrast": 0.5 * contrastive_loss(regions, texts, network.log_scale, batch),
        "match": 2 * match_loss(regions, texts, network.match_scale, network.match_bias, batch),
    }


def _rate(step: int, recipe: TrainingConfig) -> float:
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    done = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    for kept, new in zip(
        averaged.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)


def _save(path: Path, network: nn.Module, averaged: nn.Module, optimizer: Any, step: int) -> None:
    unfinished = path.with_suffix(".part")
    torch.save(
        {
            "network": network.state_dict(),
            "averaged": averaged.state_dict(),
            "optimizer": optimizer.state_dict(),
            "step": step,
        },
        unfinished,
    )
    unfinished.rename(path)
