"""Decodes a file in a process of its own: hands over the bytes, and receives pixels.

Every file gets a fork of one zygote that has Pillow loaded, confined before it reads a byte
(`decoder_child.py`). A decoder that crashes, or takes too much time or memory, costs its file and nothing
else. The host trusts nothing that arrives: layouts are those of a table, sizes are checked before memory is
allocated, and exactly as many bytes are read as the size says.

The memory of all decodings together is bounded: each reserves what its header makes likely, and waits until
that is free. Whatever the header says, the kernel holds each process to `decoder_process.LIMITS`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from viper.errors import ViperError
from viper.images.color_modes import DEEP_MODES
from viper.images.decoder_process import DecoderChild, DecoderGoneError, DecoderZygote
from viper.images.image import Pixels
from viper.images.image_files import MAX_DECODING_BYTES, MESSAGE_BYTES, DecodingError
from viper.images.pixel_arrays import gray_pixels, upright
from viper_sandbox.wire import HEADER_BYTES, WireError, frame, pack, payload_length, unpack

__all__ = ["decode"]

# Wall time; a decoder reaches its CPU limit earlier unless the machine is very busy.
_DECODE_S = 120.0
_EXIT_S = 5.0
_SOCKET_BYTES = 1 << 20


class _ClosedError(Exception):
    """The child closed its socket before it had sent all pixels."""


def decode(data: bytes, accept: Callable[[int, int], None]) -> Pixels:
    """Decode the first image of a file.

    Args:
        data: Content of the file.
        accept: Called with width and height before memory is allocated; raises if they are too large.

    Returns:
        A new array of shape (H, W, 3), uint8 RGB, contiguous, upright.

    Raises:
        DecodingError: The file gives no pixels.
        ViperError: No process can be started.
    """
    trouble = ""
    for _ in range(2):  # once more if the zygote was killed meanwhile
        zygote = DecoderZygote.current()
        try:
            pixels = _decode(zygote, zygote.child(), data, accept)
        except DecoderGoneError as error:
            trouble = f" ({error})" if str(error) else ""
        else:
            zygote.prepare()
            return pixels
    raise ViperError(
        f"The process that decodes images cannot be started, or is killed each time{trouble}. "
        "`viper doctor` shows what this machine lacks."
    )


def _decode(
    zygote: DecoderZygote, child: DecoderChild, data: bytes, accept: Callable[[int, int], None]
) -> Pixels:
    try:
        with child.socket:
            return _Conversation(child.socket).pixels(data, accept)
    except (_ClosedError, WireError, OSError) as error:
        zygote.kill(child)
        raise _failure(child, error) from error
    except BaseException:
        zygote.kill(child)
        raise


def _failure(child: DecoderChild, error: Exception) -> DecodingError:
    """Return why a child ended without sending pixels.

    Raises:
        DecoderGoneError: The zygote died.
    """
    if isinstance(error, TimeoutError):
        return DecodingError("time")
    try:
        status = child.ended.result(_EXIT_S)
    except TimeoutError:
        status = 0
    if isinstance(error, WireError):
        return DecodingError("damaged", "its decoder broke the rules of its messages")
    if status in _OVERTIME:
        return DecodingError("time")
    return DecodingError("damaged", f"its decoder ended with status {status}")


# SIGPROF and SIGXCPU.
_OVERTIME = (-27, -24)


class _Conversation:
    """The messages with one child, within its wall time."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._deadline_s = time.monotonic() + _DECODE_S
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)

    def pixels(self, data: bytes, accept: Callable[[int, int], None]) -> Pixels:
        """Send a file and receive its pixels."""
        self._expect("ready", dict)
        self._send(["image", len(data)])
        self._send_bytes(data)
        _, mode, width, height, memory_bytes = self._expect("opened", str, str, int, int, int)
        accept(width, height)
        if mode in DEEP_MODES:  # the host scales the samples
            memory_bytes += width * height * np.dtype(DEEP_MODES[mode]).itemsize
        if not 0 <= memory_bytes <= MAX_DECODING_BYTES:
            raise DecodingError("memory")
        began_s = time.monotonic()
        with _RESERVATIONS.hold(memory_bytes):
            self._deadline_s += time.monotonic() - began_s
            self._send(["decode"])
            layout, width, height, orientation, bits = self._expect(
                "pixels", str, int, int, int, int
            )
            accept(width, height)
            if layout == "RGB":
                pixels = self._rows(np.empty((height, width, 3), np.uint8))
            elif layout in DEEP_MODES and bits in (12, 16):
                values = self._rows(np.empty((height, width), np.dtype(DEEP_MODES[layout])))
                pixels = gray_pixels(values, bits=bits)
            else:
                raise WireError("unknown layout")
        return np.ascontiguousarray(upright(pixels, orientation))

    def _rows(self, array: Any) -> Any:  # Any: an array of any type of numbers
        """Fill an array, top first."""
        rest = memoryview(array).cast("B")
        while rest:
            (size,) = self._expect("rows", int)
            if not 0 < size <= len(rest):
                raise WireError("more or fewer rows than announced")
            self._receive_into(rest[:size])
            rest = rest[size:]
        return array

    def _send(self, message: list[object]) -> None:
        self._send_bytes(frame(pack(message, MESSAGE_BYTES)))

    def _send_bytes(self, data: bytes) -> None:
        self._socket.settimeout(max(0.001, self._deadline_s - time.monotonic()))
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _ClosedError from error

    def _expect(self, tag: str, *types: type) -> list[Any]:  # Any: values of these types
        """Receive one message, and return what follows its tag."""
        header = bytearray(HEADER_BYTES)
        self._receive_into(memoryview(header))
        payload = bytearray(payload_length(bytes(header), MESSAGE_BYTES))
        self._receive_into(memoryview(payload))
        match unpack(bytes(payload)):
            case ["failed", str(kind), str(reason)]:
                raise DecodingError(kind, reason)
            case [str(found), *values] if found == tag and [type(v) for v in values] == [*types]:
                return values
        raise WireError(f"not the message {tag!r}")

    def _receive_into(self, room: memoryview) -> None:
        while room:
            self._socket.settimeout(max(0.001, self._deadline_s - time.monotonic()))
            try:
                received = self._socket.recv_into(room)
            except ConnectionResetError as error:
                raise _ClosedError from error
            if not received:
                raise _ClosedError
            room = room[received:]


class _Reservations:
    """Memory that is promised to decoders; who asked first gets it first."""

    def __init__(self, total_bytes: int) -> None:
        self._free_bytes = total_bytes
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    @contextlib.contextmanager
    def hold(self, size_bytes: int) -> Iterator[None]:
        """Wait until so much is free, and hold it."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                self._changed.wait_for(
                    lambda: self._queue[0] is ticket and self._free_bytes >= size_bytes
                )
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
            self._free_bytes -= size_bytes
        try:
            yield
        finally:
            with self._changed:
                self._free_bytes += size_bytes
                self._changed.notify_all()


_RESERVATIONS = _Reservations(MAX_DECODING_BYTES)


def _after_fork() -> None:
    """Forget reservations of the parent, whose threads this process lacks."""
    global _RESERVATIONS
    _RESERVATIONS = _Reservations(MAX_DECODING_BYTES)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
