"""Resource limits of a child: each is set by itself and read back, because a machine may refuse any.

No descriptor can be opened, not even a socket; no file can grow; no process can be forked unless the user is
root; memory and CPU time are limited. A profiling timer enforces the CPU time precisely; the kernel's limit,
in whole seconds, is the second line of defense: a signal that says why, and one second later one that no
process can ignore.
"""

from __future__ import annotations

import math
import signal

from viper_sandbox.limits import Limits

__all__ = ["MIB", "cpu_bound_s", "memory_bound_bytes", "set_limits"]

MIB = 1 << 20
_NAME = "limit of {}"
# Names of the module `resource`; a system may lack some.
_NONE_OF = {
    "core files": "RLIMIT_CORE",
    "growth of files": "RLIMIT_FSIZE",
    "descriptors": "RLIMIT_NOFILE",
    "processes": "RLIMIT_NPROC",
    "locked memory": "RLIMIT_MEMLOCK",
    "message queues": "RLIMIT_MSGQUEUE",
    "priority": "RLIMIT_NICE",
    "real-time priority": "RLIMIT_RTPRIO",
}
# More than any machine has, but a number that the kernel takes.
_LARGEST = 1 << 62
# Longer than any process lives; the kernel counts nanoseconds, so a much larger number would begin at zero.
_LONGEST_S = 1e9


def set_limits(limits: Limits, address_space_bytes: int) -> dict[str, str]:
    """Set resource limits, each to the lower of ours and the hard limit in force.

    Soft and hard ones are alike, except for the CPU time: at its hard limit the kernel sends SIGKILL, which
    does not tell why, so the soft limit is a second less.

    Args:
        limits: Bounds of memory and CPU time.
        address_space_bytes: Size of this process, to which the memory is added.

    Returns:
        Limit → why it is not in force; empty if all are.
    """
    import resource

    wanted = {name: (constant, 0, 0) for name, constant in _NONE_OF.items()}
    cpu_s, memory = cpu_bound_s(limits), memory_bound_bytes(limits, address_space_bytes)
    wanted["CPU time"] = ("RLIMIT_CPU", cpu_s - 1, cpu_s)
    # Last, because the others may need memory.
    wanted["memory"] = ("RLIMIT_AS", memory, memory)
    failed = {}
    for name, (constant, soft, hard) in wanted.items():
        limit = getattr(resource, constant, None)
        if limit is not None and (reason := _set(limit, soft, hard)):
            failed[_NAME.format(name)] = reason
    try:
        # SIGPROF ends the process by default.
        signal.setitimer(signal.ITIMER_PROF, min(limits.cpu_s, _LONGEST_S))
    except OSError as error:
        failed["timer of CPU time"] = error.strerror or str(error)
    return failed


def memory_bound_bytes(limits: Limits, address_space_bytes: int) -> int:
    """Return the address space that a child of this size at its start may have."""
    return address_space_bytes + math.ceil(min(limits.memory_mb, _LARGEST // MIB) * MIB)


def cpu_bound_s(limits: Limits) -> int:
    """Return the whole seconds of CPU time after which the kernel kills a child that began just now."""
    import resource

    spent = resource.getrusage(resource.RUSAGE_SELF)
    return math.ceil(spent.ru_utime + spent.ru_stime + min(limits.cpu_s, _LONGEST_S)) + 1


def _set(limit: int, soft: int, hard: int) -> str:
    """Set one limit; return why it is not in force, "" if it is."""
    import resource

    try:
        _, given = resource.getrlimit(limit)
        hard = min(hard, _LARGEST if given == resource.RLIM_INFINITY else given)
        wanted = (min(soft, hard), hard)
        resource.setrlimit(limit, wanted)
        in_force = resource.getrlimit(limit)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    if in_force != wanted:
        return "this machine accepts it but does not set it"
    return ""
