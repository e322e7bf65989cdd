"""The probe: attempts the forbidden acts in confined processes, and reports how the kernel reacted.

It runs in a fork of the zygote. For each act it forks a process, which confines itself exactly as the child
of a program does, attempts the act and reports over a pipe. The targets lie outside that process: listening
sockets, shared memory, the probe itself and a confined sibling.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn, TypeVar

from viper_sandbox.confine import ConfinementPlan, confine
from viper_sandbox.frame_socket import FrameSocket
from viper_sandbox.wire import WireValue, pack, unpack

__all__ = ["main"]

_T = TypeVar("_T")

_REPORT_BYTES = 65_536
_PTRACE_SEIZE = 0x4206
_IPC_CREAT = 0o1000
_IPC_RMID = 0
_SHARED_BYTES = 4096
# Two, because the rights of its folder alone may protect the first, which would prove nothing.
_PROGRAMS = (sys.executable, "/bin/sh")


class _Targets(NamedTuple):
    """The targets of the acts."""

    addresses: tuple[tuple[int, str | tuple[str, int]], ...]
    """(family, address) of listening sockets."""
    victims: tuple[int, ...]
    """Processes: this one, and a confined one."""
    segment: int | None
    """System V shared memory; None if this machine has none."""


def main(fd: int, plan: ConfinementPlan) -> NoReturn:
    """Attempt every act and send one report over the socket `fd`."""
    with contextlib.ExitStack() as stack:
        targets = _Targets(
            tuple(stack.enter_context(_listeners())),
            (os.getpid(), stack.enter_context(_sibling(plan))),
            stack.enter_context(_shared_memory()),
        )
        acts = [(name, *_in_fork(act, plan)) for name, act in _acts(targets).items()]
    # After the targets are removed: the host kills this process when it has the report.
    FrameSocket(fd, _REPORT_BYTES).send(["probed", acts, _mechanisms(plan)])
    os._exit(0)


def _acts(targets: _Targets) -> dict[str, Callable[[], None]]:
    def run(program: str) -> None:
        os.execv(program, [program, "-c", ""])  # noqa: S606  # the attempt

    def connect(*families: int) -> Callable[[], None]:
        reached = [target for target in targets.addresses if target[0] in families]
        return lambda: _any_of(lambda target: _connect(*target), reached)

    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    return {
        "open a file": lambda: os.close(os.open("/", os.O_RDONLY)),
        "connect to the network": connect(socket.AF_INET),
        "connect to a local service": connect(socket.AF_UNIX),
        "run another program": lambda: _any_of(run, _PROGRAMS),
        "signal another process": lambda: _any_of(lambda pid: os.kill(pid, 0), targets.victims),
        "trace another process": lambda: _any_of(_trace, targets.victims),
        "share memory": lambda: _attach(targets.segment),
        "start a process": fork,
    }


def _any_of(act: Callable[[_T], None], targets: Sequence[_T]) -> None:
    """Succeed if the act succeeds on one target; otherwise raise the last error of the kernel."""
    refusal: OSError = OSError(errno.ENOENT, "there is no target")
    for target in targets:
        try:
            return act(target)
        except OSError as error:
            refusal = error
    raise refusal


def _connect(family: int, address: str | tuple[str, int]) -> None:
    with socket.socket(family) as client:
        client.connect(address)


def _libc() -> Any:  # Any: ctypes.CDLL, whose functions have no types
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def _trace(pid: int) -> None:
    import ctypes

    if _libc().ptrace(_PTRACE_SEIZE, pid, None, None) == -1:
        raise OSError(ctypes.get_errno(), "refused")


def _attach(segment: int | None) -> None:
    import ctypes

    libc = _libc()
    libc.shmat.restype = ctypes.c_void_p
    if segment is None or libc.shmat(segment, None, 0) == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno() or errno.ENOSYS, "refused")


@contextlib.contextmanager
def _listeners() -> Iterator[list[tuple[int, str | tuple[str, int]]]]:
    """Listen on TCP, on a path and on an abstract name, as far as this machine allows."""
    with contextlib.ExitStack() as stack:
        reached: list[tuple[int, str | tuple[str, int]]] = []

        def listen(family: int, address: str | tuple[str, int]) -> None:
            with contextlib.suppress(OSError):
                listener = stack.enter_context(socket.socket(family))
                listener.bind(address)
                listener.listen()
                reached.append((family, listener.getsockname()))

        listen(socket.AF_INET, ("127.0.0.1", 0))
        if sys.platform == "linux":
            listen(socket.AF_UNIX, f"\0viper-probe-{os.getpid()}-{os.urandom(8).hex()}")
        path = f"/tmp/viper-probe-{os.getpid()}-{os.urandom(8).hex()}"  # noqa: S108  # nobody can guess it
        listen(socket.AF_UNIX, path)
        try:
            yield reached
        finally:
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108  # the zygote does not need pathlib otherwise


@contextlib.contextmanager
def _sibling(plan: ConfinementPlan) -> Iterator[int]:
    """Run another confined process meanwhile, like the child of another program."""
    ours, its = socket.socketpair()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            confine(plan, its.fileno(), parent)
            os.write(its.fileno(), b"confined")
            os.read(its.fileno(), 1)
        finally:
            os._exit(0)
    its.close()
    try:
        ours.recv(100)
        yield pid
    finally:
        ours.close()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@contextlib.contextmanager
def _shared_memory() -> Iterator[int | None]:
    """Provide System V shared memory that all users may write; None if this machine has none."""
    if sys.platform != "linux":
        yield None
        return
    libc = _libc()
    segment = libc.shmget(0, _SHARED_BYTES, _IPC_CREAT | 0o666)
    try:
        yield segment if segment != -1 else None
    finally:
        libc.shmctl(segment, _IPC_RMID, None)


def _in_fork(attempt: Callable[[], None], plan: ConfinementPlan) -> tuple[bool, str]:
    """Let a fork confine itself and attempt an act; return (refused, the reaction of the kernel).

    The fork sends the errno of a refusal over a pipe, which closes if another program replaces it. If nothing
    arrives, the fork was killed or the act succeeded.
    """

    def report(writer: int, parent: int) -> None:
        try:
            confine(plan, writer, parent)
            attempt()
        except OSError as error:
            name = errno.errorcode.get(error.errno or errno.EPERM, "refused")
            os.write(writer, name.encode())

    written, status = _forked(report)
    refusal = written.decode()
    if refusal:
        return True, refusal
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return os.WTERMSIG(status) == signal.SIGSYS, f"killed by {name}"
    return False, "got through"


def _mechanisms(plan: ConfinementPlan) -> WireValue:
    """Return the report of `confine`, from a fork that sends it over a pipe."""
    written, _ = _forked(
        lambda fd, parent: os.write(fd, pack(confine(plan, fd, parent), _REPORT_BYTES))
    )
    return unpack(written)


def _forked(act: Callable[[int, int], object]) -> tuple[bytes, int]:
    """Run an act in a fork; return what it wrote to its pipe, and its wait status.

    Args:
        act: Called with the end of the pipe and the id of this process.
    """
    parent = os.getpid()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            act(writer, parent)
        finally:
            os._exit(0)
    os.close(writer)
    written = os.read(reader, _REPORT_BYTES)
    os.close(reader)
    return written, os.waitpid(pid, 0)[1]
