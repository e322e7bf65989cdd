"""The host's side of a zygote: starts it, has children forked and killed, and receives their exit statuses.

All messages go over one control socket, in order, so that an order to kill never overtakes the order to fork.
The zygote is started from the thread of the event loop. It dies when that THREAD ends, so the thread must
live as long as the jail.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import errno
import itertools
import os
import socket
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal, NamedTuple

from viper_sandbox.api import Api
from viper_sandbox.async_frame_socket import AsyncFrameSocket, ChildGoneError
from viper_sandbox.confine import Confinement
from viper_sandbox.frame_socket import CONTROL_BYTES
from viper_sandbox.identity import NO_MORE_PROCESSES
from viper_sandbox.limits import Limits
from viper_sandbox.process import ChildProcess
from viper_sandbox.wire import FrameBuffer, WireError, WireValue, frame, pack, unpack
from viper_sandbox.zygote_process import EXIT_TIMEOUT_S, ZygoteProcess, hang_up

__all__ = ["ApiTable", "ForkError", "ZygoteClient", "ZygoteGoneError"]

_READ_BYTES = 65_536
_FIRST_WAIT_S = 0.001
_LONGEST_WAIT_S = 0.05


class ZygoteGoneError(ChildGoneError):
    """The zygote died, and all of its children with it."""


class ForkError(Exception):
    """The zygote could not fork; the message says why."""


class ApiTable(NamedTuple):
    """An API as the host keeps it: read once for all programs."""

    wire: WireValue
    """The plain data; a copy that no caller can change."""
    api: Api
    number: int
    """Number of the API in messages; a later API may have the same."""

    @classmethod
    def read(cls, wire: Mapping[str, Any], number: int) -> ApiTable:
        """Read and check an API.

        Raises:
            ValueError: A part is missing or cannot be sent.
        """
        copy = unpack(pack(dict(wire), CONTROL_BYTES))
        return cls(copy, Api.from_wire(wire), number)


class ZygoteClient:
    """A zygote and its children.

    Args:
        confinement: Mechanisms to use.
        limits: Limits of each program; the host enforces some of them.
        python: The interpreter; the running one if None.
        spare: Keep one confined child waiting for the next program.

    Raises:
        OSError: No process can be started.
    """

    def __init__(
        self,
        confinement: Confinement,
        limits: Limits,
        python: str | None,
        *,
        spare: bool,
    ) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._control, theirs = socket.socketpair()
        try:
            self._control.setblocking(False)
            self._process = ZygoteProcess(theirs, python)
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()
        # Also when the loop ended without `close`, and when the interpreter exits.
        self._finalizer = weakref.finalize(self, self._process.end, self._control)
        self._outbox: deque[tuple[memoryview, socket.socket | None]] = deque()
        self._buffer = FrameBuffer(CONTROL_BYTES)
        self._numbers = itertools.count(1)
        self._children: dict[int, asyncio.Future[int]] = {}
        self._apis: dict[int, ApiTable] = {}
        self._keeps_spare = spare
        self._spare: ChildProcess | None = None
        self._accepted: frozenset[str] | None = None
        self._gone = False
        self._loop.add_reader(self._control.fileno(), self._readable)
        self._send(["setup", asdict(limits), asdict(confinement)])

    @property
    def usable(self) -> bool:
        """Whether it is alive and belongs to the running loop."""
        return not self._gone and self._loop is asyncio.get_running_loop()

    @property
    def pid(self) -> int:
        """Id of the process that the host started: the zygote or its supervisor."""
        return self._process.pid

    def last_words(self) -> str:
        """Return how the zygote died, in one line; "" if that is not known."""
        return self._process.last_words()

    def accept(self, mechanisms: list[str]) -> None:
        """Set the mechanisms that a child may lack and still read a program."""
        self._accepted = frozenset(mechanisms)
        self._send(["accept", mechanisms])
        spare, self._spare = self._spare, None
        if spare is not None:  # it was forked before, and would read a program whatever it lacks
            spare.dismiss()

    def child_for(self, api: ApiTable) -> ChildProcess:
        """Return a child for a program against an API.

        If there is a spare child, which has been forked and confined in advance, it is used. The next spare
        is ordered as soon as the loop has sent this one's program.

        Raises:
            ZygoteGoneError: The zygote is dead.
            OSError: There are no sockets left.
        """
        is_new = self._introduce(api)
        spare, self._spare = self._spare, None
        if spare is not None and (is_new or not spare.alive):  # it was forked before the API came
            spare.dismiss()
            spare = None
        if self._keeps_spare:
            self._loop.call_soon(self._make_spare)
        return spare or self.make_child()

    def prepare(self, api: ApiTable) -> None:
        """Send an API and fork a spare child, so that the first program need not wait for either."""
        self._introduce(api)
        if self._keeps_spare:
            self._make_spare()

    def _introduce(self, api: ApiTable) -> bool:
        """Send an API if the zygote does not know it yet; return whether it was new."""
        is_new = self._apis.get(api.number) is not api
        if is_new:
            self._apis[api.number] = api
            self._send(["api", api.number, api.wire])
        return is_new

    def make_child(
        self, kind: Literal["fork", "spare", "probe"] = "fork", *more: WireValue
    ) -> ChildProcess:
        """Have a child forked, or the process that measures the level.

        Args:
            kind: What the fork does.
            more: The rest of the message; see `zygote`.

        Raises:
            ZygoteGoneError: The zygote is dead.
            OSError: There are no sockets left.
        """
        if self._gone:
            raise ZygoteGoneError
        number = next(self._numbers)
        ours, theirs = socket.socketpair()
        self._children[number] = ended = self._loop.create_future()
        # Keeps the loop from reporting an exception that no task awaits.
        ended.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._send([kind, number, *more], theirs)
        return ChildProcess(
            AsyncFrameSocket(ours, self._limits.frame_bytes),
            self._accepted,
            self._limits.start_s,
            ended,
            lambda: self._send(["kill", number]),
            self.abandon,
            lambda: self._send(["yield", number]),
        )

    def abandon(self) -> None:
        """Kill the zygote, which does not respond."""
        self._lost()
        self._process.kill()  # and the kernel kills its children

    async def close(self) -> None:
        """End the zygote with all of its children, and wait until they are gone."""
        self._lost()
        if not self._finalizer.alive:
            return
        hang_up(self._control)
        wait_s, deadline_s = _FIRST_WAIT_S, self._loop.time() + EXIT_TIMEOUT_S
        while not self._process.ended() and self._loop.time() < deadline_s:
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        self._process.kill()  # does nothing if it has ended
        self._finalizer()

    def _make_spare(self) -> None:
        if self._spare is None and not self._gone:
            with contextlib.suppress(OSError):  # no sockets left: the next program reports it
                self._spare = self.make_child("spare")

    def _send(self, message: list[Any], descriptor: socket.socket | None = None) -> None:
        # Any: wire values of our own
        if self._gone:
            return
        data = memoryview(frame(pack(message, CONTROL_BYTES)))
        self._outbox.append((data, descriptor))
        if len(self._outbox) == 1:
            self._write()

    def _write(self) -> None:
        """Write queued messages, as far as the socket accepts them; a descriptor goes with the first byte."""
        while self._outbox and not self._gone:
            data, descriptor = self._outbox[0]
            try:
                sent = self._write_some(data, descriptor)
            except (BlockingIOError, InterruptedError):
                self._loop.add_writer(self._control.fileno(), self._write)
                return
            except OSError:
                self._lost()
                return
            if descriptor is not None:
                descriptor.close()
            if sent < len(data):
                self._outbox[0] = (data[sent:], None)
            else:
                self._outbox.popleft()
        if not self._gone:
            self._loop.remove_writer(self._control.fileno())

    def _write_some(self, data: memoryview, descriptor: socket.socket | None) -> int:
        if descriptor is None:
            return self._control.send(data)
        rights = array.array("i", [descriptor.fileno()])
        return self._control.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])

    def _readable(self) -> None:
        try:
            data = self._control.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        try:
            self._buffer.feed(data)
            while (payload := self._buffer.take()) is not None:
                self._handle(unpack(payload))
        except WireError:
            data = b""
        if not data:
            self._lost()

    def _handle(self, message: WireValue) -> None:
        match message:
            case ["exited", int(number), int() as outcome] if bool not in map(type, message):
                pass
            case ["fork_failed", int(number), str() as outcome] if type(number) is int:
                pass
            case _:
                raise WireError("The zygote sent an invalid message.")
        ended = self._children.pop(number, None)
        if ended is None or ended.done():
            return
        if isinstance(outcome, str):
            ended.set_exception(ForkError(_explained(outcome)))
        else:
            ended.set_result(outcome)

    def _lost(self) -> None:
        """Release all that depends on the zygote, which is dead or about to be killed."""
        if self._gone:
            return
        self._gone = True
        if not self._loop.is_closed():
            self._loop.remove_reader(self._control.fileno())
            self._loop.remove_writer(self._control.fileno())
        for _, descriptor in self._outbox:
            if descriptor is not None:
                descriptor.close()
        self._outbox.clear()
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.dismiss()
        waiting, self._children = self._children, {}
        for future in waiting.values():
            if not future.done() and not self._loop.is_closed():
                future.set_exception(ZygoteGoneError())


def _explained(reason: str) -> str:
    """Say what a fork that failed means, where the kernel's words alone do not."""
    if f"[Errno {errno.EAGAIN}]" in reason:
        return NO_MORE_PROCESSES.format(os.strerror(errno.EAGAIN))
    return reason
