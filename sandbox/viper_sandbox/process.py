"""The host's end of a child: exchanging frames with it, and making sure that it is gone."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from viper_sandbox.async_frame_socket import AsyncFrameSocket, ChildGoneError
from viper_sandbox.frame_socket import EXIT_MEMORY
from viper_sandbox.wire import WireValue

__all__ = [
    "ChildGoneError",
    "ChildProcess",
    "NotConfinedError",
    "OutOfMemoryCount",
    "describe_death",
]


class NotConfinedError(Exception):
    """A child that must not be trusted with a program; the message says why."""


_LONGEST_DEATH_S = 10.0
# From the order to kill to word of the death: a thousand times what it takes on a busy machine.


class ChildProcess:
    """A fork of the zygote that serves one program, seen from the host.

    Args:
        number: What the zygote knows it by.
        line: The host's end of its socket.
        accepted: Mechanisms that may be missing; None if any may, because they are being measured.
        start_s: Time in seconds in which it must report that it is confined.
        ended: Becomes its exit status, negative for a signal, or the exception that says why there is none.
        kill: Has the zygote kill it and its group.
        give_up: Called when the zygote does not do so.
    """

    def __init__(
        self,
        number: int,
        line: AsyncFrameSocket,
        accepted: Collection[str] | None,
        start_s: float,
        ended: asyncio.Future[int],
        *,
        kill: Callable[[int], None],
        give_up: Callable[[], None],
    ) -> None:
        self.number = number
        self.confined = False
        """Whether it has reported that it is confined."""
        self.dismissed = False
        self._line = line
        self._kill = kill
        self._give_up = give_up
        self._accepted = accepted
        self._start_s = start_s
        self._ended = ended
        self.send = line.send
        self.receive = line.receive
        self.interrupt = line.fail

    @property
    def pending_bytes(self) -> int:
        """Bytes that were received and not yet taken as a frame."""
        return self._line.pending_bytes

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet, as far as the zygote has said."""
        return not self._ended.done()

    async def begin(self, message: list[Any]) -> None:  # Any: pack checks that they are wire values
        """Send the program, and wait until the child has reported that it is confined.

        The program waits in the socket meanwhile, so that no time is lost; a child that is confined less
        than it should be does not read it.

        Raises:
            NotConfinedError: It is confined less than it should be, or does not say so in time.
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

    def dismiss(self) -> None:
        """Order its death and let go of it; it ends within a moment, and the zygote reaps it."""
        self.dismissed = True
        if not self._ended.done():
            self._kill(self.number)
        self._line.close()

    async def bury(self) -> int:
        """Kill the whole group and wait until the child is gone.

        Returns:
            The exit status, negative for a signal; -SIGKILL if the child was still alive.

        Raises:
            ZygoteGoneError: The zygote died, and the child with it.
        """
        self.dismiss()
        if not self._ended.done():
            await asyncio.wait([self._ended], timeout=_LONGEST_DEATH_S)
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
    """Tells whether the kernel ran out of memory since it was last asked.

    It counts for the whole machine, so a rise is evidence, not proof; without a rise, a process that was
    killed was killed by somebody.
    """

    def __init__(self) -> None:
        self._last = self._read()

    def rose(self) -> bool:
        """Return whether the kernel has killed a process for want of memory meanwhile."""
        before, self._last = self._last, self._read()
        return self._last > before

    def _read(self) -> int:
        try:
            lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def describe_death(
    status: int, cpu_s: float, memory_mb: int, *, out_of_memory: bool = False
) -> tuple[str, str]:
    """Return the failure kind and message for a child that died without an answer.

    Args:
        status: Exit status, negative for a signal.
        cpu_s: The limit of CPU time, for the message.
        memory_mb: The limit of memory, for the message.
        out_of_memory: Whether the kernel is known to have killed for want of memory.
    """
    if status in (-signal.SIGXCPU, -signal.SIGPROF):
        return "timeout", f"The program used more than {cpu_s:g} s of CPU time."
    if status == EXIT_MEMORY:
        return "memory", f"The program needs more than the {memory_mb} MiB that it may use."
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
        return "sandbox", f"The program crashed its interpreter ({signal.Signals(-status).name})."
    return "sandbox", f"The sandbox process ended with status {status} and gave no answer."
