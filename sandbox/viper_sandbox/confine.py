"""Confinement of the child by the kernel, before it reads a single byte of a program.

The order matters and is that of `confine`: a session of its own, no new privileges, no descriptors
but the socket, limits on resources, death with the parent, and the system call filter last, because
it forbids all of the above. Namespaces and Landlock belong between the limits and the filter.

Every mechanism that this machine does not have is reported with the reason; what that means for the
level is measured by its effect (see `probe`), never derived from the list.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from viper_sandbox import seccomp
from viper_sandbox.limits import Limits

__all__ = ["EXIT_ORPHAN", "Confinement", "confine"]

EXIT_ORPHAN = 71
"""Exit status of a child whose parent died before it was confined."""

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_MIB = 1 << 20
_USUAL_ADDRESS_SPACE_BYTES = 128 * _MIB
# An idle child where /proc is not mounted: more than any was seen to have (40 MiB with glibc).


@dataclass(frozen=True, slots=True)
class Confinement:
    """Which mechanisms to use; all of them unless a test takes one away."""

    limits: bool = True
    seccomp: bool = True


def confine(wanted: Confinement, limits: Limits, keep_fd: int, parent_pid: int) -> dict[str, str]:
    """Give up everything that a program could misuse; there is no way back.

    Args:
        wanted: Mechanisms to use.
        limits: Bounds of memory and CPU time.
        keep_fd: The only descriptor that stays open.
        parent_pid: Process with which this one must die.

    Returns:
        For every mechanism "" if it is in force, else one clause that says why it is not.
    """
    report: dict[str, str] = {}

    def attempt(name: str, act: Callable[[], None], *, wanted: bool = True) -> None:
        if not wanted:
            report[name] = "it was switched off"
            return
        try:
            act()
        except (OSError, ValueError, ImportError, AttributeError) as error:
            report[name] = str(error) or type(error).__name__
        else:
            report[name] = ""

    attempt("session", _own_session)
    attempt("no new privileges", lambda: _prctl(_PR_SET_NO_NEW_PRIVS, 1))
    attempt("descriptors", lambda: _close_all_but(keep_fd))
    attempt("limits", lambda: _limit(limits), wanted=wanted.limits)
    attempt("death with parent", lambda: _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))
    if os.getppid() != parent_pid:  # it died before the line above could take effect
        os._exit(EXIT_ORPHAN)
    attempt("seccomp", _install_seccomp, wanted=wanted.seccomp)
    return report


def _own_session() -> None:
    if os.getsid(0) != os.getpid():
        os.setsid()


def _close_all_but(keep_fd: int) -> None:
    os.closerange(0, keep_fd)
    # Linux does this in one call, however far it goes; others close one by one.
    os.closerange(keep_fd + 1, 2**31 - 1 if sys.platform == "linux" else 1 << 16)


def _limit(limits: Limits) -> None:
    """Set resource limits, soft and hard alike.

    No descriptor can be opened any more, not even a socket; no file can grow; no process can be made
    where the user is not root. CPU time ends by a timer with the resolution of the clock; the limit
    of the kernel, in whole seconds, stands behind it.
    """
    import resource

    used_bytes = _address_space_bytes()  # asked first: soon no file can be opened
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = math.ceil(spent.ru_utime + spent.ru_stime + limits.cpu_s) + 1
    memory_bytes = used_bytes + limits.memory_mb * _MIB
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory_bytes),
    ):
        resource.setrlimit(limit, (value, value))
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)  # SIGPROF ends the process by default


def _address_space_bytes() -> int:
    """Return the size of this process as RLIMIT_AS counts it."""
    import resource

    try:
        text = Path("/proc/self/statm").read_text(encoding="ascii")
    except OSError:
        return _USUAL_ADDRESS_SPACE_BYTES
    return int(text.split()[0]) * resource.getpagesize()


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        raise OSError(f"prctl is a feature of Linux, and this is {sys.platform}")
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero):
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def _install_seccomp() -> None:
    reason = seccomp.unsupported_reason()
    if reason is not None:
        raise OSError(reason)
    seccomp.install()
