"""Runs the loaders of libraries on untrusted model files with code execution and network access disabled.

    with sealed(folder):
        model = loader.from_pretrained(folder)

In this block `torch.load` reads weights only, `pickle` and TorchScript raise, no Python file and no library
of the folder is run, no process is started, kernels of the hub are not loaded, and no connection is made.
`foreign_config` has checked the configuration before; this is the second line of defense, whatever the
configuration says.

The block holds for its thread, for threads started in it, and for tasks that it hands to a pool of threads,
until it ends; other threads of the process go on. Two mechanisms enforce it: replaced functions, whose errors
the libraries understand, and an audit hook, which no library can go around by having kept the original.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import pickle
import socket
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType
from typing import Any

import torch

from viper.backends.torch_archive import check_archive
from viper.backends.torch_contents import check_tensors
from viper.models.registry import IMPORTING

__all__ = ["NoCodeError", "inert", "sealed"]

# Any: functions of libraries, each with its own arguments.
_Function = Callable[..., Any]

_CODE_OF_MODELS = "transformers.dynamic_module_utils"
_KERNELS = "transformers.integrations.hub_kernels"
# Which one huggingface_hub uses depends on its version.
_HTTP_CLIENTS = ("httpx", "httpx2")

# Audit events of CPython; see its table of audit events.
_PROCESS_EVENTS = frozenset(
    "subprocess.Popen os.system os.exec os.fork os.forkpty os.posix_spawn os.spawn pty.spawn".split()
)
_NETWORK_EVENTS = frozenset(
    "socket.connect socket.getaddrinfo socket.gethostbyname socket.sendto socket.sendmsg".split()
)


class NoCodeError(RuntimeError):
    """Loading tried to run code from the file."""


class _NoProcessError(NoCodeError, PermissionError):
    """Loading tried to start a process; libraries that only look for a tool take it for a missing one."""


class _Seal:
    """The rules of one block.

    Args:
        folders: Where no code may come from, as absolute paths that end with a separator.
        network: Connections are allowed.
    """

    def __init__(self, folders: tuple[str, ...], *, network: bool) -> None:
        self.folders = folders
        self.network = network
        self.holds = True

    def holds_file(self, name: object) -> bool:
        """Return whether a file lies in one of the folders."""
        if not isinstance(name, (str, bytes)) or not self.folders:
            return False
        text = os.fsdecode(name)
        if not text or text.startswith("<"):  # code that was made, not read
            return False
        plain, resolved = os.path.abspath(text), os.path.realpath(text)  # noqa: PTH100 # fast
        return plain.startswith(self.folders) or resolved.startswith(self.folders)


class _OfThread(threading.local):
    seal: _Seal | None = None
    inert: Collection[str] = ()


_of_thread = _OfThread()
_hooks: list[bool] = []


def _current() -> _Seal | None:
    seal = _of_thread.seal
    return seal if seal is not None and seal.holds else None


@contextlib.contextmanager
def sealed(*folders: Path, network: bool = False) -> Iterator[None]:
    """Disable code execution and network access in this block.

    Args:
        folders: Of the model; Python files and libraries in them are not run.
        network: Allow connections, because the user, not a file, has named what is fetched.
    """
    with IMPORTING, contextlib.ExitStack() as replaced:

        def replace(owner: Any, name: str, guard: _Function) -> None:
            original = getattr(owner, name)
            own = vars(owner).get(name)

            @functools.wraps(original)
            def call(*args: Any, **kwargs: Any) -> Any:
                if _current() is not None:
                    return guard(*args, **kwargs)
                return original(*args, **kwargs)

            setattr(owner, name, call)
            if own is None:  # inherited
                replaced.callback(delattr, owner, name)
            else:
                replaced.callback(setattr, owner, name, own)

        code_folders = [Path(folder) for folder in folders]
        # Without transformers nothing can load through these.
        if "transformers" in sys.modules:
            module: Any = importlib.import_module(_CODE_OF_MODELS)
            code_folders.append(Path(module.HF_MODULES_CACHE))
            for place, name in (
                (_CODE_OF_MODELS, "get_class_in_module"),
                (_CODE_OF_MODELS, "get_cached_module_file"),
                (_KERNELS, "get_kernel"),
            ):
                replace(importlib.import_module(place), name, _refuse_code(name))
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
            for place in _HTTP_CLIENTS:
                with contextlib.suppress(ModuleNotFoundError):
                    replace(importlib.import_module(place).Client, "send", _refuse_network)
            replace(socket, "getaddrinfo", _refuse_network)
            replace(socket.socket, "connect", _refuse_network)
        replace(threading.Thread, "start", functools.partial(_start, threading.Thread.start))
        replace(ThreadPoolExecutor, "submit", functools.partial(_submit, ThreadPoolExecutor.submit))
        if not _hooks:
            _hooks.append(
                True
            )  # it cannot be removed, and costs 0.1 µs an event outside of a block
            sys.addaudithook(_audit)
        outer, seal = _of_thread.seal, _Seal(_as_prefixes(code_folders), network=network)
        _of_thread.seal = seal
        try:
            yield
        finally:
            _of_thread.seal = outer
            seal.holds = False  # for threads and pools that outlive the block


@contextlib.contextmanager
def inert(names: Collection[str]) -> Iterator[None]:
    """Let files that this thread loads name these classes and functions, which torch replaces by others."""
    outer = _of_thread.inert
    _of_thread.inert = names
    try:
        yield
    finally:
        _of_thread.inert = outer


def _as_prefixes(folders: list[Path]) -> tuple[str, ...]:
    paths = {path for folder in folders for path in (folder.absolute(), folder.resolve())}
    # A stranger's folder that contains this program's own libraries cannot be told apart from them.
    own = [Path(torch.__file__).resolve(), Path(os.__file__).resolve(), Path(__file__).resolve()]
    return tuple(
        f"{path}{os.sep}" for path in paths if not any(file.is_relative_to(path) for file in own)
    )


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse acts of a sealed thread that go around the replaced functions."""
    seal = _current()
    if seal is None:
        return
    if event == "pickle.find_class":
        raise NoCodeError(f"its files ask for code to be run ({str(arguments[1])[:80]})")
    if event in _PROCESS_EVENTS:
        raise _NoProcessError(f"its files ask for a process to be started ({event})")
    if event in _NETWORK_EVENTS and not seal.network:
        _refuse_network()
    if event == "exec":
        code = arguments[0]
        if isinstance(code, CodeType) and seal.holds_file(code.co_filename):
            raise NoCodeError("its files ask for code to be run (a Python file in its folder)")
    elif event == "import" and seal.holds_file(arguments[1]):
        raise NoCodeError("its files ask for code to be run (an extension in its folder)")
    elif event == "ctypes.dlopen" and seal.holds_file(arguments[0]):
        raise NoCodeError("its files ask for code to be run (a library in its folder)")


def _start(start: _Function, thread: threading.Thread) -> None:
    """Start a thread to which the rules of the starting one apply."""
    thread.run = _under(_current(), thread.run)  # type: ignore[method-assign]
    start(thread)


def _submit(submit: _Function, pool: Any, work: _Function, /, *args: Any, **kwargs: Any) -> Any:
    """Hand a task to a pool, whose threads may be older, under the rules of this thread."""
    return submit(pool, _under(_current(), work), *args, **kwargs)


def _under(seal: _Seal | None, work: _Function) -> _Function:
    def run(*args: Any, **kwargs: Any) -> Any:
        outer = _of_thread.seal
        _of_thread.seal = seal
        try:
            return work(*args, **kwargs)
        finally:
            _of_thread.seal = outer

    return run


def _refuse_code(name: str) -> _Function:
    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise NoCodeError(f"its files ask for code to be run ({name}), which is never done")

    return refuse


def _load_weights(
    load: _Function, file: Any, map_location: Any = None, _pickle: Any = None, **kwargs: Any
) -> Any:
    kwargs.pop("pickle_module", None)
    check_archive(file, inert=lambda: _of_thread.inert)
    loaded = load(file, map_location, **{**kwargs, "weights_only": True})
    check_tensors(loaded)
    return loaded


def _refuse_network(*_args: Any, **_kwargs: Any) -> Any:
    from huggingface_hub.errors import OfflineModeIsEnabled

    # The error of the libraries' offline mode: they continue with the files on disk.
    raise OfflineModeIsEnabled("its files request network access, which is disabled")
