"""Programs without the language layer: plain Python with real builtins, modules and attributes.

It exists only to test the confinement, which must withstand a program that has escaped the language layer.
Only `Confinement(language=False)` uses it.
"""

from __future__ import annotations

import builtins
import importlib
from typing import Any

from viper_sandbox.patch import ImagePatch
from viper_sandbox.program_session import ProgramSession

__all__ = ["plain_namespace", "preload"]

_MODULES = (
    "asyncio.selector_events builtins ctypes ctypes.util encodings.idna errno fcntl functools "
    "gc importlib inspect io itertools json math mmap multiprocessing.shared_memory operator "
    "os pathlib pickle platform pty random re resource select shutil signal socket string "
    "struct subprocess sys sysconfig tempfile termios threading time typing "
).split()


def preload() -> None:
    """Import the modules that hostile programs use, while files can still be opened.

    Modules that this machine lacks are skipped; a program that needs one fails at its import.
    """
    for name in _MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue


def plain_namespace(session: ProgramSession) -> dict[str, Any]:
    """Return the global names of an unguarded program."""
    # Without `guarded_getattr`, Python itself must find the methods of the API.
    type.__setattr__(ImagePatch, "__getattr__", ImagePatch._program_attribute_)
    modules = {name: importlib.import_module(name) for name in ("math", "re", "typing")}
    return {
        "__builtins__": builtins,
        "__name__": "program",
        **modules,
        **session.globals(),
    }
