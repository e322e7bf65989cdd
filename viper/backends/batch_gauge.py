"""Estimates how many items fit into a device's memory at once.

On CUDA, one item and then four are run when the model is loaded, and the allocator's peaks are compared. On
other devices the first forward is observed: the largest inputs and outputs of a layer, with a margin for
other tensors, give the memory of an item.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from viper.backends.placement import Placement

__all__ = ["BatchGauge", "measured_batch"]

# On CUDA, where the model is alone.
_SHARE_OF_FREE_MEMORY = 0.6
# On other devices, which are shared with other models and the rest of the machine.
_SHARE_OF_FREE_RAM = 0.25
# Residuals and a layer's intermediate tensors; measured on DPT's head and ViT's feed-forward layers.
_BESIDE_THE_LARGEST = 2
_UNKNOWN_RAM = 4_000_000_000
_FIRST = 8
_MOST = 512


class BatchGauge:
    """Estimates the largest batch of one model.

    Args:
        model: A `torch.nn.Module`.
        placement: Where it runs. A compiled model keeps the first guess: its layers cannot be observed.
    """

    def __init__(self, model: Any, placement: Placement) -> None:
        self.largest_batch = _FIRST
        """Items that fit; a guess until `measure` or the first forward."""
        self._device = placement.device
        self._watching = False
        self._hooks: list[Any] = []  # the library's handles
        self._largest_bytes = 0
        if self._device.type != "cuda" and not placement.compiles:
            leaves = (part for part in model.modules() if not any(part.children()))
            self._hooks = [leaf.register_forward_hook(self._see) for leaf in leaves]

    def measure(self, run: Callable[[int], object]) -> None:
        """Measure on CUDA, when the model can be run; see `measured_batch`."""
        self.largest_batch = measured_batch(run, self._device) or self.largest_batch

    @contextlib.contextmanager
    def watched(self, items: int) -> Iterator[None]:
        """Observe a forward, if none was observed before."""
        self._largest_bytes, self._watching = 0, True
        try:
            yield
        finally:
            self._watching = False
        if not self._hooks:
            return
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        per_item = max(1, self._largest_bytes * _BESIDE_THE_LARGEST // items)
        self.largest_batch = max(1, min(_MOST, int(_free_ram() * _SHARE_OF_FREE_RAM) // per_item))

    def _see(self, layer: object, inputs: tuple[object, ...], output: object) -> None:
        if not self._watching:
            return  # texts go through the same model
        tensors = [value for value in (*inputs, output) if isinstance(value, torch.Tensor)]
        self._largest_bytes = max(self._largest_bytes, sum(t.nbytes for t in tensors))


def measured_batch(run: Callable[[int], object], device: torch.device) -> int | None:
    """Find how many items a CUDA device has memory for by running one and then four.

    Args:
        run: Runs the model on a number of items.
        device: Where it runs.

    Returns:
        At least 1; None for other devices.
    """
    if device.type != "cuda":
        return None
    peaks: list[int] = []
    for items in (1, 1, 4):  # the first one also fills the libraries' workspaces
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        run(items)
        torch.cuda.synchronize(device)
        peaks.append(torch.cuda.max_memory_allocated(device))
    per_item = max(1, (peaks[2] - peaks[1]) // 3)
    free, _ = torch.cuda.mem_get_info(device)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    budget = int((free + unused) * _SHARE_OF_FREE_MEMORY)
    return max(1, min(_MOST, budget // per_item))


def _free_ram() -> int:
    """Return the bytes available without swapping; a cautious guess if the system does not report them."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return _UNKNOWN_RAM
