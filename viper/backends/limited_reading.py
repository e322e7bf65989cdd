"""Runs a loader in a thread that can read the files of the model and of the program, and no others.

    model = call_with_files(work, [copy, *weights])

A configuration becomes arguments of libraries, and some open files in native code, where Python sees nothing:
a vocabulary that is given as a text is a path, for one. The kernel (Landlock, Linux 5.13) refuses every other
file to this thread and to the threads that it starts, whoever opens it, and whatever the configuration says.
Elsewhere `foreign_config` is the only barrier.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from viper_sandbox import kernel, landlock

__all__ = ["call_with_files"]

_T = TypeVar("_T")

# The same numbers on every architecture: include/uapi/asm-generic/unistd.h and linux/landlock.h.
_ADD_RULE = 445
_RULE_PATH_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
# Those that a file can have: to execute, write, read, shorten, and ioctl.
_OF_FILES = 1 | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15

# Of the system: libraries, facts about the machine, and devices of accelerators. Nothing in them is secret.
_SYSTEM = (
    "/usr /lib /lib64 /opt /nix/store /gnu/store /run/opengl-driver /sys/devices /sys/class /sys/bus "
    "/sys/module /sys/fs/cgroup /sys/kernel/mm /etc/ld.so.cache /etc/os-release /etc/localtime "
    "/etc/mime.types /etc/OpenCL /etc/ssl/certs /proc/cpuinfo /proc/meminfo /proc/stat /proc/version "
    "/proc/devices /proc/filesystems /proc/modules /proc/driver /proc/self/maps /proc/self/status "
    "/proc/self/mountinfo /proc/self/cgroup"
).split()
_DEVICES = ("null", "zero", "full", "random", "urandom")
_ACCELERATORS = ("nvidia*", "dri", "kfd", "accel")


def call_with_files(work: Callable[[], _T], readable: Iterable[Path]) -> _T:
    """Call a function in a thread that reads nothing but these files and those of the program.

    Args:
        work: Threads that it starts are limited as well, and remain so.
        readable: Files and folders of the model.

    Returns:
        What the function returns; what it raises is raised.
    """
    done: list[_T] = []
    raised: list[BaseException] = []
    paths = [*readable, *_of_program()]

    def run() -> None:
        try:
            with contextlib.suppress(OSError):  # no Landlock: an older kernel, or another system
                _limit_this_thread(paths)
            done.append(work())
        except BaseException as error:  # panics of libraries in Rust are no exceptions
            raised.append(error)

    thread = threading.Thread(target=run, name="viper-load", daemon=True)
    thread.start()
    thread.join()
    if raised:
        try:
            raise raised[0]
        finally:
            raised.clear()  # else the error, its traceback and this frame keep each other alive
    return done[0]


def _limit_this_thread(paths: Iterable[Path]) -> None:
    """Have the kernel refuse all other files to this thread, for as long as it lives.

    Raises:
        OSError: The kernel cannot.
    """
    abi = landlock.supported_abi()
    ruleset = landlock.create_file_ruleset(abi)
    try:
        for path in paths:
            _allow(ruleset, path, _READ_FILE | _READ_DIR)
        for name in _DEVICES:
            _allow(ruleset, Path("/dev") / name, _READ_FILE | _WRITE_FILE)
        for pattern in _ACCELERATORS:
            for path in Path("/dev").glob(pattern):
                _allow(ruleset, path, landlock.all_file_rights(abi))
        kernel.forbid_new_privileges()  # of this thread
        landlock.restrict_self(ruleset)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Add a file, or a folder and all below it, that need not exist."""
    import ctypes

    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not path.is_dir():
            rights &= _OF_FILES
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor))
        kernel.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)


def _of_program() -> Iterator[Path]:
    """Yield the folders of the interpreter, of its packages, and of the system."""
    yield from map(Path, _SYSTEM)
    folders = _of_interpreter()
    # Packages elsewhere, such as those that are installed as links to their sources; never a folder that
    # only holds packages, which may be the user's working directory.
    for name, module in list(sys.modules.items()):
        place = getattr(module, "__file__", None) if "." not in name else None
        if isinstance(place, str) and os.path.isabs(place):  # noqa: PTH117 # fast, for thousands
            is_package = Path(place).name.startswith("__init__.")
            folders.add(Path(place).parent if is_package else Path(place))
    for text in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
        if os.path.isabs(text):  # noqa: PTH117
            folders.add(Path(text))
    yield from (path for path in folders if path != Path("/"))


def _of_interpreter() -> set[Path]:
    places: list[Any] = [
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        *sysconfig.get_paths().values(),
    ]
    places += [
        entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")
    ]
    return {Path(place) for place in places if place}
