"""The zygote of the processes that decode images, as the host sees it: children, kills, exit statuses.

There is one for the whole Python process, used from any thread. A thread of its own starts the zygote, which
dies with the thread that started it, and reads its messages.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import math
import os
import queue
import re
import socket
import threading
from concurrent.futures import Future
from dataclasses import asdict
from typing import NamedTuple

from viper.errors import ViperError
from viper.images.image_files import MAX_DECODING_BYTES
from viper_sandbox.confine import Confinement
from viper_sandbox.frame_socket import CONTROL_BYTES
from viper_sandbox.limits import Limits
from viper_sandbox.wire import FrameBuffer, WireError, frame, pack, unpack
from viper_sandbox.zygote_process import ZygoteProcess

__all__ = ["LIMITS", "DecoderChild", "DecoderGoneError", "DecoderZygote", "begin", "is_available"]

LIMITS = Limits(cpu_s=20.0, memory_mb=(MAX_DECODING_BYTES >> 20) + 64)
"""Limits of a process that decodes an image; the CPU time is a hundred times that of a 12-megapixel JPEG."""

_PACKAGES = ("viper_sandbox", "PIL", "viper")
_READ_BYTES = 65_536
_START_S = 60.0
# To be killed takes milliseconds.
_EXIT_S = 10.0
# Without these a decoder could take all of the machine.
_NEEDED = re.compile(r"^limits$|memory|CPU")


class DecoderGoneError(Exception):
    """The zygote is dead, and all of its children with it; the message may say why."""


class DecoderChild(NamedTuple):
    """A process that decodes one image."""

    socket: socket.socket
    """The host's end of its socket, blocking."""
    number: int
    ended: Future[int]
    """Its exit status, negative for a signal; `DecoderGoneError` if the zygote died."""
    limited: queue.SimpleQueue[bool]
    """Whether it was limited, for each time that this was asked."""


def is_available() -> bool:
    """Return whether this system can have such processes; Windows cannot."""
    return hasattr(os, "fork") and hasattr(socket, "send_fds")


def begin() -> None:
    """Begin to start the zygote, so that the first image need not wait for it."""
    if is_available():
        DecoderZygote.current()


class DecoderZygote:
    """A zygote and its children.

    Args:
        limits: Limits of each child.
        confinement: Mechanisms to use; all of them, except in tests.
    """

    def __init__(self, limits: Limits, confinement: Confinement | None = None) -> None:
        self.owner_pid = os.getpid()
        """The process that it belongs to; a fork of that process cannot use it."""
        self.missing: dict[str, str] | None = None
        """Mechanisms that are not in force in its children, and why; None before the first has started."""
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._children: dict[int, DecoderChild] = {}
        self._spare: DecoderChild | None = None
        self._gone = False
        self._trouble = ""
        self._process: ZygoteProcess | None = None
        self._control, theirs = socket.socketpair()
        self._send(["setup", asdict(limits), asdict(confinement or Confinement())])
        self._thread = threading.Thread(
            target=self._serve, args=(theirs,), name="viper-decoder", daemon=True
        )
        self._thread.start()
        atexit.register(self.close)

    @classmethod
    def current(cls) -> DecoderZygote:
        """Return the zygote of this process; start one if there is none, or if it is dead."""
        global _current
        with _lock:
            if _current is None or not _current.usable:
                _current = cls(LIMITS)
            return _current

    @property
    def usable(self) -> bool:
        """Whether it is alive and belongs to this process."""
        return not self._gone and self.owner_pid == os.getpid()

    def child(self) -> DecoderChild:
        """Return a child for one image.

        Raises:
            DecoderGoneError: The zygote is dead.
        """
        with self._lock:
            spare, self._spare = self._spare, None
            return spare or self._make("fork")

    def prepare(self) -> None:
        """Fork a child in advance, so that the next image need not wait for that."""
        with self._lock, contextlib.suppress(DecoderGoneError, OSError):
            if self._spare is None:
                self._spare = self._make("spare")

    def check(self, missing: dict[str, str]) -> None:
        """Check what the first child and each further one lacks of its confinement.

        Raises:
            ViperError: There is no limit of memory or CPU time, or less is in force than in the first child.
        """
        if self.missing is None:
            self.missing = missing
        lost = missing.keys() - self.missing.keys()
        lost |= {name for name in missing if _NEEDED.search(name)}
        if lost:
            raise ViperError(
                "The process that decodes images is not confined as it must be: "
                f"{', '.join(sorted(lost))} not in force. `viper doctor` shows what this machine lacks."
            )

    def limit(self, child: DecoderChild, memory_bytes: int, cpu_s: float) -> None:
        """Have the kernel limit what a child may take, as far as it can.

        Args:
            child: The child.
            memory_bytes: Memory beyond that of an idle child.
            cpu_s: CPU time since its start; whole seconds count.

        Raises:
            DecoderGoneError: The zygote is dead.
        """
        with self._lock:
            self._send(["limit", child.number, memory_bytes, math.ceil(cpu_s)])
        with contextlib.suppress(queue.Empty):
            child.limited.get(timeout=_EXIT_S)

    def give_way(self, child: DecoderChild) -> None:
        """Have the kernel prefer other processes to a child from now on.

        Raises:
            DecoderGoneError: The zygote is dead.
        """
        with self._lock:
            self._send(["yield", child.number])

    def kill(self, child: DecoderChild) -> None:
        """Have a child killed, whatever it has sent; does nothing if it has ended.

        Raises:
            DecoderGoneError: The zygote is dead, and the child with it.
        """
        child.socket.close()
        with self._lock:
            if not child.ended.done():
                self._send(["kill", child.number])

    def end(self, child: DecoderChild) -> int | None:
        """Kill a child, whatever it has sent, and wait until it has ended.

        Returns:
            Its exit status, negative for a signal; None if it did not end in time.

        Raises:
            DecoderGoneError: The zygote is dead, and the child with it.
        """
        self.kill(child)
        try:
            return child.ended.result(_EXIT_S)
        except TimeoutError:
            self.close()  # and the kernel kills all of its children
            return None

    def close(self) -> None:
        """Kill the zygote and its children, and wait until they are gone."""
        atexit.unregister(self.close)
        if self.owner_pid != os.getpid():
            return
        if self._process is not None:
            self._process.kill()  # and the kernel kills its children
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._thread.join(_START_S)

    def _make(self, kind: str) -> DecoderChild:
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:  # there are no descriptors left
            raise DecoderGoneError(str(error)) from error
        child = DecoderChild(ours, next(self._numbers), Future(), queue.SimpleQueue())
        with theirs:
            try:
                self._children[child.number] = child
                self._send([kind, child.number], theirs)
            except DecoderGoneError:
                ours.close()
                raise
        return child

    def _send(self, message: list[object], descriptor: socket.socket | None = None) -> None:
        if self._gone:
            raise DecoderGoneError(self._trouble)
        data = frame(pack(message, CONTROL_BYTES))
        try:
            if descriptor is None:
                self._control.sendall(data)
            else:  # a message of some bytes is sent whole
                socket.send_fds(self._control, [data], [descriptor.fileno()])
        except OSError as error:
            self._gone = True  # before the thread that reads has noticed
            raise DecoderGoneError(self._trouble) from error

    def _serve(self, theirs: socket.socket) -> None:
        """Start the zygote, and read its messages until it is gone."""
        try:
            with theirs:
                self._process = ZygoteProcess(
                    theirs, module="viper.images.decoder_child", packages=_PACKAGES
                )
            buffer = FrameBuffer(CONTROL_BYTES)
            while data := self._control.recv(_READ_BYTES):
                buffer.feed(data)
                while (payload := buffer.take()) is not None:
                    self._handle(unpack(payload))
        except (OSError, WireError) as error:
            self._trouble = str(error)
        finally:
            self._lost()

    def _handle(self, message: object) -> None:
        match message:
            case ["exited", int(number), int(status)]:
                if (child := self._children.pop(number, None)) is not None:
                    child.limited.put(False)
                    child.ended.set_result(status)
            case ["fork_failed", int(number), str(reason)]:
                if (child := self._children.pop(number, None)) is not None:
                    child.limited.put(False)
                    child.ended.set_exception(DecoderGoneError(reason))
            case ["limited", int(number), bool(done)]:
                if (child := self._children.get(number)) is not None:
                    child.limited.put(done)
            case _:
                raise WireError("The zygote sent an invalid message.")

    def _lost(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.end(self._control)
            self._trouble = self._trouble or self._process.last_words()
        with self._lock:
            self._gone = True
            self._control.close()
            spare, self._spare = self._spare, None
            waiting, self._children = self._children, {}
        if spare is not None:
            spare.socket.close()
        for child in waiting.values():
            child.limited.put(False)
            child.ended.set_exception(DecoderGoneError(self._trouble))


_lock = threading.Lock()
_current: DecoderZygote | None = None


def _after_fork() -> None:
    """Forget what belongs to the parent, whose threads this process lacks."""
    global _lock, _current
    _lock, _current = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
