"""The probe: attempts the forbidden acts in confined processes, and reports how the kernel reacted.

It runs in a fork of the zygote. For each attempt it forks a process, which confines itself exactly as the
child of a program does, attempts the act and reports over a pipe. The targets lie outside that process: files
and a service of the host, listening sockets, shared memory, the probe itself and a confined sibling.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

from viper_sandbox.confine import ConfinementPlan, confine
from viper_sandbox.forbidden_acts import ACTS_ON_FILES, Attempt, Targets, forbidden_acts
from viper_sandbox.frame_socket import FrameSocket
from viper_sandbox.identity import NO_MORE_PROCESSES
from viper_sandbox.kernel import signal_name
from viper_sandbox.probe_targets import DOOR, Address
from viper_sandbox.resource_limits import cpu_bound_s, memory_bound_bytes
from viper_sandbox.wire import WireValue, pack, unpack

__all__ = ["main"]

_REPORT_BYTES = 65_536
_IPC_CREAT = 0o1000
_IPC_RMID = 0
_SHARED_BYTES = 4096
# At the same time: all processors have work, and a small limit of processes is not reached.
_FORKS = 6
_THROUGH = "got through"
_NO_FORK = (errno.EAGAIN, errno.ENOMEM)
_FAILED = "the process that measures the level could not do its work: {}"
_CPU_ACT = "use CPU time without bound"
# The kernel counts CPU time in whole seconds.
_CPU_SLACK_S = 2


class _Reaction(NamedTuple):
    """How the kernel reacted to an attempt."""

    refused: bool
    how: str


def main(fd: int, plan: ConfinementPlan, folder: str | None) -> NoReturn:
    """Attempt every act and send one report over the socket `fd`.

    Args:
        fd: The socket.
        plan: How the processes that attempt are confined.
        folder: Files and a service of the host, see `probe_targets`; None if there are none.
    """
    report: list[Any]  # Any: wire values
    try:
        report = ["probed", *_measure(plan, folder)]
    except OSError as error:
        message = NO_MORE_PROCESSES if error.errno in _NO_FORK else _FAILED
        report = ["trouble", message.format(error.strerror or error)]
    # After the targets are removed: the host kills this process when it has the report.
    FrameSocket(fd, _REPORT_BYTES).send(report)
    os._exit(0)


def _measure(plan: ConfinementPlan, folder: str | None) -> tuple[list[WireValue], WireValue]:
    with contextlib.ExitStack() as stack:
        addresses = stack.enter_context(_listeners())
        if folder is not None:
            addresses.append((socket.AF_UNIX, f"{folder}/{DOOR}"))
        victims = (os.getpid(), stack.enter_context(_sibling(plan)))
        segment = stack.enter_context(_shared_memory())
        # The part that an idle child needs is not free, so it cannot have all of this.
        memory_bytes = memory_bound_bytes(plan.limits, plan.address_space_bytes)
        targets = Targets(tuple(addresses), victims, segment, folder)
        acts = forbidden_acts(targets, memory_bytes)
        reactions = _react(acts, plan, folder)
        reactions[_CPU_ACT] = [_bound_of_cpu_time(plan)]
    return [(name, *_weakest(found)) for name, found in reactions.items()], _mechanisms(plan)


def _react(
    acts: dict[str, list[Attempt]], plan: ConfinementPlan, folder: str | None
) -> dict[str, list[_Reaction]]:
    """Make all attempts, several at the same time; fewer if the machine starts no more processes."""
    reactions: dict[str, list[_Reaction]] = {name: [] for name in acts}
    running: deque[tuple[str, int, int]] = deque()

    def finish(at_most: int) -> None:
        while len(running) > at_most:
            name, pid, reader = running.popleft()
            reactions[name].append(_end(pid, reader, _lacks_target(name, folder)))

    for name, attempt in ((name, attempt) for name, several in acts.items() for attempt in several):
        finish(_FORKS - 1)
        try:
            fork = _begin(attempt, plan)
        except OSError:
            if not running:
                raise
            finish(0)
            fork = _begin(attempt, plan)
        running.append((name, *fork))
    finish(0)
    return reactions


def _lacks_target(name: str, folder: str | None) -> bool:
    """Return whether an act would fail on any machine, because there is nothing to act on."""
    return folder is None and name in ACTS_ON_FILES


def _weakest(reactions: list[_Reaction]) -> _Reaction:
    """Return the reaction that counts for the act: one that let an attempt through, if there is any."""
    return next((reaction for reaction in reactions if not reaction.refused), reactions[0])


@contextlib.contextmanager
def _listeners() -> Iterator[list[tuple[int, Address]]]:
    """Listen on TCP and on an abstract name, as far as this machine allows."""
    with contextlib.ExitStack() as stack:
        reached: list[tuple[int, Address]] = []

        def listen(family: int, address: Address) -> None:
            with contextlib.suppress(OSError):
                listener = stack.enter_context(socket.socket(family))
                listener.bind(address)
                listener.listen()
                reached.append((family, listener.getsockname()))

        listen(socket.AF_INET, ("127.0.0.1", 0))
        if sys.platform == "linux":
            listen(socket.AF_UNIX, f"\0viper-probe-{os.getpid()}-{os.urandom(8).hex()}")
        yield reached


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
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(0, _SHARED_BYTES, _IPC_CREAT | 0o666)
    try:
        yield segment if segment != -1 else None
    finally:
        libc.shmctl(segment, _IPC_RMID, None)


def _begin(attempt: Attempt, plan: ConfinementPlan) -> tuple[int, int]:
    """Let a fork confine itself and attempt an act; return its process id and its pipe.

    The fork sends the errno of a refusal, and the pipe closes if another program replaces it. If nothing
    arrives, the fork was killed, or the act succeeded, or the fork could not confine itself.
    """

    def report(writer: int, parent: int) -> None:
        confine(plan, writer, parent)
        try:
            attempt()
        except OSError as error:
            name = errno.errorcode.get(error.errno or errno.EPERM, "refused")
            os.write(writer, name.encode())

    return _forked(report)


def _end(pid: int, reader: int, without_target: bool) -> _Reaction:
    written, status = _result(pid, reader)
    if written and without_target:
        return _Reaction(False, "there is no folder in which it could be attempted")
    if written:
        return _Reaction(True, written.decode())
    if os.WIFSIGNALED(status):
        ended_by = os.WTERMSIG(status)
        return _Reaction(ended_by == signal.SIGSYS, f"killed by {signal_name(ended_by)}")
    return _Reaction(False, _THROUGH)


def _bound_of_cpu_time(plan: ConfinementPlan) -> _Reaction:
    """Read the kernel's limit of CPU time of a confined process, which it can neither raise nor ignore."""

    def wait(writer: int, parent: int) -> None:
        confine(plan, writer, parent)
        os.write(writer, b"confined")
        while True:
            pass

    if not hasattr(resource, "prlimit"):
        return _Reaction(False, "this system cannot tell")
    pid, reader = _forked(wait)
    try:
        os.read(reader, _REPORT_BYTES)
        _, hard_s = resource.prlimit(pid, resource.RLIMIT_CPU)
    except OSError as error:
        return _Reaction(False, f"the limit cannot be read: {error.strerror}")
    finally:
        os.kill(pid, signal.SIGKILL)
        _result(pid, reader)
    if hard_s == resource.RLIM_INFINITY or hard_s > cpu_bound_s(plan.limits) + _CPU_SLACK_S:
        return _Reaction(False, _THROUGH)
    return _Reaction(True, f"limit of {hard_s} s")


def _mechanisms(plan: ConfinementPlan) -> WireValue:
    """Return the report of `confine`, from a fork that sends it over a pipe."""
    pid, reader = _forked(
        lambda fd, parent: os.write(fd, pack(confine(plan, fd, parent), _REPORT_BYTES))
    )
    written, _ = _result(pid, reader)
    return unpack(written)


def _forked(act: Callable[[int, int], object]) -> tuple[int, int]:
    """Run an act in a fork; return the id of the fork and the pipe that it writes to.

    Args:
        act: Called with the end of the pipe and the id of this process.
    """
    parent = os.getpid()
    reader, writer = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        raise
    if pid == 0:
        try:
            act(writer, parent)
        finally:
            os._exit(0)
    os.close(writer)
    return pid, reader


def _result(pid: int, reader: int) -> tuple[bytes, int]:
    """Wait until a fork has ended; return what it wrote to its pipe, and its wait status."""
    written = os.read(reader, _REPORT_BYTES)
    os.close(reader)
    return written, os.waitpid(pid, 0)[1]
