"""The host's side of a child: exchanges messages with it, and has the zygote kill it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viper_sandbox.async_frame_socket import AsyncFrameSocket, ChildGoneError
from viper_sandbox.clock import Clock
from viper_sandbox.frame_socket import EXIT_MEMORY
from viper_sandbox.kernel import signal_name
from viper_sandbox.limits import Limits
from viper_sandbox.wire import WireValue

__all__ = [
    "ChildGoneError",
    "ChildProcess",
    "NotConfinedError",
    "OutOfMemoryCount",
    "describe_exit",
]


class NotConfinedError(Exception):
    """A child must not run a program; the message says why."""


# Most programs are done by then. What computes for longer must not take half of a core from each of those.
_GIVES_WAY_AFTER_S = 0.5
# A thousand times the time that a kill takes on a busy machine.
_KILL_TIMEOUT_S = 10.0


@dataclass(eq=False)
class ChildProcess:
    """A fork of the zygote that serves one program."""

    socket: AsyncFrameSocket
    """The host's end of its socket."""
    _accepted: Collection[str] | None
    """Mechanisms that may be missing; None if any may, because they are being measured."""
    _start_s: float
    """Time in seconds in which it must report that it is confined."""
    _ended: asyncio.Future[int]
    """Its exit status, negative for a signal, or the exception that says why there is none."""
    _kill: Callable[[], None]
    """Makes the zygote kill it and its group."""
    _give_up: Callable[[], None]
    """Called if the zygote does not do so."""
    _give_way: Callable[[], None] = lambda: None
    """Makes the kernel prefer other processes to it."""
    clock: Clock | None = None
    """Counts the time in which the host waits for its program."""
    confined: bool = False
    """Whether it has reported that it is confined."""
    dismissed: bool = False

    def __post_init__(self) -> None:
        self.send = self.socket.send
        self.receive = self.socket.receive
        self.interrupt = self.socket.fail
        self._timer: asyncio.TimerHandle | None = None

    @property
    def pending_bytes(self) -> int:
        """Bytes that were received but do not yet belong to a frame that was returned."""
        return self.socket.pending_bytes

    @property
    def most_values(self) -> int:
        """Most values in one frame that it may send."""
        return self.socket.most_values

    @most_values.setter
    def most_values(self, most: int) -> None:
        self.socket.most_values = most

    @property
    def alive(self) -> bool:
        """Whether the zygote has not yet reported its end."""
        return not self._ended.done()

    async def begin(self, message: list[Any]) -> None:  # Any: pack checks that they are wire values
        """Send the program, and wait until the child has reported that it is confined.

        The program waits in the socket meanwhile, which saves time; a child that is confined less than it
        should be does not read it.

        Raises:
            NotConfinedError: It is confined less than it should be, or did not report in time.
            WireError: The program cannot be encoded.
            ChildGoneError: The child is dead.
        """
        try:
            async with asyncio.timeout(self._start_s):
                await self.send(message)
                report, _ = await self.receive()
        except TimeoutError as error:
            raise NotConfinedError(
                f"The sandbox process did not start within {self._start_s:g} s."
            ) from error
        lost = _missing(report) - set(self._accepted or ())
        if lost:
            raise NotConfinedError(
                f"The sandbox process is confined less than when the level was measured: "
                f"{', '.join(sorted(lost))} not in force."
            )
        self.confined = True
        self.socket.clock = self.clock  # not before: its start is no time of the program
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_GIVES_WAY_AFTER_S, self._give_way)

    def dismiss(self) -> None:
        """Have it killed, without waiting; the zygote reaps it."""
        self.dismissed = True
        self.clock = None  # which holds this object
        if self._timer is not None:
            self._timer.cancel()
        if not self._ended.done():
            self._kill()
        self.socket.close()

    async def kill(self) -> int:
        """Kill its whole group and wait until it has ended.

        Returns:
            The exit status, negative for a signal; -SIGKILL if the child was still alive.

        Raises:
            ZygoteGoneError: The zygote died, and the child with it.
        """
        self.dismiss()
        if not self._ended.done():
            await asyncio.wait([self._ended], timeout=_KILL_TIMEOUT_S)
        if not self._ended.done():
            self._give_up()
        return await self._ended


def _missing(report: WireValue) -> set[str]:
    match report:
        case ["ready", dict(missing)]:
            return {str(name) for name in missing}
        case _:
            return {"no report"}


class OutOfMemoryCount:
    """Counts the processes that the kernel has killed because memory ran out.

    The count covers the whole machine, so an increase is evidence, not proof; no increase means that
    somebody else killed the process.
    """

    def __init__(self) -> None:
        self._last = self._read()

    def increased(self) -> bool:
        """Return whether the kernel has killed a process since the last call."""
        before, self._last = self._last, self._read()
        return self._last > before

    def _read(self) -> int:
        try:
            lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def describe_exit(status: int, limits: Limits, *, out_of_memory: bool = False) -> tuple[str, str]:
    """Return the failure kind and message of a child that ended without a result.

    Args:
        status: Exit status, negative for a signal.
        limits: Limits of the program, for the message.
        out_of_memory: Whether the kernel has killed a process because memory ran out.
    """
    if status in (-signal.SIGXCPU, -signal.SIGPROF):
        return "timeout", f"The program used more than {limits.cpu_s:g} s of CPU time."
    if status == EXIT_MEMORY:
        return "memory", f"The program needs more than the {limits.memory_mb} MiB that it may use."
    if status == -signal.SIGKILL and out_of_memory:
        return (
            "memory",
            "The machine ran out of memory, and the kernel killed the program. Run fewer programs at the "
            "same time, or lower the limit of memory.",
        )
    if status == -signal.SIGKILL:
        return "sandbox", "The program's process was killed from outside (SIGKILL). Run it again."
    if status == -signal.SIGSYS:
        return (
            "sandbox",
            "The kernel ended the program at a system call that the sandbox does not allow.",
        )
    if status < 0:
        return "sandbox", f"The program crashed its interpreter ({signal_name(-status)})."
    return "sandbox", f"The sandbox process ended with status {status} and gave no answer."
