"""Runs the loaders of libraries on untrusted model files with code execution and network access disabled.

    with sealed():
        model = loader.from_pretrained(folder)

In this block, in its thread only: `torch.load` reads weights only, `pickle` and TorchScript raise, Python
files of a model are not imported, kernels of the hub are not loaded, and no connection is made.
`foreign_config` has checked the configuration before; this is the second line of defense, whatever the
configuration says.
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

# Any: functions of libraries, each with its own arguments.
_Function = Callable[..., Any]

_CODE_OF_MODELS = "transformers.dynamic_module_utils"
_KERNELS = "transformers.integrations.hub_kernels"
# Which one huggingface_hub uses depends on its version.
_HTTP_CLIENTS = ("httpx", "httpx2")


class NoCodeError(RuntimeError):
    """Loading tried to run code from the file."""


@contextlib.contextmanager
def sealed(*, network: bool = False) -> Iterator[None]:
    """Disable code execution and network access in this block, for the calling thread.

    Args:
        network: Allow connections, because the user, not a file, has named what is fetched.
    """
    thread = threading.get_ident()
    with IMPORTING, contextlib.ExitStack() as replaced:

        def replace(owner: Any, name: str, guard: _Function) -> None:
            original = getattr(owner, name)
            own = vars(owner).get(name)

            @functools.wraps(original)
            def call(*args: Any, **kwargs: Any) -> Any:
                if threading.get_ident() == thread:
                    return guard(*args, **kwargs)
                return original(*args, **kwargs)

            setattr(owner, name, call)
            if own is None:  # inherited
                replaced.callback(delattr, owner, name)
            else:
                replaced.callback(setattr, owner, name, own)

        # Without transformers nothing can load through these.
        if "transformers" in sys.modules:
            for module, name in (
                (_CODE_OF_MODELS, "get_class_in_module"),
                (_CODE_OF_MODELS, "get_cached_module_file"),
                (_KERNELS, "get_kernel"),
            ):
                replace(importlib.import_module(module), name, _refuse_code(name))
        for owner, name in (
            (torch.jit, "load"),
            (torch.hub, "load"),
            (pickle, "load"),
            (pickle, "loads"),
        ):
            replace(owner, name, _refuse_code(f"{owner.__name__}.{name}"))
        replace(torch, "load", functools.partial(_load_weights, torch.load))
        if not network:
            # The clients are refused as well as the sockets, because they retry a failed connection for 23 s.
            for module in _HTTP_CLIENTS:
                with contextlib.suppress(ModuleNotFoundError):
                    replace(importlib.import_module(module).Client, "send", _refuse_network)
            replace(socket, "getaddrinfo", _refuse_network)
            replace(socket.socket, "connect", _refuse_network)
        yield


def _refuse_code(name: str) -> _Function:
    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise NoCodeError(f"its files ask for code to be run ({name}), which is never done")

    return refuse


def _load_weights(
    load: _Function, file: Any, map_location: Any = None, _pickle: Any = None, **kwargs: Any
) -> Any:
    kwargs.pop("pickle_module", None)
    return load(file, map_location, **{**kwargs, "weights_only": True})


def _refuse_network(*_args: Any, **_kwargs: Any) -> Any:
    from huggingface_hub.errors import OfflineModeIsEnabled

    # The error of the libraries' offline mode: they continue with the files on disk.
    raise OfflineModeIsEnabled("its files request network access, which is disabled")
