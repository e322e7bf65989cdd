"""Attempts the forbidden acts in really confined processes, and reports what the kernel did.

Runs in a process of its own. Every act gets a fork of it, which confines itself exactly as the child
of a program does and then tries, with one pipe to tell what the kernel said.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

from viper_sandbox.channel import Channel, wire_mapping
from viper_sandbox.confine import Confinement, confine
from viper_sandbox.limits import Limits

__all__ = ["main"]

_SETUP_BYTES = 65_536
_PTRACE_SEIZE = 0x4206
_IPC_CREAT = 0o1000
_IPC_RMID = 0


def main(fd: int) -> NoReturn:
    """Attempt every act and send one report over the socket `fd`."""
    channel = Channel(fd, _SETUP_BYTES)
    setup = channel.receive()
    limits = Limits(**wire_mapping(setup[1]))
    wanted = Confinement(**wire_mapping(setup[2]))
    acts: list[tuple[str, bool, str]] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for name, attempt in _acts(listener.getsockname()[1]).items():
            acts.append((name, *_in_fork(attempt, wanted, limits)))
    channel.send(["probed", acts, _mechanisms(wanted, limits)])
    os._exit(0)


def _acts(port: int) -> dict[str, Callable[[], None]]:
    victim = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)
    python = sys.executable

    def run_program() -> None:
        os.execv(python, [python, "-c", ""])  # noqa: S606  # the attempt itself

    def connect() -> None:
        with socket.socket() as client:
            client.connect(("127.0.0.1", port))

    def trace() -> None:
        _call(lambda: libc.ptrace(_PTRACE_SEIZE, victim, None, None))

    def share() -> None:
        segment = _call(lambda: libc.shmget(0, 4096, _IPC_CREAT | 0o600))
        libc.shmctl(segment, _IPC_RMID, None)

    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    return {
        "open a file": lambda: os.close(os.open("/", os.O_RDONLY)),
        "connect to the network": connect,
        "run another program": run_program,
        "signal another process": lambda: os.kill(victim, 0),
        "trace another process": trace,
        "share memory": share,
        "start a process": fork,
    }


def _call(function: Callable[[], int]) -> int:
    result = function()
    if result == -1:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def _in_fork(attempt: Callable[[], None], wanted: Confinement, limits: Limits) -> tuple[bool, str]:
    """Let a fork confine itself and attempt an act; return (refused, what the kernel did).

    The fork names the errno of a refusal over a pipe, which closes by itself if another program takes
    its place. So silence means that it was killed, or that the act went through.
    """
    parent = os.getpid()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            confine(wanted, limits, writer, parent)
            attempt()
        except OSError as error:
            name = errno.errorcode.get(error.errno or errno.EPERM, "refused")
            os.write(writer, name.encode())
        finally:
            os._exit(0)
    os.close(writer)
    refusal = os.read(reader, 100).decode()
    os.close(reader)
    status = os.waitpid(pid, 0)[1]
    if refusal:
        return True, refusal
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return os.WTERMSIG(status) == signal.SIGSYS, f"killed by {name}"
    return False, "got through"


def _mechanisms(wanted: Confinement, limits: Limits) -> dict[str, str]:
    """Return what `confine` reports, from a fork that tells it through a pipe."""
    parent = os.getpid()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        report = confine(wanted, limits, writer, parent)
        Channel(writer, _SETUP_BYTES).send(["report", report])
        os._exit(0)
    os.close(writer)
    report = wire_mapping(Channel(reader, _SETUP_BYTES).receive()[1])
    os.waitpid(pid, 0)
    os.close(reader)
    return report
