"""Reads a checkpoint of ultralytics without running code that the pickle may hold.

The library's safe mode rebuilds only objects of allowlisted classes of its own. But the constructor of such a
class may load a second file without the allowlist. Therefore, in addition: no network class is constructed
while a file is read, classes that load files are refused by name, everything in `sealed_loading` applies,
and the allowlist is reset after each file. Whether the installed library has a safe mode is tested by
trying it.
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
"""Classes on the library's allowlist whose constructors load or fetch other files."""
_READING_MODULES = ("clip.", "ultralytics.nn.distill_model.", "ultralytics.nn.text_model.")


class NotSupportedError(Exception):
    """The library has no safe mode."""


def load_safely(path: Path) -> Any:
    """Return the content of a checkpoint without running code from it.

    Raises:
        NotSupportedError: The library has no safe mode.
        NoCodeError: The file would run code, or load another file.
        Exception: Nearly anything, for a damaged or hostile file.
    """
    if not _library_refuses_code():
        raise NotSupportedError
    with contextlib.suppress(ValueError):  # not an archive of torch, which the loader reports
        for name in torch.serialization.get_unsafe_globals_in_checkpoint(str(path)):
            if name.rpartition(".")[2] in READS_FILES or name.startswith(_READING_MODULES):
                raise NoCodeError(f"it holds a {name}, which loads other files.")
    with sealed(), _list_of_its_own(), _no_constructors(), no_installs():
        checkpoint, _ = _tasks().torch_safe_load(str(path), safe_only=True)
    return checkpoint


def check_network(model: torch.nn.Module) -> None:
    """Refuse a network that would later call functions from its file.

    Raises:
        ConfigError: It has hooks, replaced methods, or a network class in place of a value.
    """
    for module in _parts(model):
        for name, value in vars(module).items():
            is_hook = name.endswith("_hooks") and bool(value)
            is_class = isinstance(value, type) and issubclass(value, torch.nn.Module)
            # The library itself replaces only `forward`, by a fused one.
            hides = callable(getattr(torch.nn.Module, name, None)) and callable(value)
            if is_hook or is_class or (hides and name != "forward"):
                raise ConfigError(
                    f"The checkpoint holds code to be run later ({type(module).__name__}.{name}). If "
                    "you trust its origin, add trust=true, which runs the code in it."
                )


def _parts(model: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """Yield a network and all its parts without calling its methods, which may come from the file."""
    waiting, visited = [model], set[int]()
    while waiting:
        module = waiting.pop()
        if id(module) in visited:
            continue
        visited.add(id(module))
        yield module
        children = vars(module).get("_modules") or {}
        waiting += [child for child in children.values() if isinstance(child, torch.nn.Module)]


@contextlib.contextmanager
def _list_of_its_own() -> Iterator[None]:
    """Restore torch's allowlist at the end, because the library adds to it permanently."""
    before = get_safe_globals()
    clear_safe_globals()
    try:
        yield
    finally:
        clear_safe_globals()
        add_safe_globals(before)


@contextlib.contextmanager
def _no_constructors() -> Iterator[None]:
    """Keep this thread from constructing networks: a file restores objects without constructors."""
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
    """A pickle that records whether it was run."""

    has_run = False

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return (_run_probe, ())


def _run_probe() -> None:
    _Probe.has_run = True


@functools.cache
def _library_refuses_code() -> bool:
    """Try the safe mode: a harmless file must load, and a file with code must not run."""
    load = _tasks().torch_safe_load
    with tempfile.TemporaryDirectory(prefix="viper-probe-") as folder, _list_of_its_own():
        plain, coded = Path(folder, "plain.pt"), Path(folder, "coded.pt")
        torch.save({"model": None}, plain)
        torch.save({"model": _Probe()}, coded)
        _Probe.has_run = False
        # Older versions have no safe mode and reject the argument.
        try:
            load(str(plain), safe_only=True)
        except Exception:
            return False
        with contextlib.suppress(Exception):
            load(str(coded), safe_only=True)
            return False
    return not _Probe.has_run
