"""Decodes a file in a process of its own: hands over the bytes, and receives pixels.

Every file gets a fork of one zygote that has Pillow loaded, confined before it reads a byte
(`decoder_child.py`). A decoder that crashes, or takes too much time or memory, costs its file and nothing
else. The host trusts nothing that arrives: layouts are those of a table, sizes are checked before memory is
allocated, and exactly as many bytes are read as the size says.

The memory of all decodings together is bounded: each reserves what its header makes likely, and waits until
that is free; large images share one pool, and all others another. Whatever the header says, the kernel holds
each process to `decoder_process.LIMITS`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from viper.errors import ViperError
from viper.images.cancellation import Cancellation
from viper.images.color_modes import DEEP_MODES, DeepSamples, rows_at_once
from viper.images.decoder_process import DecoderChild, DecoderGoneError, DecoderZygote
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

# A photograph of 12 megapixels takes 50 MB; many of them are decoded at the same time.
_SMALL_BYTES = 64 << 20
_ALL_SMALL_BYTES = 512 << 20
# Before the size of an image is known: what its metadata may take, beside its file.
_HEADER_BYTES = 32 << 20
# What the allocator keeps beyond what is in use.
_SLACK_BYTES = 48 << 20
# From here on, decoding takes longer than most answers; in a server it must not hold up those of others.
_LARGE_PIXELS = 2_000_000
# Between two looks whether a decoding that waits for memory was cancelled.
_LOOK_S = 0.05
# Wall times. An ordinary header takes a millisecond, a megapixel 10 to 50; the machine may be very busy.
_START_S = 60.0
_HEADER_S = 15.0
_S_PER_PIXEL = 0.5e-6
_SOCKET_BYTES = 1 << 20


class _ClosedError(Exception):
    """The child closed its socket before it had sent all pixels."""


class _KilledError(Exception):
    """Somebody else killed the child: the kernel, because memory ran out, or a person."""


def decode(
    data: bytes,
    accept: Callable[[int, int], None],
    cancellation: Cancellation | None = None,
    *,
    gives_way: bool = False,
) -> Pixels:
    """Decode the first image of a file.

    Args:
        data: Content of the file.
        accept: Called with width and height before memory is allocated; raises if they are too large.
        cancellation: Ends it earlier, with a `DecodingError` of the kind "time".
        gives_way: Whether the processor is left to others while a large image is decoded.

    Returns:
        A new array of shape (H, W, 3), uint8 RGB, contiguous, upright.

    Raises:
        DecodingError: The file gives no pixels.
        ViperError: No process can be started.
    """
    trouble = ""
    cancellation = cancellation or Cancellation()
    for _ in range(2):  # once more if the zygote was killed meanwhile
        zygote = DecoderZygote.current()
        try:
            child = zygote.child()
            give_way = partial(zygote.give_way, child) if gives_way else None
            pixels = _decode(zygote, child, data, accept, cancellation, give_way)
        except DecoderGoneError as error:
            trouble = f" ({error})" if str(error) else ""
        except _KilledError:
            trouble = " (its memory was needed elsewhere, or somebody killed it)"
        else:
            zygote.prepare()
            return pixels
    raise ViperError(
        f"The process that decodes images cannot be started, or is killed each time{trouble}. "
        "`viper doctor` shows what this machine lacks."
    )


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
                (missing,) = _Conversation(child.socket)._expect("ready", dict)
                zygote.check({str(name): str(why) for name, why in missing.items()})
                zygote.end(child)
            return dict(zygote.missing or {})
    raise ViperError("The process that decodes images cannot be started.")


def _decode(
    zygote: DecoderZygote,
    child: DecoderChild,
    data: bytes,
    accept: Callable[[int, int], None],
    cancellation: Cancellation,
    give_way: Callable[[], None] | None = None,
) -> Pixels:
    conversation = _Conversation(
        child.socket, cancellation, zygote.check, partial(zygote.limit_memory, child), give_way
    )
    with contextlib.ExitStack() as held:  # its memory is given back when the child has ended
        try:
            with cancellation.waking(lambda: _hang_up(child.socket)):
                pixels = conversation.pixels(data, accept, held)
        except (_ClosedError, WireError, OSError) as error:
            status = zygote.end(child)
            if cancellation.is_cancelled or isinstance(error, TimeoutError):
                raise DecodingError("time") from error
            if status == -signal.SIGKILL and isinstance(error, _ClosedError):
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


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _failure(status: int | None, error: Exception) -> DecodingError:
    """Return why a child ended without sending pixels."""
    if isinstance(error, WireError):
        return DecodingError("damaged", "its decoder broke the rules of its messages")
    if status in _OVERTIME:
        return DecodingError("time")
    return DecodingError("damaged", f"its decoder ended with status {status}")


_OVERTIME = (-signal.SIGPROF, -signal.SIGXCPU)


class _Conversation:
    """The messages with one child, within its wall time."""

    def __init__(
        self,
        connection: socket.socket,
        cancellation: Cancellation | None = None,
        check: Callable[[dict[str, str]], None] = lambda missing: None,
        limit_memory: Callable[[int], None] = lambda memory_bytes: None,
        give_way: Callable[[], None] | None = None,
    ) -> None:
        self._socket = connection
        self._cancellation = cancellation or Cancellation()
        self._check = check
        self._limit_memory = limit_memory
        self._give_way = give_way
        self._deadline_s = time.monotonic() + _START_S
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)

    def pixels(
        self, data: bytes, accept: Callable[[int, int], None], held: contextlib.ExitStack
    ) -> Pixels:
        """Send a file and receive its pixels.

        Args:
            data: Content of the file.
            accept: Called with width and height.
            held: Gives the memory back that the decoder has reserved.
        """
        (missing,) = self._expect("ready", dict)
        self._check({str(name): str(why) for name, why in missing.items()})
        canvas = canvas_of_webp(data)
        if canvas != (0, 0):
            accept(*canvas)
        header_bytes = _HEADER_BYTES + 2 * len(data) + 8 * canvas[0] * canvas[1]
        if header_bytes > MAX_DECODING_BYTES:
            raise DecodingError("memory")
        with _pool(header_bytes).hold(header_bytes, self._cancellation):
            form, mode, width, height, scans = self._header(data, header_bytes)
        accept(width, height)
        memory_bytes = decoding_bytes(form, mode, (width, height), max(0, scans), len(data))
        own_bytes = 0  # of the host, which scales the samples of deep modes
        if mode in DEEP_MODES:
            own_bytes = width * height * np.dtype(DEEP_MODES[mode]).itemsize
        if memory_bytes + own_bytes > MAX_DECODING_BYTES:
            raise DecodingError("memory")
        held.enter_context(_RUNNING.hold(1, self._cancellation))
        pool = _pool(memory_bytes + own_bytes)
        held.enter_context(pool.hold(memory_bytes + own_bytes, self._cancellation))
        # The kernel holds it to that: a header that lies costs its image, not the memory of everybody.
        self._limit_memory(memory_bytes + memory_bytes // 4 + _SLACK_BYTES)
        if self._give_way is not None and width * height > _LARGE_PIXELS:
            self._give_way()
        self._deadline_s = time.monotonic() + _HEADER_S + width * height * _S_PER_PIXEL
        self._send(["decode"])
        layout, *size, orientation, bits, inverted, unsigned, transparent = self._expect(
            "pixels", str, int, int, int, int, bool, bool, int
        )
        # Memory was promised for what the header said.
        if size != [width, height] or layout != (mode if mode in DEEP_MODES else "RGB"):
            raise WireError("other pixels than its header announced")
        if layout == "RGB":
            pixels = self._rows(np.empty((height, width, 3), np.uint8))
        elif bits in (12, 16):
            values = self._rows(np.empty((height, width), np.dtype(DEEP_MODES[layout])))
            pixels = gray_pixels(values, DeepSamples(bits, inverted, unsigned, transparent))
        else:
            raise WireError("unknown number of bits")
        return np.ascontiguousarray(upright(pixels, orientation))

    def _header(self, data: bytes, memory_bytes: int) -> tuple[str, str, int, int, int]:
        """Hand over the file, and return format, mode, width, height and scans."""
        self._limit_memory(memory_bytes + _SLACK_BYTES)
        self._deadline_s = time.monotonic() + _HEADER_S
        self._send(["image", len(data)])
        self._send_bytes(data)
        form, mode, width, height, scans = self._expect("opened", str, str, int, int, int)
        return form, mode, width, height, scans

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
        self._set_timeout()
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _ClosedError from error

    def _set_timeout(self) -> None:
        deadline_s = self._deadline_s
        if self._cancellation.deadline_s is not None:
            deadline_s = min(deadline_s, self._cancellation.deadline_s)
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:  # also where bytes are ready: they could come one by one for ever
            raise TimeoutError
        self._socket.settimeout(left_s)

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
            self._set_timeout()
            try:
                received = self._socket.recv_into(room)
            except ConnectionResetError as error:
                raise _ClosedError from error
            if not received:
                raise _ClosedError
            room = room[received:]


class _Reservations:
    """An amount that decoders share; who asked first gets it first."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    @contextlib.contextmanager
    def hold(self, amount: int, cancellation: Cancellation) -> Iterator[None]:
        """Wait until so much is free, and hold it.

        Raises:
            DecodingError: The decoding was cancelled meanwhile.
        """
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                while self._queue[0] is not ticket or self._free < amount:
                    if cancellation.is_cancelled:
                        raise DecodingError("time")
                    self._changed.wait(_LOOK_S)
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
            self._free -= amount
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()


def _pool(size_bytes: int) -> _Reservations:
    """Return the pool that an image takes its memory from: ordinary ones never wait for large ones."""
    return _SMALL if size_bytes <= _SMALL_BYTES else _LARGE


# A process that was taken over may use all of its limits, so there are few at the same time.
_RUNNING = _Reservations(max(4, os.cpu_count() or 1))
_LARGE = _Reservations(MAX_DECODING_BYTES)
_SMALL = _Reservations(_ALL_SMALL_BYTES)


def _after_fork() -> None:
    """Forget reservations of the parent, whose threads this process lacks."""
    global _RUNNING, _LARGE, _SMALL
    _RUNNING = _Reservations(max(4, os.cpu_count() or 1))
    _LARGE, _SMALL = _Reservations(MAX_DECODING_BYTES), _Reservations(_ALL_SMALL_BYTES)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
