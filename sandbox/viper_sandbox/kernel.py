"""Calls of the Linux kernel that Python does not offer, made through the C library.

The C library is loaded on first use, so that this module can be imported on every system; on other systems
than Linux, each function raises `OSError`.
"""

from __future__ import annotations

import errno
import functools
import os
import platform
import signal
import sys
from typing import Any

__all__ = [
    "CLONE_NEWIPC",
    "CLONE_NEWNET",
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWUSER",
    "CLONE_NEWUTS",
    "die_with_parent",
    "drop_capabilities",
    "forbid_new_privileges",
    "forbid_tracing",
    "join_new_keyring",
    "mount",
    "pivot_root",
    "prctl",
    "signal_name",
    "syscall",
    "syscall_numbers",
    "unmount",
    "unshare",
]

# From the kernel's include/uapi/linux/sched.h, prctl.h, capability.h and keyctl.h.
CLONE_NEWNS = 0x0002_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x2008_0522
_KEYCTL_JOIN_SESSION_KEYRING = 1

# From arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
_NUMBERS = {
    "x86_64": {"keyctl": 250, "add_key": 248, "perf_event_open": 298, "bpf": 321},
    "aarch64": {"keyctl": 219, "add_key": 217, "perf_event_open": 241, "bpf": 280},
}
_NUMBERS["x86_64"] |= {"userfaultfd": 323, "memfd_create": 319, "io_uring_setup": 425}
_NUMBERS["aarch64"] |= {"userfaultfd": 282, "memfd_create": 279, "io_uring_setup": 425}


def unshare(flags: int) -> None:
    """Leave the namespaces of the parent, see `man 2 unshare`.

    Raises:
        OSError: The kernel refuses.
    """
    _call("unshare", flags)


def prctl(option: int, value: int, pointer: Any = 0) -> None:  # Any: of ctypes, or 0 for none
    """Change a property of this process, see `man 2 prctl`.

    Raises:
        OSError: The kernel refuses.
    """
    import ctypes

    second = ctypes.c_ulong(pointer) if isinstance(pointer, int) else pointer
    _call("prctl", option, ctypes.c_ulong(value), second, ctypes.c_ulong(0), ctypes.c_ulong(0))


def syscall(number: int, *arguments: Any) -> int:  # Any: integers and pointers of ctypes
    """Make a system call by its number, see `man 2 syscall`.

    Raises:
        OSError: The kernel refuses.
    """
    import ctypes

    wide = (ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)
    return _call("syscall", ctypes.c_long(number), *wide)


def signal_name(number: int) -> str:
    """Return the name of a signal, such as "SIGSEGV"; real-time signals and unknown ones have numbers."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def syscall_numbers() -> dict[str, int]:
    """Return the numbers, by name, of calls that the C library does not offer; those of this architecture.

    Raises:
        OSError: They are not known for this architecture, or this system is not Linux.
    """
    _libc()
    machine = platform.machine()
    if machine not in _NUMBERS:
        raise OSError(f"the numbers of its system calls are not known for {machine}")
    return _NUMBERS[machine]


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """Mount or remount a file system, see `man 2 mount`.

    Raises:
        OSError: The kernel refuses.
    """
    import ctypes

    names = [None if text is None else text.encode() for text in (source, target, kind)]
    _call("mount", *names, ctypes.c_ulong(flags), data.encode() or None)


def unmount(target: str, flags: int) -> None:
    """Remove a mount, see `man 2 umount2`.

    Raises:
        OSError: The kernel refuses.
    """
    _call("umount2", target.encode(), flags)


def pivot_root(new_root: str, put_old: str) -> None:
    """Change the root of this mount namespace, see `man 2 pivot_root`.

    Raises:
        OSError: The kernel refuses.
    """
    _call("pivot_root", new_root.encode(), put_old.encode())


def join_new_keyring() -> None:
    """Leave the session keyring, which may hold keys of the user, for a new and empty one.

    A kernel without keyrings, or a container that forbids them, leaves nothing to be read either.

    Raises:
        OSError: The kernel refuses for another reason.
    """
    try:
        syscall(syscall_numbers()["keyctl"], _KEYCTL_JOIN_SESSION_KEYRING, None)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM, errno.EACCES):
            raise


def die_with_parent() -> None:
    """Have this process killed when the THREAD that created it ends.

    A change of the user resets this, so call it afterwards. The parent may be dead already: the caller must
    check that.

    Raises:
        OSError: This system does not support it.
    """
    prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def forbid_new_privileges() -> None:
    """Prevent programs that this process executes from gaining privileges; see `man 2 prctl`.

    Raises:
        OSError: This system does not support it.
    """
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def forbid_tracing() -> None:
    """Prevent unprivileged processes, even of the same user, from tracing this one.

    Raises:
        OSError: This system does not support it.
    """
    prctl(_PR_SET_DUMPABLE, 0)


def drop_capabilities() -> None:
    """Give up all capabilities: those of root and those of a new user namespace.

    Raises:
        OSError: This system does not support it.
    """
    import ctypes

    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; low and high words
    _call("capset", ctypes.byref(header), ctypes.byref(none))


@functools.cache
def _libc() -> Any:  # Any: ctypes.CDLL, whose functions have no types
    if sys.platform != "linux":
        raise OSError(f"it is a feature of Linux, and this is {sys.platform}")
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> int:  # Any: what ctypes takes
    function = getattr(_libc(), name)
    result: int = function(*arguments)
    if result == -1:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, f"{name} failed: {os.strerror(number)}")
    return result
