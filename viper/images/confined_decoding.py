"""Decodes a file in a process of its own: hands over the bytes, and receives pixels.

Every file gets a fork of one zygote that has Pillow loaded, confined before it reads a byte
(`decoder_child.py`). A decoder that crashes, or takes too much time or memory, costs its file and nothing
else. The host trusts nothing that arrives: layouts are those of a table, sizes are checked before memory is
allocated, and exactly as many bytes are read as the size says.

The memory of all decodings together is bounded: each reserves as much as the kernel lets its process take,
and keeps that until the process has ended. An image begins with a place of the small pool. If its header says
that it needs more, the process is ended, and another one begins when so much is free in the pool of large
images: small ones never wait for large ones. Clients of a server share each pool fairly
(`decoder_memory.py`). The time of a process is bounded by what an image of its size takes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from viper.errors import ViperError
from viper.images.cancellation import Cancellation
from viper.images.color_modes import DEEP_MODES, DeepSamples, rows_at_once
from viper.images.decoder_memory import MemoryPool, RecalledError, Reservation
from viper.images.decoder_process import LIMITS, DecoderChild, DecoderGoneError, DecoderZygote
from viper.images.decoding_error import DecodingError
from viper.images.image import Pixels
from viper.images.image_files import (
    MAX_DECODING_BYTES,
    MESSAGE_BYTES,
    canvas_of_webp,
    decoding_bytes,
)
from viper.images.pixel_arrays import gray_pixels, upright
from viper_sandbox.wire import HEADER_BYTES, WireError, frame, pack, payload_length, unpack

__all__ = ["decode", "missing_of_decoders"]

# Before the size of an image is known: what its metadata may take, beside its file.
_HEADER_BYTES = 32 << 20
# What the allocator keeps beyond what is in use.
_SLACK_BYTES = 48 << 20
# What one process may take at most, and all that decode large images together.
_MOST_BYTES = int(LIMITS.memory_mb) << 20
# A photograph of 12 megapixels fits into a place; the default of a server is eight requests at a time.
_PLACE_BYTES = 128 << 20
_PLACES = max(8, os.cpu_count() or 1)
# The kernel prefers others after that, as with programs: what a header says is no measure of time.
_GIVES_WAY_AFTER_S = 0.5
# CPU time: ten times of what honest files of the slowest formats take.
_CPU_S = 3.0
_CPU_S_PER_PIXEL = 0.5e-6
_CPU_S_PER_BYTE = 0.1e-6
# Wall times. An ordinary header takes a millisecond, a megapixel 10 to 50; the machine may be very busy.
_START_S = 60.0
_HEADER_S = 15.0
_S_PER_PIXEL = 0.5e-6
# Zero would not block at all.
_SHORTEST_WAIT_S = 1e-3
_SOCKET_BYTES = 1 << 20


class _ClosedError(Exception):
    """The child closed its socket before it had sent all pixels."""


class _KilledError(Exception):
    """The child was killed: by the kernel, because memory or time ran out, or by a person, or by itself."""


class _Header(NamedTuple):
    """What a child says about a file, before it decodes it."""

    form: str
    mode: str
    width: int
    height: int
    scans: int


class _LargeError(Exception):
    """The image needs more memory than its decoder may take.

    Args:
        size_bytes: What it needs.
        header: What its decoder said; the next one must say the same.
    """

    def __init__(self, size_bytes: int, header: _Header) -> None:
        super().__init__(size_bytes, header)
        self.size_bytes = size_bytes
        self.header = header


def decode(
    data: bytes,
    accept: Callable[[int, int], None],
    cancellation: Cancellation | None = None,
    *,
    client: str | None = None,
) -> Pixels:
    """Decode the first image of a file.

    Args:
        data: Content of the file.
        accept: Called with width and height before memory is allocated; raises if they are too large.
        cancellation: Ends it earlier, with a `DecodingError` of the kind "time".
        client: Who asks, in a server: clients share memory fairly, and what takes long leaves the processor
            to others. None if there is nobody else.

    Returns:
        A new array of shape (H, W, 3), uint8 RGB, contiguous, upright.

    Raises:
        DecodingError: The file gives no pixels.
        ViperError: No process can be started.
    """
    cancellation = cancellation or Cancellation()
    canvas = canvas_of_webp(data)
    if canvas != (0, 0):
        accept(*canvas)
    header_bytes = _HEADER_BYTES + 2 * len(data) + 8 * canvas[0] * canvas[1]
    if header_bytes > MAX_DECODING_BYTES:
        raise DecodingError("memory")
    size_bytes, header, again = _limit_bytes(header_bytes), None, False
    troubles: list[str] = []
    while len(troubles) < 2:  # once more if the zygote was killed meanwhile, or an idle child
        try:
            with contextlib.ExitStack() as held:
                pool = _pool(size_bytes)
                most_bytes = max(size_bytes, _PLACE_BYTES)
                reservation = held.enter_context(
                    pool.hold(most_bytes, client or "", cancellation, again=again)
                )
                attempt = _Attempt(data, accept, cancellation, client is not None, header)
                pixels = attempt.pixels(DecoderZygote.current(), reservation, held)
        except RecalledError:
            again = True
        except _LargeError as large:
            size_bytes, header, again = large.size_bytes, large.header, False
        except DecoderGoneError as error:
            troubles.append(f" ({error})" if str(error) else "")
        except _KilledError:
            if troubles == [_KILLED]:
                raise DecodingError("damaged", "its decoder was killed each time") from None
            troubles.append(_KILLED)
        else:
            DecoderZygote.current().prepare()
            return pixels
    raise ViperError(
        f"The process that decodes images cannot be started, or is killed each time{troubles[-1]}. "
        "`viper doctor` shows what this machine lacks."
    )


_KILLED = " (its memory was needed elsewhere, or somebody killed it)"


def missing_of_decoders() -> dict[str, str]:
    """Return which mechanisms do not confine the processes that decode images here, and why.

    Raises:
        ViperError: No process can be started.
    """
    for _ in range(2):
        zygote = DecoderZygote.current()
        with contextlib.suppress(DecoderGoneError):
            if zygote.missing is None:
                child = zygote.child()
                zygote.check(_Conversation(child.socket).ready())
                zygote.end(child)
            return dict(zygote.missing or {})
    raise ViperError("The process that decodes images cannot be started.")


class _Attempt(NamedTuple):
    """One process that decodes a file."""

    data: bytes
    accept: Callable[[int, int], None]
    cancellation: Cancellation
    gives_way: bool
    header: _Header | None
    """What the process before it said about the file."""

    def pixels(
        self, zygote: DecoderZygote, reservation: Reservation, held: contextlib.ExitStack
    ) -> Pixels:
        """Return the pixels.

        Args:
            zygote: Makes the process.
            reservation: The memory that it may take.
            held: Gives the memory back: closed when the process has ended.
        """
        child = zygote.child()
        started_s = time.monotonic()
        give_way = partial(zygote.give_way, child) if self.gives_way else None
        conversation = _Conversation(child.socket, self.cancellation, give_way)
        hang_up = conversation.hang_up
        try:
            with self.cancellation.waking(hang_up), reservation.ending(hang_up):
                pixels = self._exchange(zygote, child, conversation, reservation.size_bytes)
        except (_ClosedError, WireError, OSError) as error:
            status = zygote.end(child)
            if reservation.is_recalled and not self.cancellation.is_cancelled:
                raise RecalledError from error
            if self.cancellation.is_cancelled or isinstance(error, TimeoutError):
                raise DecodingError("time") from error
            if status == -signal.SIGKILL and isinstance(error, _ClosedError):
                if (
                    time.monotonic() - started_s > LIMITS.cpu_s
                ):  # the kernel's second line of defense
                    raise DecodingError("time") from error
                raise _KilledError from error
            raise _failure(status, error) from error
        except BaseException:
            zygote.end(child)
            raise
        # It is killed whatever it does, which takes a moment; nobody waits for that but its memory.
        zygote.kill(child)
        kept = held.pop_all()
        child.ended.add_done_callback(lambda _: kept.close())
        return pixels

    def _exchange(
        self,
        zygote: DecoderZygote,
        child: DecoderChild,
        conversation: _Conversation,
        most_bytes: int,
    ) -> Pixels:
        zygote.check(conversation.ready())
        zygote.limit(child, most_bytes, _cpu_s(0, len(self.data)))
        header = conversation.header(self.data)
        self.accept(header.width, header.height)
        if self.header not in (None, header):
            raise WireError("another header than before")
        size_bytes = _needed_bytes(header, len(self.data))
        if size_bytes > most_bytes:
            raise _LargeError(size_bytes, header)
        zygote.limit(child, most_bytes, _cpu_s(header.width * header.height, len(self.data)))
        return conversation.pixels(header)


def _needed_bytes(header: _Header, file_bytes: int) -> int:
    """Return what decoding takes: in the process, as its kernel limits it, and in the host."""
    size = (header.width, header.height)
    own_bytes = 0  # of the host, which scales the samples of deep modes
    if header.mode in DEEP_MODES:
        own_bytes = size[0] * size[1] * np.dtype(DEEP_MODES[header.mode]).itemsize
    memory_bytes = decoding_bytes(header.form, header.mode, size, max(0, header.scans), file_bytes)
    if memory_bytes + own_bytes > MAX_DECODING_BYTES:
        raise DecodingError("memory")
    return min(_limit_bytes(memory_bytes) + own_bytes, _MOST_BYTES)


def _limit_bytes(needed_bytes: int) -> int:
    """Return the limit of memory for a process that needs so much, as measured."""
    return min(needed_bytes + needed_bytes // 4 + _SLACK_BYTES, _MOST_BYTES)


def _cpu_s(pixels: int, file_bytes: int) -> float:
    return min(LIMITS.cpu_s, _CPU_S + pixels * _CPU_S_PER_PIXEL + file_bytes * _CPU_S_PER_BYTE)


def _failure(status: int | None, error: Exception) -> DecodingError:
    """Return why a child ended without sending pixels."""
    if isinstance(error, WireError):
        return DecodingError("damaged", "its decoder broke the rules of its messages")
    if status in _OVERTIME:
        return DecodingError("time")
    return DecodingError("damaged", f"its decoder ended with status {status}")


_OVERTIME = (-signal.SIGPROF, -signal.SIGXCPU)


class _Conversation:
    """The messages with one child, within its wall time.

    Args:
        connection: The host's end of its socket.
        cancellation: Ends it at a point in time.
        give_way: Called once, when it has taken a while.
    """

    def __init__(
        self,
        connection: socket.socket,
        cancellation: Cancellation | None = None,
        give_way: Callable[[], None] | None = None,
    ) -> None:
        self._socket = connection
        self._cancellation = cancellation or Cancellation()
        self._give_way = give_way
        self._is_over = False
        self._gives_way_s = time.monotonic() + _GIVES_WAY_AFTER_S
        self._deadline_s = time.monotonic() + _START_S
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)

    def hang_up(self) -> None:
        """End it from another thread."""
        self._is_over = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def ready(self) -> dict[str, str]:
        """Return which mechanisms do not confine the child, and why."""
        (missing,) = self._expect("ready", dict)
        self._gives_way_s = time.monotonic() + _GIVES_WAY_AFTER_S
        return {str(name): str(why) for name, why in missing.items()}

    def header(self, data: bytes) -> _Header:
        """Send a file, and receive what its header says."""
        self._deadline_s = time.monotonic() + _HEADER_S
        self._send(["image", len(data)])
        self._send_bytes(data)
        return _Header(*self._expect("opened", str, str, int, int, int))

    def pixels(self, header: _Header) -> Pixels:
        """Receive the pixels of the image with this header."""
        width, height = header.width, header.height
        self._deadline_s = time.monotonic() + _HEADER_S + width * height * _S_PER_PIXEL
        self._send(["decode"])
        layout, *size, orientation, bits, inverted, unsigned, transparent = self._expect(
            "pixels", str, int, int, int, int, bool, bool, int
        )
        # Memory was promised for what the header said.
        if size != [width, height] or layout != (
            header.mode if header.mode in DEEP_MODES else "RGB"
        ):
            raise WireError("other pixels than its header announced")
        if layout == "RGB":
            pixels = self._rows(np.empty((height, width, 3), np.uint8))
        elif bits in (12, 16):
            values = self._rows(np.empty((height, width), np.dtype(DEEP_MODES[layout])))
            samples = DeepSamples(bits, inverted, unsigned, transparent)
            pixels = gray_pixels(values, samples, self._check_time)
        else:
            raise WireError("unknown number of bits")
        return np.ascontiguousarray(upright(pixels, orientation))

    def _rows(self, array: Any) -> Any:  # Any: an array of any type of numbers
        """Fill an array, top first, in the portions in which an honest child sends it."""
        portion = rows_at_once(array.shape[1]) * array.strides[0]
        rest = memoryview(array).cast("B")
        while rest:
            (size,) = self._expect("rows", int)
            if size != min(portion, len(rest)):
                raise WireError("rows of another size")
            self._receive_into(rest[:size])
            rest = rest[size:]
        return array

    def _send(self, message: list[object]) -> None:
        self._send_bytes(frame(pack(message, MESSAGE_BYTES)))

    def _send_bytes(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._within_time(self._socket.send, rest) :]
            except (BrokenPipeError, ConnectionResetError) as error:
                raise _ClosedError from error

    def _within_time(self, act: Callable[[memoryview], int], data: memoryview) -> int:
        """Send or receive some bytes, before the deadline; let the child give way when it is time."""
        while True:
            deadline_s = self._deadline_s
            if self._cancellation.deadline_s is not None:
                deadline_s = min(deadline_s, self._cancellation.deadline_s)
            now_s = time.monotonic()
            if (
                deadline_s <= now_s
            ):  # also where bytes are ready: they could come one by one for ever
                raise TimeoutError
            if self._give_way is not None and self._gives_way_s <= now_s:
                self._give_way()
                self._give_way = None
            if self._give_way is not None:
                deadline_s = min(deadline_s, self._gives_way_s)
            self._socket.settimeout(max(deadline_s - now_s, _SHORTEST_WAIT_S))
            with contextlib.suppress(TimeoutError):
                return act(data)

    def _check_time(self) -> None:
        if self._is_over or self._cancellation.is_cancelled or time.monotonic() >= self._deadline_s:
            raise TimeoutError

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
            try:
                received = self._within_time(self._socket.recv_into, room)
            except ConnectionResetError as error:
                raise _ClosedError from error
            if not received:
                raise _ClosedError
            room = room[received:]


def _pool(size_bytes: int) -> MemoryPool:
    """Return the pool that an image takes its memory from: small ones never wait for large ones."""
    return _SMALL if size_bytes <= _PLACE_BYTES else _LARGE


def _new_pools() -> tuple[MemoryPool, MemoryPool]:
    return MemoryPool(_PLACES * _PLACE_BYTES), MemoryPool(_MOST_BYTES)


_SMALL, _LARGE = _new_pools()


def _after_fork() -> None:
    """Forget reservations of the parent, whose threads this process lacks."""
    global _SMALL, _LARGE
    _SMALL, _LARGE = _new_pools()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
