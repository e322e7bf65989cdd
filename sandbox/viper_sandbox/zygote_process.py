"""The process of a zygote, as the host starts it: its interpreter, environment and descriptors.

Only what the interpreter cannot start without is passed on: the folders of its shared libraries, and its home
if the host has been told one. The last lines of its standard error are kept, to say why it died.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from viper_sandbox.kernel import signal_name

__all__ = ["EXIT_TIMEOUT_S", "ZygoteProcess", "hang_up"]

_BOOT = "import sys; sys.path += sys.argv[2:]; from {module} import main; main(int(sys.argv[1]))"
# Time for a zygote to end by itself, together with its children; it needs milliseconds.
EXIT_TIMEOUT_S = 2.0
# Variables in which the loaders of Linux and macOS look for shared libraries.
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
# 0, 1 and 2 become the standard streams of the new process.
_FIRST_FREE = 3
_ERROR_BYTES = 65_536
_ERROR_LINES = 3
_ERROR_CHARACTERS = 400


class ZygoteProcess:
    """A started interpreter that serves the other end of a control socket.

    Args:
        theirs: The zygote's end; the caller closes its copy.
        python: The interpreter; the running one if None.
        module: Where its `main` is.
        packages: What it imports besides the standard library.

    Raises:
        OSError: No process can be started, this program knows no interpreter, or a package is missing.
    """

    def __init__(
        self,
        theirs: socket.socket,
        python: str | None = None,
        *,
        module: str = "viper_sandbox.zygote",
        packages: Sequence[str] = ("viper_sandbox", "RestrictedPython"),
    ) -> None:
        import fcntl  # not on Windows, where no zygote can be started

        self._python = _interpreter(python)
        self._owner = os.getpid()
        self._lines = ""
        with contextlib.ExitStack() as failed, contextlib.ExitStack() as stack:
            reader, writer = os.pipe()
            stack.callback(os.close, writer)
            self._errors = failed.enter_context(os.fdopen(reader, "rb", buffering=0))
            # A zygote that says more than anybody reads must not wait for a reader.
            os.set_blocking(writer, False)
            os.set_blocking(reader, False)
            control_fd = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE)
            stack.callback(os.close, control_fd)
            self._process = subprocess.Popen(  # noqa: S603  # our interpreter, our code, a number
                [
                    self._python,
                    *("-P", "-s", "-S", "-c", _BOOT.format(module=module)),
                    *(str(control_fd), *_import_paths(packages)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=writer,
                env=_environment(),
                cwd="/",  # that of the host may have been removed
                close_fds=True,
                pass_fds=(control_fd,),
                start_new_session=True,
            )
            failed.pop_all()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def ours(self) -> bool:
        """Whether this process started it, and not one that has forked this process since."""
        return os.getpid() == self._owner

    def ended(self) -> bool:
        """Return whether it has ended."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """Kill it, and with it its children; does nothing if it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def end(self, control: socket.socket) -> None:
        """Close the control socket and wait until the zygote has ended; may block for a moment.

        In a fork of the host, nothing but the copies of descriptors is closed.
        """
        if self.ours:
            hang_up(control)
            try:
                self._process.wait(EXIT_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()  # short: nothing survives SIGKILL
        control.close()
        self._lines = self._lines or self._last_lines()
        self._errors.close()

    def last_words(self) -> str:
        """Return how it ended and the last lines that it wrote, in one line; "" if that is not known."""
        status = self._process.poll()
        words = self._lines = self._lines or self._last_lines()
        if not words and status in (None, 0):
            return ""
        end = "" if status is None else f" {_describe(status)}"
        return f"The interpreter {self._python}{end}{': ' if words else '.'}{words}"

    def _last_lines(self) -> str:
        try:
            data = self._errors.read(_ERROR_BYTES) or b""
        except (OSError, ValueError):
            return ""
        lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
        text = " | ".join([line for line in lines if line][-_ERROR_LINES:])
        printable = "".join(c if c.isprintable() else " " for c in text)
        return printable[-_ERROR_CHARACTERS:]


def hang_up(control: socket.socket) -> None:
    """Have the zygote read the end of its control socket, although forks of the host may hold copies."""
    with contextlib.suppress(OSError):
        control.shutdown(socket.SHUT_RDWR)


def _describe(status: int) -> str:
    if status < 0:
        return f"was killed by {signal_name(-status)}"
    return f"ended with status {status}"


def _interpreter(python: str | None) -> str:
    if python is None and getattr(sys, "frozen", False):
        raise OSError(
            "this program is frozen, so it has no Python interpreter for children; pass python=… to Jail"
        )
    python = python or sys.executable
    if not python:
        raise OSError(
            "this Python does not know its own interpreter (sys.executable is empty); pass python=… to Jail"
        )
    # A relative path would be looked up in the new working folder.
    return str(Path(python).absolute()) if os.sep in python else python


def _environment() -> dict[str, str]:
    """Return the variables of the zygote, which drops all but the first before it forks a child."""
    # Sets have the same order in every run, so that runs can be repeated. The option -I would ignore this.
    variables = {"PYTHONHASHSEED": "0"}
    for name in _LIBRARY_PATHS:
        parts = [Path(part) for part in os.environ.get(name, "").split(os.pathsep) if part]
        folders = [str(part.absolute()) for part in parts if part.is_dir()]
        if folders:  # folders alone: whatever else somebody put there is not passed on
            variables[name] = os.pathsep.join(folders)
    if os.environ.get(
        "PYTHONHOME"
    ):  # otherwise this interpreter would not find its standard library
        variables["PYTHONHOME"] = f"{sys.base_prefix}{os.pathsep}{sys.base_exec_prefix}"
    return variables


def _import_paths(packages: Sequence[str]) -> list[str]:
    """Return the folders that the zygote imports from besides the standard library.

    They are passed as arguments because the zygote reads no environment and no .pth file. So it finds the
    same packages as the host, in editable and user installations as well, and in an application in a zip.
    """
    paths = []
    for name in packages:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise OSError(f"The package {name} is not installed; the sandbox needs it.")
        paths.append(str(Path(spec.origin).parent.parent.absolute()))
    return list(dict.fromkeys(paths))
