"""Trains the map: the encoder's features are computed once, then a linear map is all that learns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from viper.limber.model import PREFIX, LimberModel, SoftPrompts

__all__ = ["Lesson", "TrainingConfig", "new_map", "prefix_of", "train_map"]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What shall be said after a question, or of a view without one."""

    row: int
    """Which row of the features it is about."""
    question: str | None
    text: str


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How long and how fast to train."""

    steps: int = 2000
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: int = 50
    seed: int = 1
    save_every: int = 200
    noise: float = 0.0
    """Standard deviation of noise on the standardised features, against learning them by heart."""


def prefix_of(question: str | None) -> str:
    """Return what stands between the soft prompts and what the language model shall say."""
    return "" if question is None else PREFIX.replace("{}", question)


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
    recipe: TrainingConfig,
    *,
    checkpoint: Path | None = None,
    on_step: Callable[[int, float], None] | None = None,
) -> None:
    """Train a model's map in place, or go on where a checkpoint stands; nothing else changes.

    Args:
        model: The map with its language model.
        features: Of the views, shape (N, D).
        lessons: What shall be said about which of them.
        recipe: How.
        checkpoint: File to go on from and to keep the state in.
        on_step: Called with the number of finished steps and the loss of the last.
    """
    soft = model.soft
    optimizer = torch.optim.AdamW(
        soft.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    step = 0
    if checkpoint is not None and checkpoint.exists():
        state = torch.load(checkpoint, map_location=model.device, weights_only=True)
        soft.load_state_dict(state["soft"])
        optimizer.load_state_dict(state["optimizer"])
        step = int(state["step"])
    while step < recipe.steps:
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, recipe)
        # Of each step its own, so that an interrupted training goes on with the same batches.
        dice = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        drawn = torch.randint(len(lessons), (recipe.batch,), generator=dice)
        chosen = [lessons[number] for number in drawn.tolist()]
        seen = features[[lesson.row for lesson in chosen]].to(model.device)
        if recipe.noise:
            shaking = torch.randn(seen.shape, generator=dice).to(seen.device)
            seen = seen + recipe.noise * shaking / soft.scale
        loss = model.loss(
            seen,
            [prefix_of(lesson.question) for lesson in chosen],
            [lesson.text for lesson in chosen],
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call] # torch's stubs lack it
        nn.utils.clip_grad_norm_(soft.parameters(), 1.0)
        optimizer.step()
        step += 1
        if on_step is not None:
            on_step(step, float(loss.detach()))
        if checkpoint is not None and (step % recipe.save_every == 0 or step == recipe.steps):
            _save(checkpoint, soft, optimizer, step)


def _rate(step: int, recipe: TrainingConfig) -> float:
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    done = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.learning_rate * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2)


def _save(path: Path, soft: SoftPrompts, optimizer: torch.optim.Optimizer, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    torch.save(
        {"soft": soft.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, unfinished
    )
    unfinished.rename(path)
