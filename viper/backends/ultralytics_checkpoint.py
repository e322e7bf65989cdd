"""Reads a checkpoint of ultralytics without running what a pickle may hold.

The library's safe mode rebuilds objects of its classes only. But such a class may read a second file when
it is called, without the list. So, besides the list: no class of a network is called while a file is read,
the classes that read files are refused by name, the rest of `sealed_loading` is in force, and the list of
one file is not that of the next. Whether the library has a safe mode is found by trying.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals

from viper.backends.sealed_loading import NoCodeError, sealed
from viper.backends.ultralytics_import import no_installs
from viper.errors import ConfigError

__all__ = ["READS_FILES", "NotSupportedError", "check_network", "load_safely"]

READS_FILES = frozenset({"DistillationModel", "TorchVision"})
"""Classes on the library's list whose constructors load or fetch other files."""
_READING_MODULES = ("clip.", "ultralytics.nn.distill_model.", "ultralytics.nn.text_model.")


class NotSupportedError(Exception):
    """The library has no mode in which a file cannot run code."""


def load_safely(path: Path) -> Any:
    """Return what a checkpoint holds; nothing of it is run.

    Raises:
        NotSupportedError: The library cannot do that.
        NoCodeError: The file would have code run, or another file loaded.
        Exception: Nearly anything, for a damaged or hostile file.
    """
    if not _library_refuses_code():
        raise NotSupportedError
    with contextlib.suppress(ValueError):  # no archive of torch, which the loader reports
        for name in torch.serialization.get_unsafe_globals_in_checkpoint(str(path)):
            if name.rpartition(".")[2] in READS_FILES or name.startswith(_READING_MODULES):
                raise NoCodeError(f"it holds a {name}, which loads other files.")
    with sealed(), _list_of_its_own(), _no_constructors(), no_installs():
        checkpoint, _ = _tasks().torch_safe_load(str(path), safe_only=True)
    return checkpoint


def check_network(model: torch.nn.Module) -> None:
    """Refuse a network that would call what its file has put in the place of a method.

    Raises:
        ConfigError: It has hooks, or a class of networks where a value belongs.
    """
    for module in _parts(model):
        for name, value in vars(module).items():
            is_hook = name.endswith("_hooks") and bool(value)
            is_class = isinstance(value, type) and issubclass(value, torch.nn.Module)
            # The library puts a fused forward in the place of the plain one, and nothing else.
            hides = callable(getattr(torch.nn.Module, name, None)) and callable(value)
            if is_hook or is_class or (hides and name != "forward"):
                raise ConfigError(
                    f"The checkpoint holds code to be run later ({type(module).__name__}.{name}). If "
                    "you trust its origin, add trust=true, which runs the code in it."
                )


def _parts(model: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """Yield a network and all its parts, by their tables: their methods may be the file's."""
    waiting, seen = [model], set[int]()
    while waiting:
        module = waiting.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        yield module
        children = vars(module).get("_modules") or {}
        waiting += [child for child in children.values() if isinstance(child, torch.nn.Module)]


@contextlib.contextmanager
def _list_of_its_own() -> Iterator[None]:
    """Put torch's list of harmless names back at the end; the library adds to it for good."""
    before = get_safe_globals()
    clear_safe_globals()
    try:
        yield
    finally:
        clear_safe_globals()
        add_safe_globals(before)


@contextlib.contextmanager
def _no_constructors() -> Iterator[None]:
    """Keep this thread from calling classes of networks: a file restores objects, it makes none."""
    thread = threading.get_ident()
    original = torch.nn.Module.__init__

    @functools.wraps(original)
    def guarded(self: torch.nn.Module, *args: Any, **kwargs: Any) -> None:
        if threading.get_ident() == thread:
            raise NoCodeError(f"it calls {type(self).__name__}, which no checkpoint needs.")
        original(self, *args, **kwargs)

    torch.nn.Module.__init__ = guarded  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.nn.Module.__init__ = original  # type: ignore[method-assign]


def _tasks() -> Any:  # ultralytics ships no types
    return importlib.import_module("ultralytics.nn.tasks")


class _Probe:
    """A pickle that shows whether it was run."""

    has_run = False

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return (_run_probe, ())


def _run_probe() -> None:
    _Probe.has_run = True


@functools.cache
def _library_refuses_code() -> bool:
    """Try the safe mode: a harmless file must be read, and one with code in it must not run."""
    load = _tasks().torch_safe_load
    with tempfile.TemporaryDirectory(prefix="viper-probe-") as folder, _list_of_its_own():
        plain, coded = Path(folder, "plain.pt"), Path(folder, "coded.pt")
        torch.save({"model": None}, plain)
        torch.save({"model": _Probe()}, coded)
        _Probe.has_run = False
        # Older versions know no safe mode, and call its argument unexpected.
        try:
            load(str(plain), safe_only=True)
        except Exception:
            return False
        with contextlib.suppress(Exception):
            load(str(coded), safe_only=True)
            return False
    return not _Probe.has_run
