"""The child's end of its socket: blocking, one frame at a time, without reading ahead."""

from __future__ import annotations

import os
import sys
from typing import Any

from viper_sandbox.wire import (
    HEADER_BYTES,
    PatchRef,
    WireValue,
    frame,
    pack,
    payload_length,
    unpack,
)

__all__ = ["CONTROL_BYTES", "EXIT_HOST_GONE", "EXIT_MEMORY", "FrameSocket", "wire_mapping"]

CONTROL_BYTES = 4_000_000
"""Largest frame between host and zygote; an API with plugins takes some 50 kB."""
EXIT_HOST_GONE = 72
"""Exit status if the host closed the socket."""
EXIT_MEMORY = 73
"""Exit status if memory ran out in the middle of a frame, after which no other frame can follow."""

# Recursion depth that a call may use beyond the program's own limit; it needs about 80.
_SPARE_FRAMES = 200


class FrameSocket:
    """Sends and receives frames over an open socket.

    Args:
        fd: The socket.
        max_bytes: Largest frame either way.
    """

    def __init__(self, fd: int, max_bytes: int) -> None:
        self._fd = fd
        self._max_bytes = max_bytes
        self._last_id = 0

    def send(self, message: list[Any]) -> None:  # Any: pack checks that they are wire values
        """Send one message.

        Raises:
            WireError: It cannot be encoded; nothing was sent.
        """
        data = memoryview(frame(pack(message, self._max_bytes)))
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except (BrokenPipeError, ConnectionResetError):
                os._exit(EXIT_HOST_GONE)

    def receive(self) -> list[Any]:  # Any: a message of the host, which is trusted here
        """Wait for one message."""
        length = payload_length(self._read(HEADER_BYTES), self._max_bytes)
        message = unpack(self._read(length))
        assert isinstance(message, list), "the host sends lists"
        return message

    def call(
        self, name: str, receiver: PatchRef | None, arguments: tuple[Any, ...], line: int
    ) -> Any:
        """Send one call to the host and wait for its result.

        Raises:
            ValueError: The host rejects the arguments; it may choose TypeError instead.
        """
        self._last_id += 1
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + _SPARE_FRAMES)  # the program may have reached its own limit
        try:
            self.send(["call", self._last_id, name, receiver, arguments, line])
            answer = self.receive()
        except MemoryError:
            os._exit(EXIT_MEMORY)
        finally:
            sys.setrecursionlimit(limit)
        match answer:
            case ["value", int(call_id), value] if call_id == self._last_id:
                return value
            case ["rejected", int(call_id), str(exception), str(text)] if call_id == self._last_id:
                raise (TypeError if exception == "TypeError" else ValueError)(text)
            case _:
                raise AssertionError("the host answered another call")

    def _read(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            try:
                part = os.read(self._fd, min(size, 1 << 20))
            except ConnectionResetError:
                part = b""
            if not part:
                os._exit(EXIT_HOST_GONE)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def wire_mapping(value: WireValue) -> dict[str, Any]:
    """Return a dict that the host sent; its keys are always texts."""
    assert isinstance(value, dict), "the host sends a dict"
    return {str(key): item for key, item in value.items()}
