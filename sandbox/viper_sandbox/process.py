"""The host's end: starting a child, exchanging frames with it, and making sure that it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from viper_sandbox.channel import EXIT_MEMORY
from viper_sandbox.wire import FrameBuffer, WireValue, frame, pack, unpack

__all__ = ["ChildGoneError", "ChildProcess", "describe_death"]

_BOOT = (
    "import sys; sys.path += sys.argv[2:]; "
    "from viper_sandbox.{module} import main; main(int(sys.argv[1]))"
)
_READ_BYTES = 65_536
_FIRST_WAIT_S = 0.0005
_LONGEST_WAIT_S = 0.05


class ChildGoneError(Exception):
    """The child closed its socket, which it does only by dying."""


class ChildProcess:
    """A fresh interpreter with one socket, an empty environment and a session of its own.

    It is started from the thread of the event loop, since death with the parent follows the THREAD that
    started a process: that thread must live as long as the sessions.

    Args:
        module: Module of this package whose `main` it runs.
        max_bytes: Largest frame either way.
        python: The interpreter; the running one if None.

    Raises:
        OSError: No process can be started.
    """

    def __init__(self, module: str, max_bytes: int, python: str | None = None) -> None:
        self._max_bytes = max_bytes
        self._buffer = FrameBuffer(max_bytes)
        self._socket, theirs = socket.socketpair()
        try:
            self._socket.setblocking(False)
            self._process = subprocess.Popen(  # noqa: S603  # our interpreter, our code, a number
                [
                    python or sys.executable,
                    *("-I", "-S", "-c", _BOOT.format(module=module)),
                    *(str(theirs.fileno()), *_import_paths()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                close_fds=True,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except BaseException:
            self._socket.close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """Process id, which is the id of its group and session too."""
        return self._process.pid

    @property
    def pending_bytes(self) -> int:
        """Bytes that were received and not yet taken as a frame."""
        return len(self._buffer)

    async def send(self, message: list[Any]) -> None:  # Any: pack checks that they are wire values
        """Send one message.

        Raises:
            WireError: It cannot be encoded; nothing was sent.
            ChildGoneError: The child is dead.
        """
        data = frame(pack(message, self._max_bytes))
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, data)
        except OSError as error:
            raise ChildGoneError from error

    async def receive(self) -> tuple[WireValue, int]:
        """Wait for one message; return it with the number of bytes it had.

        Raises:
            WireError: The child broke the rules of frames.
            ChildGoneError: The child is dead.
        """
        loop = asyncio.get_running_loop()
        while (payload := self._buffer.take()) is None:
            try:
                data = await loop.sock_recv(self._socket, _READ_BYTES)
            except OSError as error:
                raise ChildGoneError from error
            if not data:
                raise ChildGoneError
            self._buffer.feed(data)
        return unpack(payload), len(payload)

    async def bury(self) -> int:
        """Kill the whole group, wait until the child is gone, and free everything.

        Returns:
            The exit status, negative for a signal; -SIGKILL if the child was still alive.
        """
        self.kill()
        wait_s = _FIRST_WAIT_S
        try:
            while self._process.poll() is None:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        finally:
            self.bury_now()
        return self._process.returncode

    def bury_now(self) -> None:
        """Do the same without a running loop; may block for a moment."""
        self.kill()
        self._process.wait()  # short: nothing survives SIGKILL
        self._socket.close()

    def kill(self) -> None:
        """Kill the whole group, unless the child was reaped already."""
        if self._process.returncode is None:  # not reaped, so that the id is still the child's
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: a zombie
                os.killpg(self._process.pid, signal.SIGKILL)


def describe_death(status: int, cpu_s: float, memory_mb: int) -> tuple[str, str]:
    """Return the failure kind and message for a child that died without an answer.

    Args:
        status: Exit status, negative for a signal.
        cpu_s: The limit of CPU time, for the message.
        memory_mb: The limit of memory, for the message.
    """
    if status in (-signal.SIGXCPU, -signal.SIGPROF):
        return "timeout", f"The program used more than {cpu_s:g} s of CPU time."
    if status == EXIT_MEMORY:
        return "memory", f"The program needs more than the {memory_mb} MiB that it may use."
    if status == -signal.SIGKILL:
        return "memory", "The program was killed from outside, most likely for want of memory."
    if status == -signal.SIGSYS:
        return (
            "sandbox",
            "The kernel ended the program at a system call that the sandbox does not allow.",
        )
    if status < 0:
        return "sandbox", f"The program crashed its interpreter ({signal.Signals(-status).name})."
    return "sandbox", f"The sandbox process ended with status {status} and gave no answer."


def _import_paths() -> list[str]:
    """Return the folders that the child imports from besides the standard library.

    They are given by name because `-I -S` reads no environment and no .pth file: the child finds what
    the host found, in editable and user installations as well.
    """
    paths = []
    for name in ("viper_sandbox", "RestrictedPython"):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise OSError(f"The package {name} is not installed; the sandbox needs it.")
        paths.append(str(Path(spec.origin).parent.parent))
    return list(dict.fromkeys(paths))
