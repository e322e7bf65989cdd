"""User and namespaces of the zygote: it stops being root and becomes the first process of new namespaces.

This happens once, after the zygote has loaded what its children need. Three namespaces belong to the zygote:

- A PID namespace applies only to processes that are forked after it was created, so one per program would
  need a second fork (0.8 ms). When its first process dies, the kernel kills all others: a killed zygote
  leaves no process behind.
- A network namespace takes the kernel 0.4 ms to create and more to remove. It is empty, its loopback is down,
  and processes that cannot create sockets can share it.
- A user namespace gives the right to create the other two.

The mount namespace, with a root that is empty, comes after these (`empty_root`). The namespaces for IPC and
host name are created by each child, see `confine`.
"""

from __future__ import annotations

import errno
import os
import signal
from typing import NoReturn

from viper_sandbox import kernel

__all__ = ["NOBODY", "NO_MORE_PROCESSES", "become_first_process", "drop_root"]

NO_MORE_PROCESSES = (
    "the machine starts no more processes ({}): the limit of processes of this user (ulimit -u) or of its "
    "container (pids.max) is reached, or memory is short"
)
# The kernel's words for these would mislead: "No space left on device" has nothing to do with a disk.
_REASONS = {
    errno.ENOSPC: "the number of user namespaces is limited, see sysctl user.max_user_namespaces",
    errno.EPERM: "this machine, or its container, forbids user namespaces",
    errno.EACCES: "this machine, or its container, forbids user namespaces",
    errno.ENOSYS: "this kernel, or its container, has no namespaces",
    errno.EINVAL: "this kernel has no user namespaces",
    errno.EUSERS: "user namespaces are nested too deeply",
}

# The kernel's overflow id, which owns nothing; see `man 7 user_namespaces`.
NOBODY = 65_534


def drop_root() -> None:
    """Change to the user nobody, without groups, if this process is root.

    Raises:
        OSError: The process is root and cannot change that.
    """
    if os.geteuid() != 0 and os.getuid() != 0:
        return
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def become_first_process(control_fd: int) -> None:
    """Continue as the first process of a new PID namespace, inside new user and network namespaces.

    The calling process remains as a supervisor: it waits for the first process and exits with its status, so
    that the host has a child to kill and to wait for. Both die with their parents.

    Args:
        control_fd: Socket that the supervisor must not hold open.

    Raises:
        OSError: The kernel refuses the namespaces; nothing was changed.
        SystemExit: No process can be forked, after which there is no way back.
    """
    try:
        kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET)
    except OSError as error:
        if error.errno in _REASONS:
            raise OSError(error.errno, _REASONS[error.errno]) from None
        raise
    try:
        pid = os.fork()
    except OSError as error:
        raise SystemExit(NO_MORE_PROCESSES.format(error.strerror)) from None
    if pid:
        os.close(control_fd)
        _supervise(pid)
    kernel.die_with_parent()


def _supervise(pid: int) -> NoReturn:
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        os.kill(os.getpid(), signal.SIGKILL)  # an exit status would look like a regular end
    os._exit(code)
