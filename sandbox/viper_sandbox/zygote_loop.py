"""The loop of a zygote: a warm, single-threaded process without secrets, from which children are forked.

It is a fresh interpreter with one socket and nothing else of the host, never a fork of it. It loads what
children need, gives up root, enters namespaces of its own, and then serves the messages of the host:

    host → zygote   setup        limits and switches; the first message
    host → zygote   fork         number of a child, with its end of a socket
    host → zygote   spare        the same, for a child whose work comes later
    host → zygote   limit        number of a child, how much memory it may take, and CPU time in seconds
    host → zygote   yield        number of a child that shall give way to others from now on
    host → zygote   kill         number of a child, which is killed with its group
    zygote → host   exited       number and exit status of a child, negative for a signal
    zygote → host   fork_failed  number of a child that could not be forked, and why
    zygote → host   limited      number of a child, and whether it is limited as the host said

What a child does is said by a subclass, which imports what that needs; this module imports little.

A zygote never reads a byte that comes from a child or its work. It is the parent of its children, so it
kills by process id without a race: an id is reused only after the zygote itself has reaped the process. It
ends when the control socket closes, and its children end with it.
"""

from __future__ import annotations

import array
import contextlib
import gc
import os
import resource
import select
import signal
import socket
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from viper_sandbox.confine import Confinement, ConfinementPlan, prepare
from viper_sandbox.frame_socket import CONTROL_BYTES, EXIT_HOST_GONE, FrameSocket, wire_mapping
from viper_sandbox.limits import Limits
from viper_sandbox.wire import FrameBuffer, unpack

__all__ = ["ZygoteLoop", "serve_host"]

_READ_BYTES = 65_536
# Upper bound per read; in fact it is one, because the kernel does not join messages with descriptors.
_MAX_DESCRIPTORS = 64
_EXIT_BUG = 70
# A tenth of the processor time of a process that competes with it for a core.
_YIELDING_NICENESS = 10
# A write to a closed socket, or beyond a limit, is an exception instead.
_IGNORED_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}


def serve_host(control_fd: int, kind: type[ZygoteLoop]) -> NoReturn:
    """Serve the host over the control socket until it closes.

    Args:
        control_fd: The control socket.
        kind: What children do.
    """
    _forget_surroundings()
    host = FrameSocket(control_fd, CONTROL_BYTES)
    _, limits_wire, wanted_wire = host.receive()
    limits = Limits(**wire_mapping(limits_wire))
    wanted = Confinement(**wire_mapping(wanted_wire))
    kind.preload(wanted)
    gc.disable()  # it makes no cycles itself; a collection would only unshare pages
    plan = prepare(wanted, limits, control_fd)
    kind(control_fd, host, plan).serve()


def _forget_surroundings() -> None:
    """Undo what a process inherits from the one that starts it and would change what we and children do.

    A blocked or ignored SIGCHLD would hide the end of a child, and an ignored SIGPROF that of its CPU time.
    The variables have served the loader of the interpreter.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - _IGNORED_BY_PYTHON:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    for name in os.environ.keys() - {"PYTHONHASHSEED"}:
        del os.environ[name]
    os.umask(0o077)


class ZygoteLoop(ABC):
    """Serves messages of the host and reaps children."""

    @staticmethod
    @abstractmethod
    def preload(wanted: Confinement) -> None:
        """Load what children cannot load after they are confined."""

    @abstractmethod
    def run_child(self, fd: int) -> NoReturn:
        """Confine this process, a fresh fork, and do the work that comes over the socket."""
        raise NotImplementedError

    def run_spare(self, fd: int) -> NoReturn:
        """Do the same when the work comes later; there is time to prepare."""
        self.run_child(fd)

    def __init__(self, control_fd: int, host: FrameSocket, plan: ConfinementPlan) -> None:
        self._control = socket.socket(fileno=control_fd)
        self._host = host
        self.plan = plan
        self._buffer = FrameBuffer(CONTROL_BYTES)
        self._descriptors: deque[int] = deque()
        self._pids: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        reader, self._wake_fd = os.pipe()
        os.set_blocking(self._wake_fd, False)
        os.set_blocking(reader, False)
        self._reader = reader
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a handler, so that the pipe is written
        signal.set_wakeup_fd(self._wake_fd, warn_on_full_buffer=False)

    def serve(self) -> NoReturn:
        """Serve messages until the control socket closes."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._reader, select.POLLIN)
        try:
            while True:
                ready = {fd for fd, _ in poll.poll()}
                if self._reader in ready:
                    os.read(self._reader, _READ_BYTES)
                    self._reap()
                if self._control.fileno() in ready:
                    for message in self._messages():
                        self.handle(message)
        finally:
            self._end(_EXIT_BUG)

    def _messages(self) -> Iterator[list[Any]]:  # Any: messages of the host, which is trusted here
        flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        room = socket.CMSG_SPACE(_MAX_DESCRIPTORS * array.array("i").itemsize)
        data, ancillary, _, _ = self._control.recvmsg(_READ_BYTES, room, flags)
        for _, _, body in ancillary:
            descriptors = array.array("i")
            descriptors.frombytes(body[: len(body) - len(body) % descriptors.itemsize])
            self._descriptors.extend(descriptors)
        if not data:
            self._end(EXIT_HOST_GONE)
        self._buffer.feed(data)
        while (payload := self._buffer.take()) is not None:
            message = unpack(payload)
            assert isinstance(message, list), "the host sends lists"
            yield message

    def handle(self, message: list[Any]) -> None:  # Any: of the host
        """Carry out a message; a subclass may know more of them."""
        match message:
            case ["fork", int(number)]:
                self.fork(number, self.run_child)
            case ["spare", int(number)]:
                self.fork(number, self.run_spare)
            case ["kill", int(number)]:
                self._kill(number)
            case ["yield", int(number)]:
                self._lower_priority(number)
            case ["limit", int(number), int(memory_bytes), int(cpu_s)]:
                self._limit(number, memory_bytes, cpu_s)
            case _:
                raise AssertionError("the host sends no other messages")

    def fork(self, number: int, run: Callable[[int], NoReturn]) -> None:
        """Fork a child that runs a function with its end of the socket."""
        fd = self._descriptors.popleft()
        try:
            pid = os.fork()
        except OSError as error:
            self._host.send(["fork_failed", number, str(error)])
        else:
            if pid == 0:
                _run_child(run, fd)
            self._pids[number] = pid
            self._numbers[pid] = number
        finally:
            os.close(fd)

    def _end(self, status: int) -> NoReturn:
        for number in list(self._pids):
            self._kill(number)
        os._exit(status)

    def _kill(self, number: int) -> None:
        pid = self._pids.get(number)  # None if it was reaped: its id may have been reused
        if pid is not None:
            _kill_group(pid)

    def _lower_priority(self, number: int) -> None:
        """Have the kernel prefer other processes to a child, where there are more than it has cores."""
        pid = self._pids.get(number)
        if pid is not None:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, pid, _YIELDING_NICENESS)

    def _limit(self, number: int, memory_bytes: int, cpu_s: int) -> None:
        """Change limits of a child, which cannot do that itself, within the bounds of all children."""
        pid, done = self._pids.get(number), False
        if pid is not None and hasattr(resource, "prlimit"):
            with contextlib.suppress(OSError, ValueError):
                for limit, wanted in (
                    (resource.RLIMIT_AS, self.plan.address_space_bytes + memory_bytes),
                    (resource.RLIMIT_CPU, cpu_s),
                ):
                    _, hard = resource.prlimit(pid, limit)
                    soft = wanted if hard < 0 else min(wanted, hard)
                    resource.prlimit(pid, limit, (soft, hard))
                done = True
        self._host.send(["limited", number, done])

    def _reap(self) -> None:
        for pid, status in _reaped():
            number = self._numbers.pop(pid, None)
            if number is not None:  # else it is an orphan of a child
                del self._pids[number]
                self._host.send(["exited", number, os.waitstatus_to_exitcode(status)])


def _run_child(run: Callable[[int], NoReturn], fd: int) -> NoReturn:
    """Run the child and exit: whatever happens, it must not continue with the loop of the zygote."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        run(fd)
    finally:
        os._exit(_EXIT_BUG)


def _reaped() -> Iterator[tuple[int, int]]:
    """Reap the processes that have ended; yield (process id, status) of each."""
    while True:
        try:
            candidate = -1
            if hasattr(os, "waitid"):  # not on macOS
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if ended is None:
                    return
                candidate = ended.si_pid
                _kill_group(candidate)  # also what it left behind, before its id can be reused
            pid, status = os.waitpid(candidate, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):  # it may not have made its own group yet
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: a zombie
            kill(pid, signal.SIGKILL)
