"""The zygote, from which every child is forked: a warm, single-threaded process without secrets.

It is a fresh interpreter with one socket and nothing else of the host, never a fork of it. It loads what
children need, gives up root, enters namespaces of its own, and then serves the messages of the host:

    host → zygote   setup        limits and switches; the first message
    host → zygote   accept       mechanisms that this machine lacks, as measured
    host → zygote   api          an API and its number; replaces an earlier API with this number
    host → zygote   fork         number of a child, with its end of a socket
    host → zygote   spare        the same, for a child whose program comes later
    host → zygote   probe        the same, for the process that measures the level; with a folder of targets
    host → zygote   kill         number of a child, which is killed with its group
    zygote → host   exited       number and exit status of a child, negative for a signal
    zygote → host   fork_failed  number of a child that could not be forked, and why

The zygote never reads a byte that comes from a program. It is the parent of its children, so it kills by
process id without a race: an id is reused only after the zygote itself has reaped the process. It ends when
the control socket closes, and its children end with it.
"""

from __future__ import annotations

import array
import contextlib
import gc
import os
import select
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from viper_sandbox import child, probe
from viper_sandbox.api import Api
from viper_sandbox.confine import Confinement, ConfinementPlan, prepare
from viper_sandbox.frame_socket import CONTROL_BYTES, EXIT_HOST_GONE, FrameSocket, wire_mapping
from viper_sandbox.limits import Limits
from viper_sandbox.wire import FrameBuffer, unpack

__all__ = ["Zygote", "main"]

_READ_BYTES = 65_536
# Upper bound per read; in fact it is one, because the kernel does not join messages with descriptors.
_MAX_DESCRIPTORS = 64
_EXIT_BUG = 70
# A write to a closed socket, or beyond a limit, is an exception instead.
_IGNORED_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}


def main(control_fd: int, kind: type[Zygote] | None = None) -> NoReturn:
    """Serve the host over the control socket until it closes.

    Args:
        control_fd: The control socket.
        kind: What its children do; they run programs if None.
    """
    _forget_surroundings()
    host = FrameSocket(control_fd, CONTROL_BYTES)
    _, limits_wire, wanted_wire = host.receive()
    limits = Limits(**wire_mapping(limits_wire))
    wanted = Confinement(**wire_mapping(wanted_wire))
    kind = kind or Zygote
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


class Zygote:
    """The loop: serves messages of the host and reaps children.

    A subclass overrides `preload` and `_serve` for children that do something else than running programs.
    """

    @staticmethod
    def preload(wanted: Confinement) -> None:
        """Load what children cannot load after they are confined."""
        child.preload(language=wanted.language)

    def __init__(self, control_fd: int, host: FrameSocket, plan: ConfinementPlan) -> None:
        self._control = socket.socket(fileno=control_fd)
        self._host = host
        self._plan = plan
        self._buffer = FrameBuffer(CONTROL_BYTES)
        self._descriptors: deque[int] = deque()
        self._apis: dict[int, Api] = {}
        self._accepted: set[str] | None = None
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
                        self._handle(message)
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

    def _handle(self, message: list[Any]) -> None:  # Any: of the host
        match message:
            case ["fork", int(number)]:
                self._fork(number, self._serve)
            case ["spare", int(number)]:
                self._fork(number, self._serve_warm)
            case ["kill", int(number)]:
                self._kill(number)
            case ["api", int(number), wire]:
                api = Api.from_wire(wire_mapping(wire))
                child.warm_up(api)
                self._apis[number] = api
                gc.freeze()  # these objects are never freed: collectors of children skip them
            case ["probe", int(number), None | str() as folder]:
                self._fork(number, lambda fd: probe.main(fd, self._plan, folder))
            case ["accept", list(names)]:
                self._accepted = {str(name) for name in names}
            case _:
                raise AssertionError("the host sends no other messages")

    def _serve(self, fd: int) -> NoReturn:
        child.serve(fd, self._plan, self._apis, self._accepted)

    def _serve_warm(self, fd: int) -> NoReturn:
        """Use the time until the program arrives to copy shared memory.

        A fork shares all pages until it writes, and Python writes wherever it reads, because it counts
        references: checking the first program takes 0.9 ms more than the second.
        """
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        if not poll.poll(0):
            child.warm_up(next(reversed(self._apis.values())), 1)
        self._serve(fd)

    def _fork(self, number: int, run: Callable[[int], NoReturn]) -> None:
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
