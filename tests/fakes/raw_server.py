"""A TCP server on loopback that answers every request with bytes as a test makes them, well-formed or not."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator

Answer = Callable[[str], Iterable[bytes]]
"""Takes the first line of a request and yields what is sent; the connection is closed at its end."""


class RawServer:
    """The server; `lines` holds the first lines of the requests, `sent` the number of bytes sent."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.lines: list[str] = []
        self.sent = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> RawServer:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (more := connection.recv(65536)):
                    return
                head += more
            line = head.split(b"\r\n")[0].decode()
            self.lines.append(line)
            for part in self._answer(line):
                connection.sendall(part)
                self.sent += len(part)
            # Closing with an unread body of the request would reset the connection, and lose the answer.
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(5)
            while connection.recv(65536):
                pass


def head(*lines: str, status: str = "200 OK") -> bytes:
    """The status line and headers of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *lines, "", ""]).encode()


def whole(body: bytes, *lines: str, status: str = "200 OK") -> list[bytes]:
    """A complete answer."""
    return [head(f"Content-Length: {len(body)}", *lines, status=status), body]


def endless(part: bytes = b"x" * 65536, *, status: str = "200 OK") -> Iterator[bytes]:
    """An answer without end, in chunks."""
    yield head("Transfer-Encoding: chunked", status=status)
    yield from itertools.repeat(b"%x\r\n%b\r\n" % (len(part), part))


def inflated(megabytes: int) -> bytes:
    """A gzip file of a thousandth of what it holds."""
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes))
    return packed + packer.flush()
