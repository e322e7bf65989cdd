"""The optimization loop of every training: warm-up, cosine decay, gradient clipping, checkpoints."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from viper.backends.sealed_loading import sealed
from viper.errors import InputError, summarize_error
from viper.storage.files import make_folder, open_regular_file, replace_file

__all__ = ["TrainingConfig", "TrainingLoop", "load_complete", "save_complete"]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How long and how fast to train."""

    steps: int = 2000
    batch: int = 32
    learning_rate: float = 1e-3
    """After the warm-up; it decays to almost 0."""
    weight_decay: float = 0.01
    warmup: int = 50
    """Steps until the full learning rate."""
    seed: int = 1
    save_every: int = 200
    noise: float = 0.0
    """Standard deviation of noise on the standardized features, against overfitting."""


@dataclass
class TrainingLoop:
    """Steps of an optimizer, resumed from a checkpoint if there is one.

    Args:
        config: How long and how fast to train.
        modules: Name in the checkpoint → module; the gradients of the first one are clipped.
        optimizer: Optimizer of the first module; the loop sets the learning rate.
        checkpoint: File to resume from and to save to; None for neither. It is no link.
        clip: Maximum norm of the gradients.
        floor: Share of the learning rate at the end.
    """

    config: TrainingConfig
    modules: Mapping[str, nn.Module]
    optimizer: torch.optim.Optimizer
    checkpoint: Path | None
    clip: float = 1.0
    floor: float = 0.02
    step: int = field(default=0, init=False)
    """Finished steps."""

    def __post_init__(self) -> None:
        self._trained = next(iter(self.modules.values()))
        if self.checkpoint is not None and os.path.lexists(self.checkpoint):
            device = next(self._trained.parameters()).device
            state = load_complete(self.checkpoint, device)
            try:
                for name, module in self.modules.items():
                    module.load_state_dict(state[name])
                self.optimizer.load_state_dict(state["optimizer"])
                self.step = int(state["step"])
            except Exception as error:  # anything, for what another training or a stranger wrote
                raise _unreadable(self.checkpoint, error) from error

    @property
    def left(self) -> int:
        """Steps that are left."""
        return max(0, self.config.steps - self.step)

    def update(self, loss: Tensor) -> None:
        """Make one optimizer step."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call] # torch's stubs lack it
        nn.utils.clip_grad_norm_(self._trained.parameters(), self.clip)
        self.optimizer.step()
        self.step += 1

    def save(self) -> None:
        """Write the checkpoint if it is due."""
        if self.checkpoint is not None and not (self.left and self.step % self.config.save_every):
            states = {name: module.state_dict() for name, module in self.modules.items()}
            state = {**states, "optimizer": self.optimizer.state_dict(), "step": self.step}
            save_complete(state, self.checkpoint)

    def _rate(self) -> float:
        config = self.config
        if self.step < config.warmup:
            return config.learning_rate * (self.step + 1) / config.warmup
        done = (self.step - config.warmup) / max(1, config.steps - config.warmup)
        decay = (1 + math.cos(math.pi * done)) / 2
        return config.learning_rate * (self.floor + (1 - self.floor) * decay)


def save_complete(value: Any, path: Path) -> None:
    """Save with torch so that the file is complete whenever it exists; a link is an error.

    Raises:
        WriteError: It cannot be written; what it held before is unchanged.
    """
    make_folder(path.parent)
    with replace_file(path, below=path.parent) as file:
        torch.save(value, file)


def load_complete(path: Path, device: Any = None) -> Any:
    """Return what `save_complete` wrote, on a device of torch; None for that on which it was.

    The folder may come from a stranger: the file is checked as the weights of any model are.

    Raises:
        InputError: It cannot be read, is a link, or holds what no checkpoint needs.
    """
    with open_regular_file(str(path), what="checkpoint", below=path.parent) as file:
        try:
            with sealed():
                return torch.load(file, map_location=device, weights_only=True)
        except Exception as error:  # nearly anything, for a damaged or hostile file
            raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"Cannot continue from the checkpoint '{path}': {summarize_error(error)} "
        "Delete it to start again."
    )
