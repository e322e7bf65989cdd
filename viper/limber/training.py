"""Trains the linear map of LiMBeR: features are computed once, and only the map is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from viper.limber.model import LimberModel, SoftPrompts
from viper.limber.prompt import prefix_of
from viper.limber.training_loop import TrainingConfig, TrainingLoop

__all__ = ["Lesson", "blinded", "new_map", "train_map"]


@dataclass(frozen=True, slots=True)
class Lesson:
    """The target text for a view, after a question or without one."""

    row: int
    """Row of the features of the view."""
    question: str | None
    text: str


def blinded(features: Tensor) -> Tensor:
    """Return the mean of features, shape (N, D), in every row: the control without images."""
    return features.mean(dim=0, keepdim=True).expand_as(features)


def new_map(features: Tensor, prompts: int, language: Any, seed: int) -> SoftPrompts:
    """Return an untrained map for features, shape (N, D), and a causal language model of transformers."""
    torch.manual_seed(seed)
    words = language.get_input_embeddings().weight
    spread = float(words.detach().float().std())
    soft = SoftPrompts(features.shape[1], prompts, words.shape[1], spread)
    soft.standardise(features)
    return soft


def train_map(
    model: LimberModel,
    features: Tensor,
    lessons: Sequence[Lesson],
    config: TrainingConfig,
    *,
    checkpoint: Path | None = None,
    on_step: Callable[[int, float], None] | None = None,
) -> None:
    """Train the map of a model in place, or resume from a checkpoint; the language model stays frozen.

    Args:
        model: The map with its language model.
        features: Of the views, shape (N, D).
        lessons: Targets for these views.
        config: How long and how fast.
        checkpoint: File to resume from and to save to.
        on_step: Called with the number of finished steps and the last loss.
    """
    soft = model.soft
    optimizer = torch.optim.AdamW(
        soft.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    loop = TrainingLoop(config, {"soft": soft}, optimizer, checkpoint)
    while loop.left:
        # A generator per step, so that a resumed training gets the same batches.
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + loop.step)
        drawn = torch.randint(len(lessons), (config.batch,), generator=generator)
        batch = [lessons[number] for number in drawn.tolist()]
        rows = features[[lesson.row for lesson in batch]].to(model.device)
        if config.noise:
            noise = torch.randn(rows.shape, generator=generator).to(rows.device)
            rows = rows + config.noise * noise / soft.scale
        prefixes = [prefix_of(lesson.question) for lesson in batch]
        loss = model.loss(rows, prefixes, [lesson.text for lesson in batch])
        loop.update(loss)
        if on_step is not None:
            on_step(loop.step, float(loss.detach()))
        loop.save()
