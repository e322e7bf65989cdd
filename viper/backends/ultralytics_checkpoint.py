"""Reads a checkpoint of ultralytics as plain data: no object in it is made, and no function called.

A checkpoint is a pickle of a whole network, so its maker chooses which objects there are and how they are put
together. Even a list of harmless classes is not enough, because harmless objects put together in a new way
run code. Here every class and function that the file names becomes a `Part`, which only keeps its name and
its state. What is left are parts, tensors and plain values; `ultralytics_rebuild` makes a network of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.serialization import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    get_unsafe_globals_in_checkpoint,
)

from viper.backends.sealed_loading import NoCodeError, inert, sealed
from viper.backends.torch_archive import check_archive

__all__ = ["Part", "plain_tensor", "read_parts"]

# Everything that checkpoints of the library name; a file that asks for more was made for something else.
_PACKAGES = frozenset({"clip", "numpy", "pathlib", "torch", "torchvision", "ultralytics"})
_FUNCTIONS = frozenset({"builtins.getattr"})


class Part:
    """An object of the file that was not made: the name of its class, and its state."""

    kind = ""
    """Name of the class in the file, without its module."""

    def __new__(cls, *_arguments: object, **_options: object) -> Part:
        """Take whatever arguments the pickle gives, as `__init__` does, and use none."""
        return object.__new__(cls)

    def __init__(self, *_arguments: object, **_options: object) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        self.state = state if type(state) is dict else {}

    def table(self, name: str) -> dict[Any, Any]:
        """Return one of the tables in the state, such as `_parameters`; empty if there is none."""
        table = vars(self).get("state", {}).get(name)
        return dict(table) if isinstance(table, dict) else {}


def read_parts(path: Path) -> Any:
    """Return the content of a checkpoint: plain values, tensors, and parts in place of objects.

    Raises:
        NoCodeError: The file names functions or classes that no checkpoint needs.
        Exception: Nearly anything, for a damaged or hostile file.
    """
    names: list[str] = []

    def named() -> list[str]:
        names.extend(get_unsafe_globals_in_checkpoint(str(path)))
        return names

    check_archive(path, inert=named)
    for name in names:
        if name not in _FUNCTIONS and name.partition(".")[0] not in _PACKAGES:
            raise NoCodeError(f"it asks for {name[:80]}, which no checkpoint needs.")
    parts: list[tuple[type[Part], str]] = [
        (type("Part", (Part,), {"kind": name.rpartition(".")[2]}), name) for name in names
    ]
    with sealed(), _safe_globals(parts), inert(names):
        return torch.load(path, map_location="cpu", weights_only=True)


def plain_tensor(value: object) -> Tensor | None:
    """Return a tensor of the file without the attributes that the file gave it; None if it is none."""
    if type(value) not in (Tensor, torch.nn.Parameter):
        return None
    tensor = Tensor.detach(value)  # type: ignore[arg-type] # of the class: an attribute may hide the method
    plain = tensor.layout is torch.strided and tensor.device.type == "cpu"
    return tensor if plain and not tensor.is_quantized and not tensor.is_complex() else None


@contextlib.contextmanager
def _safe_globals(parts: list[tuple[type[Part], str]]) -> Iterator[None]:
    """Have torch's reader take parts for all names, also for those that others have allowed."""
    before = get_safe_globals()
    clear_safe_globals()
    add_safe_globals(parts)  # type: ignore[arg-type] # pairs are allowed, but not declared
    try:
        yield
    finally:
        clear_safe_globals()
        add_safe_globals(before)
