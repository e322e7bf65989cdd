"""A system call filter for the child, as a classic BPF program.

It is an allow-list: calls that an interpreter needs to compute and to use one open socket are allowed; calls
that look at files fail with EACCES, so that Python's own attempts (a traceback reads its source line) fail
gracefully; every other call, and every call of a foreign ABI, kills the process. See
`man 2 seccomp` and the kernel's Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import errno
import functools
import os
import platform
import signal
import struct
import sys
from typing import Any, NamedTuple

from viper_sandbox import kernel

__all__ = ["build_filter", "install", "program_type", "unsupported_reason"]

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_RET_KILL_PROCESS = 0x8000_0000
_RET_ERRNO = 0x0005_0000
_RET_ALLOW = 0x7FFF_0000

_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_JUMP_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_NUMBER_OFFSET = 0  # struct seccomp_data: int nr; u32 arch; u64 ip; u64 args[6]
_ARCH_OFFSET = 4
_X32_BIT = 0x4000_0000
_PROT_EXEC = 4


class _Machine(NamedTuple):
    """The system calls of one architecture, by name; a call that is in no table kills the process."""

    audit_arch: int
    allowed: dict[str, int]
    denied: dict[str, int]
    no_exec: dict[str, int]
    """Calls whose third argument, a protection, must not include executable memory."""
    own_process: dict[str, int]
    """Calls whose first argument must be the process itself: abort() signals itself."""


# Numbers from the kernel's arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
_MACHINES = {
    "x86_64": _Machine(
        audit_arch=0xC000_003E,
        allowed={
            "read": 0, "write": 1, "close": 3, "munmap": 11, "brk": 12, "rt_sigaction": 13,
            "rt_sigprocmask": 14, "rt_sigreturn": 15, "mremap": 25, "madvise": 28, "getpid": 39,
            "exit": 60, "gettimeofday": 96, "gettid": 186, "futex": 202, "restart_syscall": 219,
            "clock_gettime": 228, "exit_group": 231, "getrandom": 318,
        },
        denied={
            "open": 2, "stat": 4, "fstat": 5, "lstat": 6, "lseek": 8, "ioctl": 16, "access": 21,
            "uname": 63, "fcntl": 72, "getdents": 78, "getcwd": 79, "readlink": 89, "sysinfo": 99,
            "getdents64": 217, "openat": 257, "newfstatat": 262, "readlinkat": 267,
            "faccessat": 269, "statx": 332, "openat2": 437, "faccessat2": 439,
        },
        no_exec={"mmap": 9, "mprotect": 10},
        own_process={"tgkill": 234},
    ),
    "aarch64": _Machine(
        audit_arch=0xC000_00B7,
        allowed={
            "read": 63, "write": 64, "close": 57, "munmap": 215, "brk": 214, "rt_sigaction": 134,
            "rt_sigprocmask": 135, "rt_sigreturn": 139, "mremap": 216, "madvise": 233,
            "getpid": 172, "exit": 93, "gettimeofday": 169, "gettid": 178, "futex": 98,
            "restart_syscall": 128, "clock_gettime": 113, "exit_group": 94, "getrandom": 278,
        },
        denied={
            "fstat": 80, "lseek": 62, "ioctl": 29, "uname": 160, "fcntl": 25, "getcwd": 17,
            "sysinfo": 179, "getdents64": 61, "openat": 56, "newfstatat": 79, "readlinkat": 78,
            "faccessat": 48, "statx": 291, "openat2": 437, "faccessat2": 439,
        },
        no_exec={"mmap": 222, "mprotect": 226},
        own_process={"tgkill": 131},
    ),
}  # fmt: skip


class _Operations(NamedTuple):
    """Values of one argument for which an allowed call is allowed; every other value kills the process."""

    argument: int
    values: tuple[int, ...]


_FUTEX_PRIVATE, _FUTEX_CLOCK_REALTIME = 128, 256
# WAIT, WAKE, WAIT_BITSET and WAKE_BITSET are all that locks of Python and of the C library need; the other
# operations, on locks with priorities and on several queues, have had more faults than all of these.
_FUTEX = [operation | flag for operation in (0, 1, 9, 10) for flag in (0, _FUTEX_PRIVATE)]
_FUTEX += [9 | _FUTEX_CLOCK_REALTIME, 9 | _FUTEX_CLOCK_REALTIME | _FUTEX_PRIVATE]
_OPERATIONS = {
    "futex": _Operations(1, tuple(_FUTEX)),
    # NORMAL, DONTNEED and FREE: allocators return memory.
    "madvise": _Operations(2, (0, 4, 8)),
}


class _Instruction(NamedTuple):
    """The kernel's `struct sock_filter`."""

    code: int
    jump_true: int
    jump_false: int
    operand: int


_INSTRUCTION = struct.Struct("<HBBI")
_KILL = _Instruction(_RETURN, 0, 0, _RET_KILL_PROCESS)
_ALLOW = _Instruction(_RETURN, 0, 0, _RET_ALLOW)


def unsupported_reason() -> str | None:
    """Return why there is no filter for this machine; None if there is one."""
    if sys.platform != "linux":
        return f"seccomp is a feature of Linux, and this is {sys.platform}"
    if sys.byteorder != "little" or struct.calcsize("P") != 8:
        return "the seccomp filter is written for 64-bit little-endian machines"
    if platform.machine() not in _MACHINES:
        return (
            f"there is no seccomp filter for {platform.machine()}, only for {', '.join(_MACHINES)}"
        )
    return None


def build_filter(machine: str, pid: int) -> bytes:
    """Return the filter as an array of the kernel's `struct sock_filter`.

    Args:
        machine: "x86_64" or "aarch64".
        pid: The process that it confines, which may abort itself.
    """
    # Only to abort, as the C library does: with SIGKILL it would look as if somebody else had killed it.
    check_signal = [
        _Instruction(_LOAD_WORD, 0, 0, _argument_offset(0)),
        _Instruction(_JUMP_EQUAL, 1, 0, pid),
        _KILL,
        _Instruction(_LOAD_WORD, 0, 0, _argument_offset(2)),
        _Instruction(_JUMP_EQUAL, 1, 0, signal.SIGABRT),
        _KILL,
        _ALLOW,
    ]
    rules = _on_calls(_MACHINES[machine].own_process, check_signal)
    return _rules_of_all(machine) + _assemble([*rules, _KILL])


def install() -> None:
    """Apply the filter to this process, irrevocably; needs no_new_privs.

    Raises:
        OSError: There is no filter for this machine, or the kernel refuses, as in a container whose
            profile forbids it.
    """
    reason = unsupported_reason()
    if reason is not None:
        raise OSError(reason)
    import ctypes

    instructions = build_filter(platform.machine(), os.getpid())
    program = program_type()(len(instructions) // _INSTRUCTION.size, instructions)
    kernel.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))


@functools.cache
def program_type() -> Any:  # Any: a class of ctypes, which is loaded on first use
    """Return the kernel's `struct sock_fprog`; made once, in the zygote."""
    import ctypes

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    return Program


@functools.cache
def _rules_of_all(machine: str) -> bytes:
    """Return the part of the filter that is the same for all processes; built once, in the zygote."""
    table = _MACHINES[machine]
    rules = [
        _Instruction(_LOAD_WORD, 0, 0, _ARCH_OFFSET),
        _Instruction(_JUMP_EQUAL, 1, 0, table.audit_arch),
        _KILL,
        _Instruction(_LOAD_WORD, 0, 0, _NUMBER_OFFSET),
        _Instruction(_JUMP_AT_LEAST, 0, 1, _X32_BIT),
        _KILL,
    ]
    refuse = _Instruction(_RETURN, 0, 0, _RET_ERRNO | errno.EACCES)
    check_protection = [
        _Instruction(_LOAD_WORD, 0, 0, _argument_offset(2)),
        _Instruction(_JUMP_ANY_BIT, 0, 1, _PROT_EXEC),
        _KILL,
        _ALLOW,
    ]
    whole = {name: n for name, n in table.allowed.items() if name not in _OPERATIONS}
    rules += _on_calls(whole, [_ALLOW])
    rules += _on_calls(table.denied, [refuse])
    rules += _on_calls(table.no_exec, check_protection)
    for name, operations in _OPERATIONS.items():
        rules += _on_calls({name: table.allowed[name]}, _only(operations))
    return _assemble(rules)


def _assemble(instructions: list[_Instruction]) -> bytes:
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in instructions)


def _on_calls(calls: dict[str, int], then: list[_Instruction]) -> list[_Instruction]:
    """Return instructions that run `then`, which must return, for each of these calls."""
    return [
        instruction
        for number in calls.values()
        for instruction in (_Instruction(_JUMP_EQUAL, 0, len(then), number), *then)
    ]


def _only(operations: _Operations) -> list[_Instruction]:
    """Return instructions that allow a call if its argument has one of the values."""
    values = operations.values
    jumps = [
        _Instruction(_JUMP_EQUAL, len(values) - position, 0, value)
        for position, value in enumerate(values)
    ]
    return [
        _Instruction(_LOAD_WORD, 0, 0, _argument_offset(operations.argument)),
        *jumps,
        _KILL,
        _ALLOW,
    ]


def _argument_offset(index: int) -> int:
    """Offset of the low word of an argument: protections and process ids fit into it."""
    return 16 + 8 * index
