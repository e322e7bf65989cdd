"""A root without files for the zygote and its children: an empty, read-only file system, closed to all.

Everything that a child needs is loaded before. Afterwards no path leads anywhere, so that even acts that
Landlock does not know, such as looking at a file or changing its times, have nothing to act on. See
`man 2 pivot_root`.
"""

from __future__ import annotations

import os
from pathlib import Path

from viper_sandbox import kernel

__all__ = ["enter", "forbid_user_namespaces"]

# From the kernel's include/uapi/linux/mount.h.
_READ_ONLY = 1
_NO_SETUID = 2
_NO_DEVICES = 4
_NO_PROGRAMS = 8
_REMOUNT = 32
_RECURSIVE = 0x4000
_PRIVATE = 0x4_0000
_DETACH = 2

_HARMLESS = _NO_SETUID | _NO_DEVICES | _NO_PROGRAMS
# The first of these folders that exists is covered for a moment; only this process sees that.
_PLACES = ("/tmp", "/proc", "/dev", "/usr", "/")  # noqa: S108  # nothing is written there
_MAX_USER_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")


def forbid_user_namespaces() -> None:
    """Prevent this user namespace from having others below it, in which a process has all capabilities.

    Raises:
        OSError: The kernel, or a container that mounts /proc/sys read-only, refuses.
    """
    _MAX_USER_NAMESPACES.write_text("0", encoding="ascii")


def enter() -> None:
    """Make an empty file system the root of this process and of its children.

    Raises:
        OSError: The kernel refuses.
    """
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount_empty()
    kernel.pivot_root(".", ".")  # the old root now covers the new one, and is removed from it
    kernel.unmount(".", _DETACH)
    os.chdir("/")
    os.chmod("/", 0)  # noqa: PTH101  # the zygote has no other use for a Path of this
    kernel.mount(None, "/", None, _REMOUNT | _READ_ONLY | _HARMLESS)


def _mount_empty() -> None:
    place = next(place for place in _PLACES if os.path.isdir(place))  # noqa: PTH112
    kernel.mount("none", place, "tmpfs", _HARMLESS, "size=4096,nr_inodes=1,mode=111")
    os.chdir(place)
