"""The acts that a confined process must not be able to do, as attempts of a fork of the probe.

An act has several attempts, because the kernel has several ways to do the same; it is refused only if every
attempt is. An attempt raises `OSError` if the kernel refuses it; a filter kills the process instead.
"""

# ruff: noqa: PTH101, PTH102, PTH104, PTH108, PTH115, PTH116
# Bare system calls, which pathlib would surround with others.

from __future__ import annotations

import errno
import functools
import os
import resource
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from viper_sandbox import kernel
from viper_sandbox.probe_targets import LINK, Address

__all__ = ["ACTS_ON_FILES", "Attempt", "Targets", "forbidden_acts"]

_T = TypeVar("_T")
Attempt = Callable[[], object]

# Acts whose refusal proves something only if the files to act on exist.
ACTS_ON_FILES = frozenset({"look at a file", "change a file", "create, rename or remove a file"})

_PTRACE_SEIZE = 0x4206
_KEYCTL_UNLINK = 9
_KEYCTL_READ = 11
_SESSION_KEYRING = -3
_SYSLOG_READ_ALL = 3
_PROCESSORS = frozenset(range(os.cpu_count() or 1))
_RAISED_LIMITS = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_NOFILE")
# struct perf_event_attr: a software event, without the kernel's own time, so that any user may count it.
_COUNT_OF_ITSELF = struct.pack("=IIQQQQQ80x", 1, 128, 0, 0, 0, 0, 0b110_0000)
_READ_WRITE = 3
_PRIVATE_ANONYMOUS_FILLED = 0x8022
# Two, because the rights of its folder alone may protect the first, which would prove nothing.
_PROGRAMS = (sys.executable, "/bin/sh")


class Targets(NamedTuple):
    """The targets of the acts."""

    addresses: tuple[tuple[int, Address], ...]
    """(family, address) of listening sockets."""
    victims: tuple[int, ...]
    """Processes: the probe, and a confined one."""
    segment: int | None
    """System V shared memory; None if this machine has none."""
    folder: str | None
    """Folder with files of the user, see `probe_targets`; None if the host could not make it."""


def forbidden_acts(targets: Targets, memory_bytes: int) -> dict[str, list[Attempt]]:
    """Return the attempts of every act, by the name of the act.

    Args:
        targets: What the acts are attempted on.
        memory_bytes: More memory than a child may have.
    """
    host_name, priority = socket.gethostname(), os.getpriority(os.PRIO_PROCESS, 0)

    def connect(*families: int) -> Attempt:
        reached = [target for target in targets.addresses if target[0] in families]
        return lambda: _any_of(lambda target: _connect(*target), reached)

    def on_victims(act: Callable[[int], object]) -> Attempt:
        return lambda: _any_of(act, targets.victims)

    def at(name: str) -> str:
        return f"{targets.folder or ''}/{name}"

    return {
        "open a file": [
            _either(
                lambda: os.close(os.open("/", os.O_RDONLY)),
                lambda: os.close(os.open(at("open"), os.O_RDONLY)),
                lambda: os.close(os.open(at("opened"), os.O_WRONLY | os.O_CREAT)),
            )
        ],
        "look at a file": [
            _either(
                lambda: os.stat(at("look")),
                lambda: os.readlink(at(LINK)),
                lambda: _check(os.access(at("look"), os.F_OK)),
            ),
            *_if_python_has("listxattr", lambda: os.listxattr(at("look"))),
        ],
        "change a file": [
            lambda: os.chmod(at("chmod"), 0o600),
            lambda: os.chown(at("chown"), os.getuid(), os.getgid()),
            lambda: os.utime(at("utime")),
            lambda: os.truncate(at("truncate"), 0),
            *_if_python_has("setxattr", lambda: os.setxattr(at("setxattr"), "user.viper", b"1")),
        ],
        "create, rename or remove a file": [
            lambda: os.mkdir(at("made")),
            lambda: os.link(at("link"), at("linked")),
            lambda: os.rename(at("rename"), at("renamed")),
            lambda: os.unlink(at("unlink")),
        ],
        "connect to the network": [connect(socket.AF_INET)],
        "connect to a local service": [connect(socket.AF_UNIX)],
        "run another program": [lambda: _any_of(_run, _PROGRAMS)],
        "signal another process": [on_victims(lambda pid: os.kill(pid, 0))],
        "trace another process": [on_victims(_seize), on_victims(_read_memory)],
        "change another process": [
            on_victims(lambda pid: os.setpriority(os.PRIO_PROCESS, pid, priority)),
            *_if_python_has("sched_setaffinity", on_victims(_pin)),
            on_victims(_limit_of),
        ],
        "share memory": [lambda: _attach(targets.segment)],
        "start a process": [_fork],
        "make a namespace": [lambda: kernel.unshare(kernel.CLONE_NEWUSER)],
        "use keyrings": [
            lambda: _numbered("keyctl", _KEYCTL_READ, _SESSION_KEYRING, None, 0),
            _add_key,
        ],
        "use complex parts of the kernel": [
            _make_ring,
            lambda: _numbered("bpf", 0, struct.pack("=5I", 2, 4, 4, 1, 0), 20),
            lambda: _numbered("perf_event_open", _COUNT_OF_ITSELF, 0, -1, -1, 0),
            lambda: _numbered("userfaultfd", 1),
            lambda: _numbered("memfd_create", b"viper", 0),
        ],
        "administer the machine": [lambda: socket.sethostname(host_name), _read_kernel_log],
        "raise its limits": [
            _either(*(functools.partial(_unlimit, name) for name in _RAISED_LIMITS))
        ],
        "use memory without bound": [lambda: _take(memory_bytes)],
    }


def _any_of(act: Callable[[_T], object], targets: Sequence[_T]) -> object:
    """Succeed if the act succeeds on one target; otherwise raise the last error of the kernel."""
    refusal: OSError = OSError(errno.ENOENT, "there is no target")
    for target in targets:
        try:
            return act(target)
        except OSError as error:
            refusal = error
    raise refusal


def _either(*attempts: Attempt) -> Attempt:
    """Put attempts that the filter refuses in the same way into one process."""
    return lambda: _any_of(lambda attempt: attempt(), attempts)


def _if_python_has(name: str, attempt: Attempt) -> list[Attempt]:
    return [attempt] if hasattr(os, name) else []


def _check(done: bool) -> None:
    if not done:
        raise OSError(errno.EACCES, "refused")


def _run(program: str) -> None:
    os.execv(program, [program, "-c", ""])  # noqa: S606  # the attempt


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _connect(family: int, address: Address) -> None:
    with socket.socket(family) as client:
        client.connect(address)


def _libc(name: str, *arguments: Any) -> int:  # Any: what ctypes takes
    import ctypes

    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        raise OSError(errno.ENOSYS, "this system has no such call")
    ctypes.set_errno(0)
    result: int = function(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def _numbered(name: str, *arguments: Any) -> int:  # Any: integers, bytes and what ctypes takes
    return kernel.syscall(kernel.syscall_numbers()[name], *arguments)


def _add_key() -> None:
    key = _numbered("add_key", b"user", b"viper", b"1", 1, _SESSION_KEYRING)
    _numbered("keyctl", _KEYCTL_UNLINK, key, _SESSION_KEYRING)  # leave nothing behind


def _seize(pid: int) -> None:
    _libc("ptrace", _PTRACE_SEIZE, pid, None, None)


def _read_memory(pid: int) -> None:
    import ctypes

    # The victim is a fork, so what lies at an address of ours lies at the same address of it.
    theirs, read = ctypes.create_string_buffer(8), ctypes.create_string_buffer(8)
    its, ours = ((ctypes.c_size_t * 2)(ctypes.addressof(b), 8) for b in (theirs, read))
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
    _libc("process_vm_readv", pid, ctypes.byref(ours), one, ctypes.byref(its), one, none)


def _pin(pid: int) -> None:
    os.sched_setaffinity(pid, _PROCESSORS)


def _limit_of(pid: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def _attach(segment: int | None) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    if segment is None or libc.shmat(segment, None, 0) == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno() or errno.ENOSYS, "refused")


def _make_ring() -> None:
    """Make an io_uring that needs no descriptor, so that no limit of descriptors refuses it."""
    import ctypes

    mmap = ctypes.CDLL(None, use_errno=True).mmap
    mmap.restype = ctypes.c_void_p
    size, start = ctypes.c_size_t(65_536), ctypes.c_long(0)
    entries, ring = (
        mmap(None, size, _READ_WRITE, _PRIVATE_ANONYMOUS_FILLED, -1, start) for _ in range(2)
    )
    no_mmap, registered_only, no_array = 1 << 14, 1 << 15, 1 << 16
    flags = no_mmap | registered_only | no_array
    # struct io_uring_params: entries, flags, and an address at the end of each of its two other parts.
    parameters = struct.pack("=IIIIII16x32xQ32xQ", 1, 0, flags, 0, 0, 0, entries or 0, ring or 0)
    _numbered("io_uring_setup", 1, ctypes.create_string_buffer(parameters, len(parameters)))


def _read_kernel_log() -> None:
    import ctypes

    _libc("klogctl", _SYSLOG_READ_ALL, ctypes.create_string_buffer(64), 64)


def _unlimit(name: str) -> None:
    try:
        endless = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(getattr(resource, name), endless)
    except ValueError:  # Python's word for EPERM
        raise OSError(errno.EPERM, "refused") from None


def _take(memory_bytes: int) -> None:
    try:
        bytearray(memory_bytes)
    except (MemoryError, OverflowError):
        raise OSError(errno.ENOMEM, "refused") from None
