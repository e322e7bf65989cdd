"""The host's end of a socket: sends and receives frames on an event loop, with little work per frame.

A callback of the loop reads the socket, and one task awaits the frames. A frame is written immediately,
because the socket nearly always accepts all of it.
"""

from __future__ import annotations

import asyncio
import socket
import weakref
from functools import partial
from typing import Any

from viper_sandbox.clock import Clock
from viper_sandbox.large_work import LARGE_BYTES, beside_loop
from viper_sandbox.wire import MAX_VALUES, FrameBuffer, WireValue, frame, pack, unpack

__all__ = ["AsyncFrameSocket", "ChildGoneError"]

_READ_BYTES = 65_536


class ChildGoneError(Exception):
    """The other side closed its socket, which happens only when its process ends."""


class AsyncFrameSocket:
    """Sends and receives frames over a socket, on the running loop.

    While no task waits for a frame, at most 64 KiB are read; then reading pauses until a task waits. So
    no more than one frame and one read are ever held.

    Args:
        connected: A connected stream socket; this object closes it.
        max_bytes: Largest frame either way.
    """

    def __init__(self, connected: socket.socket, max_bytes: int) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._close = weakref.finalize(self, connected.close)  # also if the loop has ended
        self._max_bytes = max_bytes
        self._buffer = FrameBuffer(max_bytes)
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._reading = False
        self.most_values = MAX_VALUES
        """Most values in one frame that is received."""
        self.clock: Clock | None = None
        """Runs while a task waits and the other side does nothing; None where nobody counts."""

    @property
    def pending_bytes(self) -> int:
        """Bytes that were received but do not yet belong to a frame that was returned."""
        return len(self._buffer)

    def fail(self, error: Exception) -> None:
        """Make the waiting call and all later ones raise `error`; the first error stays."""
        if self._error is None:
            self._error = error
        self._wake()

    async def send(self, message: list[Any]) -> None:  # Any: pack checks that they are wire values
        """Send one message.

        Raises:
            WireError: It cannot be encoded; nothing was sent.
            ChildGoneError: The other side is dead.
        """
        data = frame(pack(message, self._max_bytes))
        if self._error is not None:
            raise self._error
        sent = self._write(data)
        if sent < len(data):
            await self._write_rest(memoryview(data)[sent:])

    async def receive(self) -> tuple[WireValue, int]:
        """Wait for one message; return it with its size in bytes.

        Raises:
            WireError: The frame is invalid.
            ChildGoneError: The other side is dead.
        """
        while (payload := self._buffer.take()) is None:
            if self._error is not None:
                raise self._error
            self._resume_reading()
            await self._wait()
        size, decode = len(payload), partial(unpack, payload, self.most_values)
        return (await beside_loop(decode) if size > LARGE_BYTES else decode()), size

    def close(self) -> None:
        """Close the socket; a waiting call raises `ChildGoneError`."""
        self._pause_reading()
        self._close()
        self.fail(ChildGoneError())
        self.clock = None  # which holds what holds this socket
        if self._error is not None:
            # Its frames hold this socket and the program's image: a cycle.
            self._error.__traceback__ = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = waiter = self._loop.create_future()
        if self.clock is not None:
            self.clock.start()
        try:
            await waiter
        finally:
            self._waiter = None

    def _resume_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self._loop.add_reader(self._socket.fileno(), self._readable)

    def _pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            if not self._loop.is_closed():
                self._loop.remove_reader(self._socket.fileno())

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if self._waiter is None or not data:
            self._pause_reading()
        if data:
            self._buffer.feed(data)
            self._count(whole=len(data) == _READ_BYTES or self._buffer.has_frame)
            self._wake()
        else:
            self.fail(ChildGoneError())

    def _count(self, *, whole: bool) -> None:
        """Stop the clock if the other side did its part, which may be long ago if the loop is late.

        For a part of a frame with nothing behind it the clock goes on: byte by byte, a frame could last for
        ever.
        """
        if self.clock is not None and whole:
            self.clock.heard()

    def _writable(self) -> None:
        self._count(whole=True)
        self._wake()

    def _write(self, data: bytes | memoryview) -> int:
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise ChildGoneError from error

    async def _write_rest(self, data: memoryview) -> None:
        fd = self._socket.fileno()
        self._loop.add_writer(fd, self._writable)
        try:
            while data:
                await self._wait()
                if self._error is not None:
                    raise self._error
                data = data[self._write(data) :]
        finally:
            if not self._loop.is_closed() and self._socket.fileno() == fd:
                self._loop.remove_writer(fd)
