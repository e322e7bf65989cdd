"""Processes on a pseudo-terminal: what they show there, and what a key does."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from typing import NamedTuple

CTRL_C = b"\x03"


class Shown(NamedTuple):
    """What a process has written, and how it ended."""

    stdout: str
    """Of a pipe."""
    terminal: str
    """With control sequences."""
    status: int

    @property
    def text(self) -> str:
        """What stood on the terminal at some time, without control sequences."""
        return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", self.terminal)


def on_a_terminal(
    arguments: list[str],
    *,
    key: bytes = b"",
    when: Callable[[], bool] = lambda: False,
    keyboard: bool = False,
    seconds: float = 60.0,
    cwd: str | os.PathLike[str] | None = None,
    **environment: str,
) -> Shown:
    """Run Python with arguments, with stderr on a terminal of its own, and stdout in a pipe.

    Args:
        arguments: Those of the interpreter.
        key: Is typed once.
        when: Whether it is time to type it.
        keyboard: Whether stdin is the terminal, too; otherwise it is empty.
        seconds: It is killed after so long.
        cwd: Its working directory.
        environment: Further variables.
    """
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    ours, theirs = pty.openpty()

    def take_the_terminal() -> None:
        # A suite that runs in the background of a shell ignores Ctrl-C, and so would its children.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=theirs if keyboard else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        cwd=cwd,
        env=kept | {"TERM": "xterm-256color", "PYTHONUTF8": "1"} | environment,
        start_new_session=True,
        preexec_fn=take_the_terminal,  # no thread of ours holds a lock that it needs
    ) as process:
        os.close(theirs)
        written, typed, end = b"", False, time.monotonic() + seconds
        while time.monotonic() < end:
            if key and not typed and when():
                os.write(ours, key)
                typed = True
            if select.select([ours], [], [], 0.05)[0]:
                try:
                    part = os.read(ours, 65536)
                except OSError:  # Linux says so when the other end of a terminal is gone
                    break
                if not part:
                    break
                written += part
        else:
            process.kill()
        assert process.stdout is not None
        stdout = process.stdout.read().decode()
    os.close(ours)
    return Shown(stdout, written.decode("utf-8", "replace"), process.returncode)
