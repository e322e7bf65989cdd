"""Weights that the files of a model lack: bounded in memory, and never used unnoticed.

A library fills them with random numbers, and so it does with weights of another shape before it refuses
them: a small folder whose configuration asks for a large model would take gigabytes. And a model with
random weights answers like any other. Here they are counted before memory is taken, and hold NaN instead: a
model that needs them returns NaN, which every backend refuses, and one that has them but never uses them
works.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import torch

from viper.errors import ConfigError

__all__ = ["BoundedLoader", "spoil"]

# Heads and layers that are never used are small.
_MOST_BYTES = 64 << 20
# Positions and masks, which are calculated.
_MOST_COMPUTED_BYTES = 512 << 20
_MATERIALIZE = "_move_missing_keys_from_meta_to_device"


class BoundedLoader:
    """A loader of models that takes little memory for weights that the files lack.

    Args:
        loader: A class of transformers with `from_pretrained`; untyped, as are its results.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def from_pretrained(self, *args: Any, **kwargs: Any) -> Any:
        """Call that of the loader; the caller sees to it that no other thread loads meanwhile.

        Raises:
            ConfigError: Weights of many megabytes are missing, or of another shape than the configuration
                says.
        """
        from transformers.modeling_utils import PreTrainedModel

        materialize = vars(PreTrainedModel).get(_MATERIALIZE)
        if materialize is None:  # another version, which has other ways
            return self._loader.from_pretrained(*args, **kwargs)
        refused: list[ConfigError] = []
        setattr(PreTrainedModel, _MATERIALIZE, _checked(materialize, refused))
        try:
            return self._loader.from_pretrained(*args, **kwargs)
        except Exception:
            if refused:  # the library reports what it had found so far, in place of the reason
                raise refused[0] from None
            raise
        finally:
            setattr(PreTrainedModel, _MATERIALIZE, materialize)


def _checked(materialize: Callable[..., Any], refused: list[ConfigError]) -> Callable[..., Any]:
    """Return a method that gives missing weights memory, if they do not take much; else why is added."""

    @functools.wraps(materialize)
    def check(model: Any, missing: Iterable[str], *args: Any, **kwargs: Any) -> Any:
        tied = getattr(model, "all_tied_weights_keys", {})
        tensors = dict(model.named_parameters()) | dict(model.named_buffers())
        names = [name for name in missing if name not in tied and name in tensors]
        weights = sum(tensors[name].nbytes for name in names)
        buffers = {name for name, _ in model.named_buffers()} - {*model.state_dict()}
        computed = sum(tensors[name].nbytes for name in buffers)
        if weights > _MOST_BYTES:
            refused.append(
                ConfigError(
                    f"its weights do not fit its configuration: {len(names)} of {weights / 1e6:,.0f} MB are "
                    f"missing, or have another shape, such as {min(names)}. Give the weights and the "
                    "configuration of one model."
                )
            )
        elif computed > _MOST_COMPUTED_BYTES:
            refused.append(
                ConfigError(
                    f"its configuration asks for tables of {computed / 1e6:,.0f} MB. No known model has such."
                )
            )
        if refused:
            raise refused[0]
        return materialize(model, missing, *args, **kwargs)

    return check


def spoil(model: Any, missing: Iterable[str]) -> list[str]:
    """Fill weights with NaN that the files of a model lack.

    Args:
        model: A loaded `torch.nn.Module`.
        missing: Names of weights; those that share their memory with a loaded one are left as they are.

    Returns:
        The names of those that hold NaN now.
    """
    tensors = dict(model.named_parameters(remove_duplicate=False))
    tensors |= dict(model.named_buffers(remove_duplicate=False))
    names = {*missing}
    loaded = {tensor.data_ptr() for name, tensor in tensors.items() if name not in names}
    spoiled = []
    with torch.no_grad():
        for name in sorted(names & tensors.keys()):
            tensor = tensors[name]
            if tensor.is_floating_point() and tensor.numel() and tensor.data_ptr() not in loaded:
                tensor.fill_(float("nan"))
                spoiled.append(name)
    return spoiled
