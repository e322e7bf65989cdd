"""Device and number format of the torch backends.

    placement = read_placement(options)           # from the options device, dtype, compile
    with inference("detector", placement): …      # no gradients, autocast, out-of-memory errors

On CUDA, weights are float32, and matchers and OWL's encoders compute products in bfloat16 unless `dtype` is
given. Its eight bits of precision suffice for the direction of a vector; boxes would be off by pixels and
close depths would be equal, so these are computed exactly.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from viper.backends.model_source import reason_of
from viper.backends.option_models import PlacementOptions
from viper.errors import ConfigError, ModelMemoryError, did_you_mean

__all__ = ["DTYPES", "Placement", "inference", "on_gpu", "read_placement"]
__all__ += ["resolve_device", "resolve_dtype"]

DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}

_DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")


def resolve_device(option: str = "auto") -> torch.device:
    """Return the device to run on; `auto` takes CUDA, then MPS, then the CPU.

    Raises:
        ConfigError: The device is unknown or not available.
    """
    word = option.strip().lower()
    if word == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(word)
    except RuntimeError:
        raise ConfigError(
            f"Unknown device {option!r}. {did_you_mean(word, _DEVICES)}"
            f"Known: {', '.join(_DEVICES)}, with a number as in cuda:1."
        ) from None
    present = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
        "xpu": torch.xpu.device_count(),
    }.get(device.type, 0)
    if (device.index or 0) >= present:
        raise ConfigError(
            f"Device {option!r} is not available here: {present} of type {device.type} found. "
            "Use device=cpu, or device=auto for the best one there is."
        )
    return device


def resolve_dtype(
    option: str, device: torch.device, *, on_gpu: torch.dtype = torch.float32
) -> torch.dtype:
    """Return the number format of the weights; `auto` is `on_gpu` on a GPU, else float32.

    Raises:
        ConfigError: The format is unknown.
    """
    word = option.strip().lower()
    if word == "auto":
        return torch.float32 if device.type == "cpu" else on_gpu
    if word not in DTYPES:
        raise ConfigError(
            f"Unknown dtype {option!r}. {did_you_mean(word, DTYPES)}"
            f"It must be auto, {', '.join(DTYPES)}."
        )
    return DTYPES[word]


@dataclass(frozen=True, slots=True)
class Placement:
    """Device and number format of a model."""

    device: torch.device
    dtype: torch.dtype
    """Number format of the weights."""
    autocast: torch.dtype | None = None
    """Number format of products on a GPU, if it differs from that of the weights."""
    compiles: bool = False
    """Whether the model is compiled with `torch.compile`: slower to load, faster to run."""

    @property
    def exact(self) -> Placement:
        """The same placement with products in the number format of the weights."""
        return replace(self, autocast=None)

    def __str__(self) -> str:
        """Return the part of a fingerprint: number formats, and the device if it is not the CPU."""
        formats = f"{self.dtype}" if self.autocast is None else f"{self.dtype}+{self.autocast}"
        return formats if self.device.type == "cpu" else f"{formats}@{self.device.type}"


def read_placement(options: PlacementOptions) -> Placement:
    """Return the placement that the options `device`, `dtype` and `compile` ask for.

    With `dtype=auto` weights are float32, and on CUDA products are computed in bfloat16 (autocast).

    Raises:
        ConfigError: One of them is unknown, or the device is not available.
    """
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    casts = device.type == "cuda" and options.dtype.strip().lower() == "auto"
    return Placement(device, dtype, torch.bfloat16 if casts else None, options.compile)


def on_gpu(device: torch.device) -> dict[str, torch.device]:
    """Return the argument that runs an image processor on CUDA; nothing for other devices.

    Other devices do not implement all resizing modes.
    """
    return {"device": device} if device.type == "cuda" else {}


@contextlib.contextmanager
def inference(what: str, placement: Placement | None = None) -> Iterator[None]:
    """Run a forward without gradients; out-of-memory errors become a `ModelMemoryError`.

    Args:
        what: Role, for messages.
        placement: Where the model runs, for its number format on a GPU.

    Raises:
        ModelMemoryError: The device has too little memory for this batch.
    """
    casting: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
    if placement is not None and placement.autocast is not None:
        casting = torch.autocast(placement.device.type, placement.autocast)
    try:
        with torch.inference_mode(), casting:
            yield
    except torch.OutOfMemoryError as error:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # free memory is fragmented: make it available to a smaller batch
        raise ModelMemoryError(
            f"The {what} ran out of memory: {reason_of(error)} "
            "Use a smaller model, a smaller dtype, or device=cpu."
        ) from error
