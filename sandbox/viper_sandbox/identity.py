"""Who the zygote is and what it sees: no longer root, and first process of namespaces of its own.

This happens once, when a zygote has loaded what its children need. Three namespaces are the zygote's. A
PID namespace holds only for processes that are made after it, which would cost each program a second fork
(0.8 ms); and whoever is number 1 in it takes every process in it along when it dies, by the kernel's hand. So
a killed zygote leaves nothing behind, whatever its children became. A network namespace takes the kernel
0.4 ms to make and more to clear away, and an empty one, whose loopback is down, can be shared by processes
that can make no socket. The namespaces for IPC and host name are each child's own, see `confine`.
"""

from __future__ import annotations

import os
import signal
from typing import NoReturn

from viper_sandbox import kernel

__all__ = ["become_first_process", "drop_root"]

_NOBODY = 65_534
# The kernel's overflow id, which owns nothing; see `man 7 user_namespaces`.


def drop_root() -> None:
    """Become nobody, in no group, if this process is root.

    Raises:
        OSError: The process is root and must stay so.
    """
    if os.geteuid() != 0 and os.getuid() != 0:
        return
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def become_first_process(control_fd: int) -> None:
    """Go on as the first process of a new PID namespace, inside new user and network namespaces.

    The process that called stays behind as keeper: it waits for the first process and ends as it ends, so
    that the host has a child to kill and to wait for. Both die with their parents.

    Args:
        control_fd: Socket that the keeper must not hold open.

    Raises:
        OSError: The kernel gives no such namespaces; nothing was changed.
    """
    kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET)
    pid = os.fork()
    if pid:
        os.close(control_fd)
        _keep(pid)
    kernel.die_with_parent()


def _keep(pid: int) -> NoReturn:
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        os.kill(
            os.getpid(), signal.SIGKILL
        )  # so that its end does not look like one of its own will
    os._exit(code)
