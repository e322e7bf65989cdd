"""Loads a stranger's files with the doors of the libraries shut, whatever a configuration asks for.

    with sealed():
        model = loader.from_pretrained(folder)

In this block, and in its thread, no pickle is run (`torch.load` reads weights only, `pickle` and TorchScript
nothing), no Python file of a model is imported, no kernel of the hub is taken, and no connection is made.
What a configuration may say at all is checked before, by `foreign_config`: this is the second wall.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import pickle
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch

from viper.models.registry import IMPORTING

__all__ = ["NoCodeError", "sealed"]

_Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
# Any: what is wrapped are functions of libraries, each with arguments of its own.

_CODE_OF_MODELS = "transformers.dynamic_module_utils"
_KERNELS = "transformers.integrations.hub_kernels"


class NoCodeError(RuntimeError):
    """Loading was about to run code of the file."""


@contextlib.contextmanager
def sealed(*, network: bool = False, pickles: bool = False) -> Iterator[None]:
    """Shut the doors in this block, for its thread.

    Args:
        network: Connections may be made: what is asked for is named by the user, not by a file.
        pickles: `torch.load` and `pickle` stay as they are, for a loader with a list of its own.
    """
    thread = threading.get_ident()

    def here(guarded: _Wrap) -> _Wrap:
        """Guard a function for this thread only."""

        def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
            inside = guarded(original)

            @functools.wraps(original)
            def call(*args: Any, **kwargs: Any) -> Any:
                chosen = inside if threading.get_ident() == thread else original
                return chosen(*args, **kwargs)

            return call

        return wrap

    with IMPORTING, contextlib.ExitStack() as doors:
        for module, name in (
            (_CODE_OF_MODELS, "get_class_in_module"),
            (_CODE_OF_MODELS, "get_cached_module_file"),
            (_KERNELS, "get_kernel"),
        ):
            # Whoever loads with transformers has imported it; without it there is no such door.
            if "transformers" in sys.modules:
                _replace(doors, importlib.import_module(module), name, here(_refuse(name)))
        _replace(doors, torch.jit, "load", here(_refuse("torch.jit.load")))
        _replace(doors, torch.hub, "load", here(_refuse("torch.hub.load")))
        if not pickles:
            _replace(doors, torch, "load", here(_weights_only))
            for name in ("load", "loads"):
                _replace(doors, pickle, name, here(_refuse(f"pickle.{name}")))
        if not network:
            import httpx

            _replace(doors, httpx.Client, "send", here(_no_network))
            _replace(doors, socket.socket, "connect", here(_no_network))
        yield


def _replace(doors: contextlib.ExitStack, owner: Any, name: str, wrap: _Wrap) -> None:
    """Put a guarded function in the place of another until the doors open again."""
    own = vars(owner).get(name)
    setattr(owner, name, wrap(getattr(owner, name)))
    if own is None:  # inherited
        doors.callback(delattr, owner, name)
    else:
        doors.callback(setattr, owner, name, own)


def _refuse(name: str) -> _Wrap:
    def wrap(_original: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(*_args: Any, **_kwargs: Any) -> Any:
            raise NoCodeError(f"its files ask for code to be run ({name}), which is never done")

        return refuse

    return wrap


def _weights_only(original: Callable[..., Any]) -> Callable[..., Any]:
    def load(file: Any, map_location: Any = None, _pickle: Any = None, **kwargs: Any) -> Any:
        kwargs.pop("pickle_module", None)
        return original(file, map_location, **{**kwargs, "weights_only": True})

    return load


def _no_network(_original: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        from huggingface_hub.errors import OfflineModeIsEnabled

        # What the libraries know from their offline mode: they go on with what is on disk.
        raise OfflineModeIsEnabled("its files make the library ask the network, which is not done")

    return refuse
